import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** The project's folder. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** Folders whose documents are not the project's. */
const FOREIGN: ReadonlySet<string> = new Set(["node_modules", "dist", "coverage"]);

/** One Markdown file. */
export interface Document {
  /** From the project's folder, `/`-separated. */
  readonly path: string;
  readonly text: string;
}

/** Every Markdown file of the repository, by path. */
export function documents(): readonly Document[] {
  return find(ROOT)
    .map((path) => ({ path: relative(ROOT, path).split(sep).join("/"), text: readFileSync(path, "utf8") }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** One document of the repository. */
export function document(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The text without fenced and indented blocks of code; lines stay in place. */
export function prose(text: string): string {
  let fence: string | undefined;
  const lines = text.split("\n").map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      return "";
    }
    fence = mark;
    return mark !== undefined || /^ {4}/.test(line) ? "" : line;
  });
  return lines.join("\n");
}

/** The anchors that a page of GitHub's gives to the headings of a document. */
export function anchors(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading] of prose(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return found;
}

function find(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return FOREIGN.has(entry.name) || entry.name.startsWith(".") ? [] : find(join(folder, entry.name));
    return entry.name.endsWith(".md") ? [join(folder, entry.name)] : [];
  });
}
