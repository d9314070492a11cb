import { describe, expect, test, vi } from "vitest";
import { Alias } from "yaml";
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

  test("takes a word for a word and digits for their number, whatever YAML 1.1 took them for", () => {
    const { value } = new ConfigTree(
      "%YAML 1.2\n---\na: no\nb: On\nc: 010\nd: 1_000\ne: 1:30\nf: 2001-01-01\n<<: {g: 1}\n1: x\n",
    );
    expect(value).toMatchObject({ a: "no", b: "On", c: 10, d: "1_000", e: "1:30", f: "2001-01-01", "<<": { g: 1 }, "1": "x" });
  });

  test("reads lines that end as on Windows", () => {
    const tree = new ConfigTree("\ufeffa: 1 # one\r\nb:\r\n  - 2\r\n  - x: 3\r\n");
    expect(JSON.stringify(tree.value)).toBe('{"a":1,"b":[2,{"x":3}]}');
    expect(tree.place(["b", 1, "x"])).toBe("4:8");
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
    ["two documents", "a: 1\n---\nb: 2\n", /^2:1: a second document begins here, a config is one$/],
    ["two texts of JSON", '{"a": 1}{"b": 2}', /^1:\d+: a key must be a string$/],
    ["a version of YAML in which no is false", "%YAML 1.1\n---\na: no\n", /^1:1: YAML 1\.1 is not taken/],
    ["a tag that YAML knows", "a: 1\nb: !!str 1\n", /^2:\d+: tags such as tag:yaml\.org,2002:str are not taken$/],
    ["the tag of a mapping", "a: !!set {b, c}\n", /^1:\d+: tags such as/],
    ["an unknown tag", "a: !!js/function x\n", /^1:4: unresolved tag/],
    ["an alias of nothing", "a: *b\n", /^1:4: .*b/],
    ["a key that is a list", "? [a]\n: 1\n", /^1:3: /],
    ["a version of YAML yet to come", "%YAML 9\n---\na: 1\n", /^1:7: /],
    ["lists in lists in lists", "[".repeat(41) + "]".repeat(41), /^1:41: nested deeper than 40$/],
    ["ten thousand open lists", "[".repeat(10_000), /^1:\d+: nested too deep$/],
    ["a list that holds itself", "a: &a [*a]\n", /nested deeper/],
  ])("refuses %s, saying where", (_, text, message) => expect(fault(text)).toMatch(message));

  test("takes an alias for the last part of its anchor before it, where it stands and where it is repeated", () => {
    const { value } = new ConfigTree("a: &x 1\nb: &y [*x, &z 2]\nc: &x 3\nd: &z 4\ne: [*x, *y, *z]\n&k f: g\nh: *k\n");
    expect({ ...(value as object) }).toEqual({ a: 1, b: [1, 2], c: 3, d: 4, e: [3, [1, 2], 4], f: "g", h: "f" });
  });

  test("does not have the library look through the whole text for each alias", () => {
    const resolve = vi.spyOn(Alias.prototype, "resolve");
    expect(new ConfigTree("a: &x 1\nb: [*x, *x]\n").value).toMatchObject({ b: [1, 1] });
    expect(resolve).not.toHaveBeenCalled();
    resolve.mockRestore();
  });

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
