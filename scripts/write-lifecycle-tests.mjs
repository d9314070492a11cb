// Brings the line numbers in docs/reference/tf-serving-lifecycle-tests.md up to date, by the names of the tests. With --check it
// writes nothing and fails when the page differs. Fails, too, when a test that the page names is not there.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "..");
const page = join(root, "docs/reference/tf-serving-lifecycle-tests.md");

/** What the page says of a test of ours: its file, its line and its name. */
export const REFERENCE = /`([\w./-]+\.test\.ts):(\d+)` "((?:[^"\\]|\\.)+)"/g;

/** The 1-based line on which a test file names a test, or a case of a table of tests; 0 when it does not. */
export function lineOfTest(text, name) {
  const title = JSON.stringify(name);
  const lines = text.split("\n");
  const named = lines.findIndex(
    (line) => line.includes(`test(${title}`) || line.includes(`](${title}`) || line.includes(`)(${title}`),
  );
  if (named >= 0) return named + 1;
  // A title of its own in a table of cases, or the title of a table written over several lines.
  return lines.findIndex((line) => line.trim() === `${title},` || line.trim().startsWith(`[${title},`)) + 1;
}

/** The page with the lines that the tests are on now. */
export function refreshed(text, readTest) {
  return text.replace(REFERENCE, (_, path, _line, name) => {
    const line = lineOfTest(readTest(path), name);
    if (line === 0) throw new Error(`${path} has no test "${name}"`);
    return `\`${path}:${line}\` "${name}"`;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = readFileSync(page, "utf8");
  const now = refreshed(text, (path) => readFileSync(join(root, path), "utf8"));
  if (!process.argv.includes("--check")) writeFileSync(page, now);
  else if (now !== text) {
    console.error("the page's line numbers are old: run `node scripts/write-lifecycle-tests.mjs`");
    process.exitCode = 1;
  }
}
