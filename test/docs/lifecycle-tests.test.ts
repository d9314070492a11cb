import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
// @ts-expect-error The scripts run before anything is built or installed, so they are plain JavaScript without types.
import { lineOfTest, REFERENCE, refreshed } from "../../scripts/write-lifecycle-tests.mjs";
import { document, ROOT } from "./documents.ts";

const page = document("docs/reference/tf-serving-lifecycle-tests.md");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

test("every test that the page names is on the line it says: run scripts/write-lifecycle-tests.mjs after a change", () => {
  expect([...page.matchAll(REFERENCE as RegExp)].length).toBeGreaterThan(100);
  expect(refreshed(page, read)).toBe(page);
});

test("every row of the page names a test or says why there is none", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (test|---)/.test(line));
  expect(rows.filter((row) => !/\| (`[\w./-]+\.test\.ts:\d+` ".+"|none: .+?) +\|$/.test(row))).toEqual([]);
});

test("a test's line is where its name stands, as a test or as a case of a table", () => {
  const text = ['test("a", () => {});', "test.each([", '  ["b", 1],', "  [", '    "c",', '])("d %s", () => {});', "// x"].join(
    "\n",
  );
  expect(["a", "b", "c", "d %s", "x"].map((name) => lineOfTest(text, name))).toEqual([1, 3, 5, 6, 0]);
});
