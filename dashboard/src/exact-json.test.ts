import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Json, JsonFault, parseJson, printJson } from "./exact-json.ts";

describe("reading", () => {
  test.each<[string, Json]>([
    ["[1, 2.5, -3e2]", [1, 2.5, -300]],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740991", 9007199254740991],
    ["[NaN, Infinity, -Infinity]", [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    [
      ' {"__proto__": {"a": []}, "é\\n": null} ',
      new Map<string, Json>([
        ["__proto__", new Map([["a", []]])],
        ["é\n", null],
      ]),
    ],
    ["[]", []],
    ["true", true],
  ])("%s", (text, value) => expect(parseJson(text)).toEqual(value));

  test.each([
    ["", "line 1, column 1: expected a value, got the end"],
    ['{"a": 1,\n "b" 2}', 'line 2, column 6: expected :, got "2}"'],
    ["[1, 2", "line 1, column 6: expected , or ], got the end"],
    ["[1] 2", 'line 1, column 5: expected the end, got "2"'],
    ["nul", 'line 1, column 1: expected a value, got "nul"'],
    ['"\\x"', "line 1, column 1: a text with a wrong escape or a control character"],
    ["[".repeat(400), "line 1, column 302: too deep"],
  ])("%j is refused with its place", (text, message) => {
    expect(() => parseJson(text)).toThrow(new JsonFault(message));
  });

  test("finds what JSON.parse finds, and reads back what is printed", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.boolean(), (text, indented) => {
        const read = parseJson(text);
        expect(plain(read)).toEqual(plain(fromPlain(JSON.parse(text))));
        expect(parseJson(printJson(read, { indented }))).toEqual(read);
      }),
    );
  });
});

describe("printing", () => {
  test("keeps what fits on a line on one, and fills lines with single values", () => {
    const value = new Map<string, Json>([
      ["a", [1, 2]],
      ["long", Array.from({ length: 60 }, () => 10)],
    ]);
    const lines = printJson(value, { indented: true }).split("\n");
    expect(lines.slice(0, 3)).toEqual(["{", '  "a": [1, 2],', '  "long": [']);
    expect(lines.length).toBeLessThan(10);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72);
  });

  test("keeps every digit, and numbers that are none", () => {
    expect(printJson([9223372036854775807n, Number.NaN, Number.NEGATIVE_INFINITY])).toBe("[9223372036854775807, NaN, -Infinity]");
  });
});

/** Objects as lists of their members, which no key can upset. */
function plain(value: Json): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, plain(item)]));
  if (typeof value === "bigint") return Number(value);
  return Array.isArray(value) ? value.map(plain) : value === 0 ? 0 : value;
}

function fromPlain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value === "object" && value !== null)
    return new Map(Object.entries(value).map(([key, item]) => [key, fromPlain(item)]));
  return value as Json;
}
