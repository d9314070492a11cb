import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TextAnalysis } from "../../../model/tabular/feature-operations.ts";
import { isCombining } from "./combining-characters.ts";
import { murmur3 } from "./murmur3.ts";
import { termCounts, termWeights } from "./term-counts.ts";
import { termsOf } from "./text-terms.ts";

const WORDS: TextAnalysis = {
  lowercase: true,
  accents: "kept",
  terms: { kind: "words", pattern: { kind: "runs", least: 2 }, stopWords: [] },
  sequence: [1, 1],
};

describe("terms are", () => {
  test.each([
    ["words of two letters or more", WORDS, "The cat's 1st x_3 a!", ["the", "cat", "1st", "x_3"]],
    ["words of any script", WORDS, "中文 Ünïcode हिन्दी ½② 𝓐𝓑", ["中文", "ünïcode", "½②", "𝓐𝓑"]],
    ["words with capitals", { ...WORDS, lowercase: false }, "The Cat", ["The", "Cat"]],
    [
      "words but for some",
      { ...WORDS, terms: { kind: "words", pattern: { kind: "runs", least: 2 }, stopWords: ["the"] } },
      "the cat",
      ["cat"],
    ],
    ["sequences of words", { ...WORDS, sequence: [1, 2] }, "one two three", ["one", "two", "three", "one two", "two three"]],
    ["longer sequences of few words", { ...WORDS, sequence: [2, 5] }, "one two", ["one two"]],
    [
      "sequences of characters, with one blank for several",
      { ...WORDS, terms: { kind: "characters" }, sequence: [2, 3] },
      "a \tb",
      ["a ", " b", "a b"],
    ],
    [
      "sequences of characters within words",
      { ...WORDS, terms: { kind: "characters-in-words" }, sequence: [2, 3] },
      "ab  c",
      [" a", "ab", "b ", " ab", "ab ", " c", "c ", " c "],
    ],
    [
      "a short word as a whole, once",
      { ...WORDS, terms: { kind: "characters-in-words" }, sequence: [4, 6] },
      "c abc",
      [" c ", " abc", "abc ", " abc "],
    ],
    ["without accents", { ...WORDS, accents: "stripped" }, "Café naïve ﬁne हि", ["cafe", "naive", "fine"]],
    ["without what is not ASCII", { ...WORDS, accents: "ascii" }, "Café 中文 naïve", ["cafe", "naive"]],
  ] as const)("%s", (_, analysis, text, wanted) => {
    expect(termsOf(analysis as TextAnalysis)(text)).toEqual(wanted);
  });
});

test.each([
  ["\u0301", true],
  ["\u0334", true],
  ["\u0345", true],
  ["\u093f", false],
  ["\u0e33", false],
  ["\u093c", true],
  ["\u094d", true],
  ["\u20dd", false],
])("whether %j combines is as Unicode has it", (character, combines) => {
  expect(isCombining(character)).toBe(combines);
});

test.each([
  ["", 0],
  ["a", 1009084850],
  ["ab", -1681926305],
  ["abc", -1277324294],
  ["test", -1167338989],
  ["Hello, world!", -1070186941],
  ["naïve", 992511445],
])("the hash of %j is that of scikit-learn's murmurhash3_32", (text, hash) => {
  expect(murmur3(Buffer.from(text))).toBe(hash);
});

describe("terms are counted", () => {
  const rows = (texts: (string | null)[]) => ({ rows: texts.length, width: 1, texts });
  const counted = (by: Parameters<typeof termCounts>[0]["by"], once: boolean, texts: (string | null)[]) => {
    const { starts, columns, values } = termCounts({ analysis: WORDS, by, once })(rows(texts));
    return [[...starts], [...columns], [...values]];
  };

  test("by a list of them", () => {
    const by = { kind: "list", terms: ["cat", "toString", "dog"] } as const;
    expect(counted(by, false, ["dog cat dog constructor", "", "tostring"])).toEqual([
      [0, 2, 2, 2],
      [0, 2],
      [1, 2],
    ]);
    expect(counted(by, true, ["dog cat dog"])).toEqual([
      [0, 2],
      [0, 2],
      [1, 1],
    ]);
  });

  test("by a hash, with its sign or without", () => {
    expect(counted({ kind: "hash", columns: 10, signed: true }, false, ["abc test test"])).toEqual([
      [0, 2],
      [4, 9],
      [-1, -2],
    ]);
    expect(counted({ kind: "hash", columns: 1, signed: true }, false, ["ab naïve"])).toEqual([[0, 1], [0], [0]]);
    expect(counted({ kind: "hash", columns: 10, signed: false }, false, ["abc test"])).toEqual([
      [0, 2],
      [4, 9],
      [1, 1],
    ]);
  });

  test("not when a text is missing", () => {
    expect(() => counted({ kind: "hash", columns: 10, signed: true }, false, ["a", null])).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        message: "the input has a missing text, which the model does not take",
      }),
    );
  });

  test("columns rise, and there is one for each that a plain count has", () => {
    const words = fc.array(fc.constantFrom("cat", "dog", "fox", "owl", "zzz"));
    fc.assert(
      fc.property(words, (text) => {
        const terms = ["fox", "dog", "cat", "owl"];
        const { columns, values } = termCounts({ analysis: WORDS, by: { kind: "list", terms }, once: false })(
          rows([text.join(" ")]),
        );
        const plain = terms.map((term) => text.filter((word) => word === term).length);
        expect(Array.from(columns, (column, i) => [column, values[i]])).toEqual(
          plain.map((count, column) => [column, count]).filter(([, count]) => count > 0),
        );
      }),
    );
  });

  test("and weighed", () => {
    const value = {
      rows: 1,
      width: 3,
      starts: Int32Array.of(0, 2),
      columns: Int32Array.of(0, 2),
      values: Float64Array.of(1, Math.E),
    };
    expect([...termWeights({ logarithmic: true, weights: Float64Array.of(3, 4, 5) }, value).values]).toEqual([3, 10]);
    expect([...termWeights({ logarithmic: false }, value).values]).toEqual([1, Math.E]);
  });
});
