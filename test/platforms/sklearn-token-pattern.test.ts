import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PickleName, PickleObject } from "../../src/codec/pickle/pickle-value.ts";
import { Estimator } from "../../src/platforms/sklearn/estimator.ts";
import { tokenPattern } from "../../src/platforms/sklearn/token-pattern.ts";
import { tokenMatcher } from "../../src/runtimes/tabular/text/token-matcher.ts";

const object = new PickleObject(new PickleName("sklearn.feature_extraction.text", "CountVectorizer"), []);
object.state = new Map();
const estimator = new Estimator(object);

function tokens(pattern: string, text: string): readonly string[] {
  const found = tokenPattern(estimator, pattern);
  if (found.kind === "runs") throw new Error("is a plain one");
  return tokenMatcher(found)(text);
}

describe("a pattern finds what Python's re.findall does", () => {
  test.each([
    ["letters with a part that may be missing", "(?u)[a-z]+(?:'[a-z]+)?", "isn't it 'quoted'", ["isn't", "it", "quoted"]],
    ["the group in it", "\\b([A-Za-z]{2,})\\b", "ab c x2 cd_ ef", ["ab", "ef"]],
    ["the first of several ways", "a|ab", "ab", ["a"]],
    ["as little as it can", "\\d+?", "123", ["1", "2", "3"]],
    ["counts", "x{2}|y{1,2}|z{2,}", "xxx yyy zzzz z", ["xx", "yy", "y", "zzzz"]],
    ["everything but", "[^\\s,]+", "a,b  c", ["a", "b", "c"]],
    ["words of any script", "\\w[\\w-]*", "naïve-中文 ½", ["naïve-中文", "½"]],
    ["beginnings and ends", "^a|b$", "ab\nab\n", ["a", "b"]],
    ["a boundary that is none", "\\Bb", "ab b bb", ["b", "b"]],
    ["characters by their numbers", "\\x41|\\u00e9|\\U0001d4d0", "AéB𝓐", ["A", "é", "𝓐"]],
    ["sets with brackets and dashes in them", "[]a-]+|[\\d.]+", "a]-b 1.5", ["a]-", "1.5"]],
  ])("%s", (_, pattern, text, wanted) => {
    expect(tokens(pattern, text)).toEqual(wanted);
  });

  test("of any kind, as JavaScript's does for ASCII", () => {
    const atom = fc.constantFrom("a", "b", "[ab]", "[^a]", "\\w", "\\d", ".", "(?:ab|b)", "(?:a|ab)", "\\bb");
    const part = fc
      .tuple(atom, fc.constantFrom("", "", "+", "*", "?", "{2}", "{1,2}", "+?", "*?", "??"))
      .map((pair) => pair.join(""));
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join("")}[ab1]`);
    const text = fc.string({ unit: fc.constantFrom("a", "b", "1", " ", "_", "\n"), maxLength: 30 });
    fc.assert(
      fc.property(pattern, text, (source, given) => {
        expect(tokens(source, given)).toEqual(given.match(new RegExp(source, "gu")) ?? []);
      }),
      { numRuns: 2000 },
    );
  });
});

test.each([
  ["(?u)\\b\\w\\w+\\b", { kind: "runs", least: 2 }],
  ["\\b\\w+\\b", { kind: "runs", least: 1 }],
])("%s is runs of letters", (pattern, wanted) => {
  expect(tokenPattern(estimator, pattern)).toEqual(wanted);
});

test("a pattern that takes others for ever looks through a text once", () => {
  expect(tokens("(?:(?:a+)+)+b|c", `${"a".repeat(50_000)}c`)).toEqual(["c"]);
});

test("a text that is looked through again for each token is refused", () => {
  expect(() => tokens("a(?:.*b)?", "a".repeat(20_000))).toThrow(
    expect.objectContaining({
      code: "invalid-argument",
      message: "the input has a text that takes too long to be cut into tokens by the model's pattern",
    }),
  );
});

test.each([
  ["(?=a)b", "what looks around, a flag or a name"],
  ["(?P<x>a)", "what looks around, a flag or a name"],
  ["(?i)a", "what looks around, a flag or a name"],
  ["(a)(b)", "several groups"],
  ["(a)\\1", "\\1"],
  ["a*", "a match of nothing"],
  ["\\b", "a match of nothing"],
  ["a**", "several counts of one part"],
  ["*a", "a count of nothing"],
  ["(?:a", "a bracket that is open"],
  ["a)", "a bracket that closes nothing"],
  ["[a", "an end that is missing"],
  ["[b-a]", "a range that is none"],
  ["a{3,2}", "counts that fall"],
  ["(?:a{1000}){1000}", "more than 2000 steps"],
  [`${"(?:".repeat(60)}a${")".repeat(60)}`, "more than 50 groups in one another"],
  ["", "a match of nothing"],
])("%j is refused", (pattern, what) => {
  expect(() => tokenPattern(estimator, pattern)).toThrow(
    expect.objectContaining({ code: "unimplemented", message: `CountVectorizer: token_pattern with ${what} is not covered` }),
  );
});
