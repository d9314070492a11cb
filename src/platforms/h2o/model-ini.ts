import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { damaged } from "./mojo-files.ts";

/** Lines that are looked at without letting others have their turn. */
const TURN_LINES = 20_000;

/** What `model.ini` says. */
export interface ModelIni {
  readonly settings: ReadonlyMap<string, string>;
  readonly columns: readonly string[];
  /** By column, the number of levels and the file that has them. */
  readonly domains: ReadonlyMap<number, { readonly count: number; readonly file: string }>;
}

const SECTIONS = ["[info]", "[columns]", "[domains]"] as const;

/**
 * Reads the lines of a `model.ini`.
 * @param where what errors call it
 * @throws ServingError data-loss for what is none
 */
export function readModelIni(lines: readonly string[], where: string): ModelIni {
  const settings = new Map<string, string>();
  const columns: string[] = [];
  const domains = new Map<number, { count: number; file: string }>();
  let section: (typeof SECTIONS)[number] | undefined;
  for (const raw of lines) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const begun = SECTIONS.find((each) => each === line);
    if (begun !== undefined) section = begun;
    else if (section === "[info]") {
      const at = line.indexOf("=");
      if (at < 0) throw damaged(where, `has ${shown(line)} where a setting is expected`);
      settings.set(line.slice(0, at).trimEnd(), line.slice(at + 1).trimStart());
    } else if (section === "[columns]") columns.push(line);
    else if (section === "[domains]") {
      const [, column, count, file] = /^(\d{1,9}):\s*(\d{1,9}) (\S.*)$/.exec(line) ?? [];
      if (file === undefined) throw damaged(where, `has ${shown(line)} where a domain is expected`);
      domains.set(Number(column), { count: Number(count), file });
    } else throw damaged(where, `begins with ${shown(line)}, not with [info]`);
  }
  if (section === undefined) throw damaged(where, "is empty");
  return { settings, columns, domains };
}

/** Lines of a text, without what ends them; an end of the last one begins no other. */
export function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    const line = text.slice(start, end < 0 ? text.length : end);
    yield line.endsWith("\r") ? line.slice(0, -1) : line;
    if (end < 0) return;
    start = end + 1;
  }
}

/** The lines of a file, which may be many. @throws ServingError when the signal aborts */
export async function fileLines(bytes: Buffer, signal: AbortSignal): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const line of linesOf(bytes.toString())) {
    lines.push(line);
    if (lines.length % TURN_LINES !== 0) continue;
    await setImmediate();
    throwIfAborted(signal);
  }
  return lines;
}

/** A line as it was before it was written: `\n`, `\r` and `\\` are what they stand for. */
export function unescaped(line: string): string {
  return line.includes("\\")
    ? line.replace(/\\(.)?/gs, (_, next: string | undefined) => (next === "n" ? "\n" : next === "r" ? "\r" : (next ?? "")))
    : line;
}

function shown(line: string): string {
  return JSON.stringify(line.slice(0, 60));
}
