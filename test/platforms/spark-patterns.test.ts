import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PatternRefused, translatePattern } from "../../src/platforms/spark/java-pattern.ts";
import { sparkTokens } from "../../src/runtimes/tabular/spark/spark-words.ts";
import { fixture } from "../support/folders.ts";

interface PatternCase {
  readonly pattern: string;
  readonly cases: readonly { readonly text: string; readonly found: readonly string[]; readonly split: readonly string[] }[];
}

const OF_JAVA = JSON.parse(readFileSync(fixture("spark", "patterns.json"), "utf8")) as readonly PatternCase[];

/** The words of a text by a pattern of Java's, of any length. */
function words(pattern: string, text: string, gaps: boolean): readonly string[] {
  const { source, longest } = translatePattern(pattern);
  const tokens = sparkTokens({ lowerCase: false, pattern: source, gaps, least: 0, longest, what: "text" });
  return tokens({ rows: 1, width: 1, texts: [text] }).words[0]!;
}

test.each(OF_JAVA.map((each) => [each.pattern, each] as const))(
  "the pattern %s finds and splits what Java does",
  (pattern, { cases }) => {
    for (const { text, found, split } of cases) {
      expect(words(pattern, text, false), JSON.stringify(text)).toEqual(found);
      expect(words(pattern, text, true), JSON.stringify(text)).toEqual(split);
    }
  },
);

test.each<[string, string]>([
  ["\\bword\\b", "\\b is not covered"],
  ["^a", "^ in this place is not covered"],
  ["a$", "$ in this place is not covered"],
  ["(?=a)", "a group (?...) is not covered"],
  ["(?i)a", "a group (?...) is not covered"],
  ["(a)\\1", "\\1 is not covered"],
  ["a*+", "a quantifier that gives nothing back is not covered"],
  ["[a&&b]", "& in brackets is not covered"],
  ["[a[b]]", "[ in brackets is not covered"],
  ["[\\w-z]", "- in this place is not covered"],
  ["[a-c-e]", "- in this place is not covered"],
  ["\\Qa\\E", "\\Q is not covered"],
  ["\\h", "\\h is not covered"],
  ["\\p{IsGreek}", "\\p{IsGreek} is not covered"],
  ["\\ud83e", "\\ud83e is not covered"],
  ["", "it matches an empty text"],
  ["a*", "it matches an empty text"],
  ["(a", "it is none"],
  ["a)", "it is none"],
  ["[b-a]", "it is none"],
  ["a{3,1}", "{3,1} is not covered"],
  ["*a", "* in this place is not covered"],
])("the pattern %s is refused: %s", (pattern, why) => {
  expect(() => translatePattern(pattern)).toThrow(new PatternRefused(why));
});

describe("a pattern that could run away is refused, or its texts are short", () => {
  test.each([
    "(a+)+b",
    "(a|aa)+b",
    "(?:a{0,50}){0,50}b",
    "a?".repeat(30) + "a".repeat(30),
    "a*a*a*b",
    "(?:a|b|ab)*c",
    "(a+|b)*c",
  ])("%s", (pattern) => {
    expect(() => translatePattern(pattern)).toThrow(PatternRefused);
  });

  test.each<[string, number]>([
    ["\\W+", Number.POSITIVE_INFINITY],
    ["[,;]\\s*", Number.POSITIVE_INFINITY],
    ["\\s+,", 5000],
    ["\\d+\\.\\d+", 500],
  ])("%s takes texts of %d characters", (pattern, longest) => {
    expect(translatePattern(pattern).longest).toBe(longest);
  });

  test("a longer text is the request's error", () => {
    expect(words("\\s+,", " ".repeat(5000), true)).toEqual([" ".repeat(5000)]);
    expect(() => words("\\s+,", " ".repeat(5001), true)).toThrow(
      /a text of 5001 characters, where the model's pattern takes 5000/,
    );
  });
});
