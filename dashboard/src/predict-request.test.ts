import { describe, expect, test } from "vitest";
import type { SignatureDetail, TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { parseJson } from "./exact-json.ts";
import { editorsOf, pixelFormOf } from "./input-kind.ts";
import { InputFault, type InputValue, initialValue, jsonOf } from "./input-value.ts";
import {
  buildRequest,
  columnsOf,
  curlOf,
  NO_RULES,
  type PredictRequest,
  type ProgramBody,
  programBody,
} from "./predict-request.ts";
import { isOneRow } from "./row-fields.tsx";

const tensor = (dtype: string, shape?: readonly number[], alias = "x"): TensorDetail => ({
  alias,
  dtype,
  ...(shape && { shape }),
});

function signature(inputs: readonly TensorDetail[], name = "serving_default"): SignatureDetail {
  return { name, methodName: "tensorflow/serving/predict", inputs, outputs: [] };
}

test.each([
  [tensor("float32", []), "cells"],
  [tensor("int64", [-1]), "cells"],
  [tensor("float32", [-1, 32]), "cells"],
  [tensor("float32", [-1, 33]), "json"],
  [tensor("string", [-1]), "texts"],
  [tensor("string", [-1], "image_bytes"), "files"],
  [tensor("float32", [-1, 224, 224, 3]), "files"],
  [tensor("uint8", [-1, -1, 3]), "files"],
  [tensor("float32", [-1, 3, 32, 32]), "files"],
  [tensor("int64", [-1, 8, 8, 3]), "json"],
  [tensor("float32", [-1, 8, 8, 2]), "json"],
  [tensor("float32"), "json"],
])("%j is filled in by %s", (input, editor) => expect(editorsOf(input)[0]).toBe(editor));

test("a table's texts are no pictures, whatever they are called", () => {
  expect(editorsOf({ ...tensor("string", [-1], "image"), nullable: true })).toEqual(["texts", "json"]);
});

test("a row of a table is filled in by a field for each input, as long as it is one row", () => {
  const row = (more: object) => ({ ...tensor("float64", [-1]), nullable: true, ...more });
  const inputs = [row({ alias: "age" }), row({ alias: "city", dtype: "string" }), row({ alias: "bonus", optional: true })];
  const values = new Map<string, InputValue>([
    ["age", { editor: "cells", rows: [["1"]] }],
    ["city", { editor: "texts", texts: [""] }],
    ["bonus", { editor: "absent" }],
  ]);
  const table = { ...signature(inputs), rowwise: true };
  expect(isOneRow(table, values)).toBe(true);
  expect(isOneRow(signature(inputs), values)).toBe(false);
  expect(isOneRow(table, new Map(values).set("age", { editor: "cells", rows: [["1"], ["2"]] }))).toBe(false);
  expect(isOneRow({ ...table, inputs: [...inputs, row({ alias: "m", shape: [-1, 2] })] }, values)).toBe(false);
});

test("what pixels are is read from the shape", () => {
  expect(pixelFormOf(tensor("float32", [-1, 224, 200, 3]))).toEqual({ layout: "NHWC", channels: 3, height: 224, width: 200 });
  expect(pixelFormOf(tensor("float32", [-1, 1, 28, 28]))).toEqual({ layout: "NCHW", channels: 1, height: 28, width: 28 });
  expect(pixelFormOf(tensor("uint8", [-1, -1, 4]))).toEqual({ layout: "NHWC", channels: 4 });
});

describe("what is filled in becomes JSON", () => {
  test.each<[TensorDetail, InputValue, string]>([
    [tensor("float32", []), { editor: "cells", rows: [["1.5"]] }, "1.5"],
    [tensor("float32", []), { editor: "cells", rows: [["-Infinity"]] }, "-Infinity"],
    [tensor("int64", [-1]), { editor: "cells", rows: [["1"], ["9223372036854775807"]] }, "[1, 9223372036854775807]"],
    [tensor("int32", [3]), { editor: "cells", rows: [["1", " 2", "3"]] }, "[1, 2, 3]"],
    [tensor("bool", [-1, 2]), { editor: "cells", rows: [["true", "false"]] }, "[[true, false]]"],
    [tensor("string", []), { editor: "texts", texts: ['say "hi"\n'] }, '"say \\"hi\\"\\n"'],
    [tensor("string", [-1]), { editor: "texts", texts: ["a", ""] }, '["a", ""]'],
    [tensor("string", [-1, 2]), { editor: "cells", rows: [["1", "b"]] }, '[["1", "b"]]'],
    [tensor("float32"), { editor: "json", text: " [[1]] " }, "[[1]]"],
    [{ ...tensor("float64", [-1]), nullable: true }, { editor: "cells", rows: [["1.5"], [" "]] }, "[1.5, null]"],
    [{ ...tensor("string", [-1]), nullable: true }, { editor: "texts", texts: ["a", ""] }, '["a", null]'],
  ])("%j %j", (input, value, json) => expect(jsonOf(input, value)).toEqual(parseJson(json)));

  test.each<[TensorDetail, InputValue, string]>([
    [tensor("int32", []), { editor: "cells", rows: [["1.5"]] }, 'x: expected an integer, got "1.5"'],
    [tensor("float32", [-1]), { editor: "cells", rows: [["1"], [""]] }, 'x, row 2, column 1: expected a number, got ""'],
    [tensor("bool", []), { editor: "cells", rows: [["yes"]] }, 'x: expected true or false, got "yes"'],
    [tensor("float32"), { editor: "json", text: "[1" }, "x: line 1, column 3: expected , or ], got the end"],
  ])("%j %j is refused", (input, value, message) => expect(() => jsonOf(input, value)).toThrow(new InputFault(message)));
});

test.each<[TensorDetail, string | undefined, InputValue]>([
  [
    tensor("float32", [-1, 2]),
    "[[1, 2], [3, 4]]",
    {
      editor: "cells",
      rows: [
        ["1", "2"],
        ["3", "4"],
      ],
    },
  ],
  [tensor("float32", [-1]), "[1, 2]", { editor: "cells", rows: [["1"], ["2"]] }],
  [tensor("float32", [2]), "[1, 2]", { editor: "cells", rows: [["1", "2"]] }],
  [tensor("int32", [-1, 2]), undefined, { editor: "cells", rows: [["0", "0"]] }],
  [tensor("bool", []), undefined, { editor: "cells", rows: [["false"]] }],
  [tensor("string", [-1]), '["a", "b"]', { editor: "texts", texts: ["a", "b"] }],
  [tensor("float32", [-1, 2, 2]), undefined, { editor: "json", text: "[[[0, 0], [0, 0]]]" }],
])("%j begins with %s as %j", (input, example, value) => {
  expect(initialValue(input, example === undefined ? undefined : parseJson(example))).toEqual(value);
});

describe("an example's values are found by input", () => {
  const two = [tensor("float32", [-1], "a"), tensor("string", [-1], "b")];
  test.each<[string, readonly TensorDetail[], [string, string][]]>([
    [
      '{"inputs": {"a": [1], "b": ["x"]}}',
      two,
      [
        ["a", "[1]"],
        ["b", '["x"]'],
      ],
    ],
    [
      '{"instances": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
      two,
      [
        ["a", "[1, 2]"],
        ["b", '["x", "y"]'],
      ],
    ],
    ['{"instances": [1, 2]}', [two[0]!], [["a", "[1, 2]"]]],
    ['{"inputs": [1]}', [two[0]!], [["a", "[1]"]]],
    ['{"inputs": [1]}', [two[0]!, { ...two[1]!, optional: true }], [["a", "[1]"]]],
    ['{"inputs": [1]}', two, []],
    ["nonsense", two, []],
  ])("%s", (body, inputs, found) => {
    expect(columnsOf(body, inputs)).toEqual(new Map(found.map(([alias, json]) => [alias, parseJson(json)])));
  });
});

describe("a request", () => {
  const picture = new File([new Uint8Array([1, 2, 255])], "cat's.png");
  const pixels = tensor("float32", [-1, 8, 8, 3], "pixels");
  const files: InputValue = { editor: "files", files: [picture] };

  test("is JSON in columns, with the signature's name where that is not the default", async () => {
    const inputs = [tensor("float32", [], "__proto__"), { ...tensor("float32", [], "b"), optional: true }];
    const values = new Map<string, InputValue>([
      ["__proto__", { editor: "cells", rows: [["1"]] }],
      ["b", { editor: "absent" }],
    ]);
    const body = async (name: string) =>
      JSON.stringify(JSON.parse(((await buildRequest(signature(inputs, name), values, NO_RULES)) as { body: string }).body));
    expect(await body("serving_default")).toBe('{"inputs":{"__proto__":1}}');
    expect(await body("other")).toBe('{"signature_name":"other","inputs":{"__proto__":1}}');
  });

  test("is multipart where a picture is all there is, with the rules that are set", async () => {
    const rules = { ...NO_RULES, scale: "1/255", mean: " " };
    const request = await buildRequest(signature([pixels]), new Map([["pixels", files]]), rules);
    expect(request).toEqual({ kind: "multipart", fields: [["scale", "1/255"]], files: [picture] });
    expect(curlOf("http://h/v1/models/m:predict", request)).toBe(
      "curl -X POST 'http://h/v1/models/m:predict' \\\n  --form-string 'scale=1/255' \\\n  -F 'image=@cat'\\''s.png'",
    );
  });

  test("names the input where there are others, and gives bytes to a string input without rules", async () => {
    const optional = { ...tensor("float32", [], "b"), optional: true };
    const values = new Map<string, InputValue>([
      ["x", files],
      ["b", { editor: "absent" }],
    ]);
    const rules = { ...NO_RULES, scale: "1/255" };
    expect(await buildRequest(signature([tensor("string", [-1]), optional], "s"), values, rules)).toEqual({
      kind: "multipart",
      fields: [
        ["signature_name", "s"],
        ["input", "x"],
      ],
      files: [picture],
    });
  });

  test("has a picture as Base64 beside other inputs", async () => {
    const values = new Map<string, InputValue>([
      ["pixels", files],
      ["x", { editor: "cells", rows: [["2"]] }],
    ]);
    const request = await buildRequest(signature([pixels, tensor("int32", [])]), values, NO_RULES);
    expect(JSON.parse((request as { body: string }).body)).toEqual({ inputs: { pixels: [{ b64: "AQL/" }], x: 2 } });
  });

  test("without its picture is refused", async () => {
    const empty = new Map<string, InputValue>([["pixels", { editor: "files", files: [] }]]);
    await expect(buildRequest(signature([pixels]), empty, NO_RULES)).rejects.toThrow("pixels: choose an image, or drop one");
  });

  test("as curl names who looks, and no password", () => {
    expect(curlOf("http://h/x", { kind: "json", body: "{}" }, "a'b")).toMatch(/^curl -X POST -u 'a'\\''b' 'http:\/\/h\/x' /);
  });

  test("as curl has quotes that a shell leaves alone", () => {
    expect(curlOf("http://h/x", { kind: "json", body: `{"inputs": "it's"}` })).toContain(`-d '{"inputs": "it'\\''s"}'`);
  });
});

describe("what a program can send", () => {
  const picture = (bytes: number) => new File([new Uint8Array(bytes)], "a.png");
  const form = (fields: readonly (readonly [string, string])[], ...files: File[]): PredictRequest => ({
    kind: "multipart",
    fields,
    files,
  });
  const pixels = tensor("float32", [-1, 8, 8, 3], "image");
  const two = [tensor("float32", [-1], "share"), pixels];

  test.each<[what: string, PredictRequest, ProgramBody, inputs?: readonly TensorDetail[]]>([
    ["JSON as it was written", { kind: "json", body: '{"inputs":\n [1.0]}' }, { kind: "whole", body: '{"inputs":\n [1.0]}' }],
    [
      "JSON without its blanks where those are too many",
      { kind: "json", body: `{"instances": [1]${" ".repeat(70_000)}}` },
      { kind: "whole", body: '{"instances": [1]}' },
    ],
    ["nothing of half a JSON", { kind: "json", body: '{"inputs": [' }, { kind: "incomplete" }],
    ["nothing of what is no call", { kind: "json", body: '{"examples": []}' }, { kind: "incomplete" }],
    ["nothing of long JSON", { kind: "json", body: `{"inputs": "${"x".repeat(70_000)}"}` }, { kind: "too-long" }],
    ["nothing of longer JSON", { kind: "json", body: `{"inputs": "${"x".repeat(700_000)}"` }, { kind: "too-long" }],
    ["an image as base64", form([], picture(3)), { kind: "whole", body: '{"inputs": {"image": [{"b64": "AAAA"}]}}' }],
    [
      "an image of a named input and signature, without rules",
      form(
        [
          ["signature_name", "s"],
          ["input", "image"],
          ["resize", "crop"],
        ],
        picture(3),
      ),
      { kind: "without-rules", body: '{"signature_name": "s", "inputs": {"image": [{"b64": "AAAA"}]}}' },
      two,
    ],
    ["nothing of an image that is long as base64", form([], picture(50_000)), { kind: "too-long" }],
    ["nothing of long images", form([], picture(40_000), picture(40_000)), { kind: "too-long" }],
  ])("is %s", async (_, request, expected, inputs = [pixels]) => {
    expect(await programBody(request, signature(inputs))).toEqual(expected);
  });
});
