import { expect, test } from "vitest";
import { isKnownTag } from "./if-none-match.ts";

test.each([
  [undefined, false],
  ["", false],
  ['"b"', false],
  ['"a"', true],
  ['W/"a"', true],
  ['"b" , W/"a"', true],
  ["*", true],
  ["a", false],
])("%s names the tag: %s", (header, known) => {
  expect(isKnownTag(header, '"a"')).toBe(known);
});
