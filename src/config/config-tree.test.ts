import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { ConfigTree } from "./config-tree.ts";

function fault(text: string): string {
  try {
    return `read: ${String(new ConfigTree(text).value)}`;
  } catch (reason) {
    expect(reason).toBeInstanceOf(ServingError);
    return (reason as ServingError).message;
  }
}

describe("a config tree", () => {
  test("keeps every digit of an integer that a double cannot hold", () => {
    const { value } = new ConfigTree("a: 9007199254740993\nb: -9223372036854775808\nc: 9007199254740991\nd: 1.5\ne: 0x10\n");
    expect({ ...(value as object) }).toEqual({ a: 9007199254740993n, b: -(2n ** 63n), c: 2 ** 53 - 1, d: 1.5, e: 16 });
  });

  test("reads JSON, indented by tabs and after a byte order mark", () => {
    const { value } = new ConfigTree('\ufeff{\n\t"a": [\n\t\t1, "\\ud83d\\ude00"\n\t]\n}');
    expect(value).toEqual({ a: [1, "😀"] });
  });

  test("keeps keys that mean something to JavaScript", () => {
    const { value } = new ConfigTree("__proto__: 1\nconstructor: 2\n");
    expect(Object.entries(value as object)).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
  });

  test("tells where values and keys stand, and where a missing one would", () => {
    const tree = new ConfigTree("models:\n  - name: a\n    labels: {stable: 1}\n");
    expect(tree.place(["models", 0, "name"])).toBe("2:11");
    expect(tree.place(["models", 0, "name"], "key")).toBe("2:5");
    expect(tree.place(["models", 0, "labels", "stable"])).toBe("3:22");
    expect(tree.place(["models", 0, "base_path"])).toBe("2:5");
    expect(tree.place([])).toBe("1:1");
  });

  test("tells the place of an alias, not of what it stands for", () => {
    const tree = new ConfigTree("a: &x [1, {b: 2}]\nc: *x\n");
    expect(tree.value).toEqual({ a: [1, { b: 2 }], c: [1, { b: 2 }] });
    expect(tree.place(["c", 1, "b"])).toBe("2:4");
  });

  test.each([
    ["a key twice", "models: []\nmodels: []\n", /^2:1: the key "models" is there twice$/],
    ["an open list", "models: [\n", /^\d:\d: /],
    ["two documents", "a: 1\n---\nb: 2\n", /^2:1: /],
    ["an unknown tag", "a: !!js/function x\n", /^1:4: unresolved tag/],
    ["an alias of nothing", "a: *b\n", /^1:4: .*b/],
    ["a key that is a list", "? [a]\n: 1\n", /^1:3: /],
    ["a version of YAML yet to come", "%YAML 9\n---\na: 1\n", /^1:7: /],
    ["lists in lists in lists", "[".repeat(41) + "]".repeat(41), /^1:41: nested deeper than 40$/],
    ["ten thousand open lists", "[".repeat(10_000), /^1:\d+: nested too deep$/],
    ["a list that holds itself", "a: &a [*a]\n", /nested deeper/],
  ])("refuses %s, saying where", (_, text, message) => expect(fault(text)).toMatch(message));

  test("refuses aliases that stand for more than memory holds", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    expect(fault(lines.join("\n"))).toMatch(/more than 1000 aliases/);
  });
});
