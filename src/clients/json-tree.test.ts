import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyText, hasFilled } from "./body-text.ts";
import { countValues, foldFilled, parseJson, printJson } from "./json-tree.ts";

/** Evaluates the expression that a program would be given. */
function evaluated(text: string, most: number): string {
  const parts: string[] = [];
  bodyText(foldFilled(parseJson(text), most), {
    literal: (part) => part,
    fill: (element, sizes) => sizes.reduce((inner, size) => `[${Array(size).fill(inner).join(",")}]`, element),
    join: (all) => parts.push(...all).toString(),
  });
  return parts.length > 0 ? parts.join("") : printJson(parseJson(text));
}

describe("reading and printing JSON", () => {
  test.each([
    ['{"x": 9007199254740993}', '{"x": 9007199254740993}'],
    ["[1.0, -0, 1e400, 0.1E-2]", "[1.0, -0, 1e400, 0.1E-2]"],
    [' { "a" : [ ] , "b" : { } } ', '{"a": [], "b": {}}'],
    ['{"a": 1, "a": 2}', '{"a": 2}'],
    ['"\\u00f6 \\ud83d\\ude00 \\""', '"\\u00f6 \\ud83d\\ude00 \\""'],
    ['"ö\u2028"', '"\\u00f6\\u2028"'],
    ["[true, false, null]", "[true, false, null]"],
  ])("%s", (text, printed) => expect(printJson(parseJson(text))).toBe(printed));

  test("gives what JSON.parse does, in printable ASCII", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const printed = printJson(parseJson(text));
        expect(printed).toMatch(/^[ -~]*$/);
        expect(JSON.parse(printed)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each(["", "{", "[1,]", "{'a': 1}", "NaN", "01"])("%s is refused", (text) => {
    expect(() => parseJson(text)).toThrow("the example request is not JSON");
  });

  test("lists nested deeper than any tensor are refused", () => {
    expect(() => parseJson("[".repeat(65) + "]".repeat(65))).not.toThrow();
    expect(() => parseJson("[".repeat(30_000) + "]".repeat(30_000))).toThrow("nested deeper than 64");
  });
});

describe("long lists of one value", () => {
  const rows = JSON.stringify({ x: Array.from({ length: 3 }, () => Array<number>(4).fill(7)), y: [1, 2] });

  test("are folded, shorter ones and mixed ones are not", () => {
    expect(hasFilled(foldFilled(parseJson(rows), 11))).toBe(true);
    expect(hasFilled(foldFilled(parseJson(rows), 12))).toBe(false);
    expect(hasFilled(foldFilled(parseJson("[[1, 1], [1]]"), 1))).toBe(true);
    expect(hasFilled(foldFilled(parseJson("[[1, 1], [1]]"), 2))).toBe(false);
    expect(hasFilled(foldFilled(parseJson('[[1, 1], "1"]'), 2))).toBe(false);
  });

  test("count for as many values as they are", () => {
    expect(countValues(foldFilled(parseJson(rows), 5))).toBe(14);
  });

  test("are the same again where a program repeats them", () => {
    const list = fc.letrec((tie) => ({
      list: fc.array(fc.oneof({ maxDepth: 3 }, fc.constantFrom(1, 2, "a"), tie("list")), { maxLength: 4 }),
    })).list;
    fc.assert(
      fc.property(list, fc.nat(8), (value, most) => {
        expect(JSON.parse(evaluated(JSON.stringify({ x: value }), most))).toEqual({ x: value });
      }),
    );
  });
});
