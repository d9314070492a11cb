import { describe, expect, test } from "vitest";
import { outputsOf, shapeOf, viewOf } from "./answer-view.ts";
import { parseJson } from "./exact-json.ts";

const tensors = (...aliases: string[]) => aliases.map((alias) => ({ alias, dtype: "float32" }));

describe("outputs of an answer", () => {
  test.each([
    ['{"outputs": [1]}', ["y"], [["y", "[1]"]]],
    [
      '{"outputs": {"a": [1], "b": ["x"]}}',
      ["a", "b"],
      [
        ["a", "[1]"],
        ["b", '["x"]'],
      ],
    ],
    ['{"predictions": [1, 2]}', ["y"], [["y", "[1, 2]"]]],
    [
      '{"predictions": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
      ["a", "b"],
      [
        ["a", "[1, 2]"],
        ["b", '["x", "y"]'],
      ],
    ],
    ['{"predictions": [{"b64": "AA=="}]}', ["y_bytes"], [["y_bytes", '[{"b64": "AA=="}]']]],
    ['{"error": "no"}', ["y"], []],
    ["3", ["y"], []],
  ])("%s", (text, aliases, expected) => {
    const outputs = outputsOf(parseJson(text), tensors(...aliases));
    expect(outputs).toEqual(expected.map(([alias, json]) => ({ alias, value: parseJson(json!) })));
  });
});

test.each([
  ["3", []],
  ["[]", [0]],
  ["[[1, 2], [3, 4], [5, 6]]", [3, 2]],
  ["[[1], [2, 3]]", undefined],
  ["[[1], 2]", undefined],
  ['[{"b64": "AA=="}]', [1]],
  ['[{"a": 1}]', undefined],
])("the shape of %s is %j", (text, shape) => expect(shapeOf(parseJson(text))).toEqual(shape));

describe("an output is looked at", () => {
  const look = (answer: string, alias: string, dtype?: string) => {
    const parsed = parseJson(answer);
    const names = [...((parsed as ReadonlyMap<string, ReadonlyMap<string, unknown>>).get("outputs")?.keys() ?? [])];
    const outputs = outputsOf(parsed, tensors(...names, "unused"));
    return viewOf(outputs.find((output) => output.alias === alias)!, outputs, dtype);
  };

  test("as scores, highest first, by their place", () => {
    expect(look('{"outputs": {"p": [[0.2, 0.7, 0.1], [1, 0, 0]], "n": [1, 2]}}', "p", "float32")).toEqual({
      kind: "scores",
      rows: [
        [
          { label: "1", score: 0.7 },
          { label: "0", score: 0.2 },
          { label: "2", score: 0.1 },
        ],
        [
          { label: "0", score: 1 },
          { label: "1", score: 0 },
          { label: "2", score: 0 },
        ],
      ],
    });
  });

  test.each(['["cat", "dog"]', '[["cat", "dog"]]'])("with the labels of another output: %s", (labels) => {
    const view = look(`{"outputs": {"p": [[0.3, 0.7]], "labels": ${labels}}}`, "p", "float32");
    expect(view).toEqual({
      kind: "scores",
      rows: [
        [
          { label: "dog", score: 0.7 },
          { label: "cat", score: 0.3 },
        ],
      ],
    });
  });

  test.each([
    ["integers are no scores", '{"outputs": {"p": [[1, 2]]}}', "int64", "table"],
    ["a value for each row is no score for each class", '{"outputs": {"p": [0.1, 0.2], "q": [3, 4]}}', "float32", "table"],
    ["one number", '{"outputs": {"p": 1.5}}', "float32", "table"],
    ["texts", '{"outputs": {"p": [["a", "b"]]}}', "string", "table"],
    ["big integers", '{"outputs": {"p": [9223372036854775807, 1]}}', "int64", "table"],
    ["ragged lists", '{"outputs": {"p": [[1], [1, 2]]}}', "float32", "json"],
    ["many dimensions", '{"outputs": {"p": [[[1, 2], [3, 4]]]}}', "float32", "json"],
  ])("%s", (_, answer, dtype, kind) => expect(look(answer, "p", dtype).kind).toBe(kind));

  const list = <T>(count: number, item: T) => Array.from({ length: count }, () => item);

  test.each([
    ["channels last", list(1, list(8, list(9, [0, 0.5, 1])))],
    ["channels first", list(1, [list(8, list(9, 0)), list(8, list(9, 0.5)), list(8, list(9, 1))])],
  ])("as a picture, %s", (_, value) => {
    const view = look(JSON.stringify({ outputs: { p: value } }), "p", "float32");
    if (view.kind !== "images") throw new Error(view.kind);
    expect(view.images).toHaveLength(1);
    expect(view.images[0]).toMatchObject({ width: 9, height: 8 });
    expect(Array.from(view.images[0]!.rgba.slice(0, 4))).toEqual([0, 128, 255, 255]);
  });

  test("as a grey picture whose values are stretched", () => {
    const value = list(8, list(8, [-3])) as number[][][];
    value[0]![1] = [5];
    const view = look(JSON.stringify({ outputs: { p: value } }), "p", "float32");
    if (view.kind !== "images") throw new Error(view.kind);
    expect(Array.from(view.images[0]!.rgba.slice(0, 8))).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
  });
});
