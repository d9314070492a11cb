import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType, NumericArray } from "../../tensor/dtype.ts";
import { MISSING_TEXT } from "../../tensor/string-array.ts";
import type { NamedTensors, NumericTensor, Tensor } from "../../tensor/tensor.ts";
import { stringTensor } from "../../tensor/tensor.ts";
import { errorBody } from "./error-body.ts";
import { toBfloat16Bits, toFloat16Bits } from "./half.ts";
import { withoutNumberModule } from "./number-module/number-module.ts";
import { writePredictResponse } from "./predict-response.ts";
import { writeClassifyResponse, writeRegressResponse } from "./results.ts";

const numbers = (dtype: DType, shape: number[], data: NumericArray) => ({ dtype, shape, data }) as NumericTensor;
const floats = (shape: number[], ...values: number[]) => numbers("float32", shape, Float32Array.from(values));
const text = (body: Uint8Array) => Buffer.from(body).toString();
const write = (format: "row" | "columnar", outputs: Record<string, Tensor>): string =>
  text(writePredictResponse(format, new Map(Object.entries(outputs))));

describe("missing texts", () => {
  const texts = stringTensor([2, 2], ["a", MISSING_TEXT, MISSING_TEXT, Uint8Array.of(0xff, 0xff)]);
  test.each<["row" | "columnar" | "named", string, unknown]>([
    [
      "row",
      "predictions",
      [
        ["a", null],
        [null, "\ufffd\ufffd"],
      ],
    ],
    [
      "columnar",
      "outputs",
      [
        ["a", null],
        [null, "\ufffd\ufffd"],
      ],
    ],
    [
      "named",
      "y",
      [
        ["a", null],
        [null, { b64: "//8=" }],
      ],
    ],
  ])("are null in the form %s", (format, member, expected) => {
    const body = JSON.parse(text(writePredictResponse(format, new Map([["y", texts]]), true)));
    expect(body[member]).toEqual(expected);
  });

  test("are null among base64 objects too", () => {
    const outputs = new Map([["y_bytes", stringTensor([2], ["a", MISSING_TEXT])]]);
    expect(JSON.parse(text(writePredictResponse("row", outputs, true)))).toEqual({ predictions: [{ b64: "YQ==" }, null] });
  });

  test("are bytes like others where no text may be missing", () => {
    expect(write("row", { y: stringTensor([1], [MISSING_TEXT]) })).toContain("\ufffd");
  });
});

describe("layout", () => {
  test.each<[string, "row" | "columnar", Record<string, Tensor>, string]>([
    ["rows of one output", "row", { y: floats([2], 2.5, 3) }, '{\n    "predictions": [2.5, 3.0\n    ]\n}'],
    ["rows of lists", "row", { y: floats([2, 1, 2], 1, 2, 3, 4) }, '{\n    "predictions": [[[1.0, 2.0]], [[3.0, 4.0]]\n    ]\n}'],
    ["no rows", "row", { y: floats([0, 2]), z: floats([0]) }, '{\n    "predictions": []\n}'],
    [
      "rows of several outputs",
      "row",
      { a: floats([2, 1], 1, 3), b: numbers("int32", [2], Int32Array.of(2, -4)) },
      '{\n    "predictions": [\n        {\n            "a": [1.0],\n            "b": 2\n        },\n        {\n            "a": [3.0],\n            "b": -4\n        }\n    ]\n}',
    ],
    ["one column", "columnar", { y: floats([2], 2.5, 3) }, '{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}'],
    ["a scalar", "columnar", { y: floats([], 2.5) }, '{\n    "outputs": 2.5\n}'],
    [
      "several columns",
      "columnar",
      { a: floats([1, 2], 1, 2), b: floats([0]) },
      '{\n    "outputs": {\n        "a": [\n            [\n                1.0,\n                2.0\n            ]\n        ],\n        "b": []\n    }\n}',
    ],
    [
      "bytes",
      "row",
      { y_bytes: stringTensor([2], ["hello", ""]) },
      '{\n    "predictions": [{\n            "b64": "aGVsbG8="\n        }, {\n            "b64": ""\n        }\n    ]\n}',
    ],
  ])("%s", (_, format, outputs, expected) => {
    expect(write(format, outputs)).toBe(expected);
  });
});

test.each<[DType, NumericArray, string]>([
  ["float64", Float64Array.of(1 / 3, 1e300), "0.33333333333333331, 1e+300"],
  ["float16", Uint16Array.of(toFloat16Bits(0.1), 0x7c00), "0.0999756, Infinity"],
  ["bfloat16", Uint16Array.of(toBfloat16Bits(0.1), toBfloat16Bits(3)), "0.100098, 3.0"],
  ["int8", Int8Array.of(-128, 127), "-128, 127"],
  ["uint16", Uint16Array.of(65535, 10), "65535, 10"],
  ["int32", Int32Array.of(-2147483648, 999999999), "-2147483648, 999999999"],
  ["uint32", Uint32Array.of(4294967295, 1000000000), "4294967295, 1000000000"],
  ["int64", BigInt64Array.of(-9223372036854775808n, 9007199254740993n), "-9223372036854775808, 9007199254740993"],
  ["uint64", BigUint64Array.of(18446744073709551615n, 0n), "18446744073709551615, 0"],
  ["bool", Uint8Array.of(1, 0), "true, false"],
])("%s elements", (dtype, data, expected) => {
  expect(write("row", { y: numbers(dtype, [1, 2], data) })).toBe(`{\n    "predictions": [[${expected}]\n    ]\n}`);
});

test("strings are valid JSON whatever they hold", () => {
  const values = [
    '"\\/\b\f\n\r\t\u0001\u007f',
    "é\u{1f600}",
    Uint8Array.of(0x61, 0xff, 0xc3, 0x62),
    Uint8Array.of(0xed, 0xa0, 0x80),
  ];
  const body = write("row", { 'y"': stringTensor([4], values), z: stringTensor([4], ["", "", "", ""]) });
  expect(body).toContain(String.raw`"\"\\/\b\f\n\r\t\u0001${"\u007f"}"`);
  const rows = JSON.parse(body).predictions as Record<string, string>[];
  expect(rows.map((row) => row['y"'])).toEqual([values[0], values[1], "a\ufffd\ufffdb", "\ufffd\ufffd\ufffd"]);
});

test("an answer of megabytes is whole, and the next one is its own", () => {
  const data = Float32Array.from({ length: 300_000 }, (_, i) => i + 0.5);
  const large = writePredictResponse("row", new Map([["y", numbers("float32", [300_000], data)]]));
  const small = writePredictResponse("row", new Map([["y", floats([1], 1)]]));
  const other = writePredictResponse("row", new Map([["y", floats([1], 2)]]));
  expect(JSON.parse(text(large)).predictions).toEqual(Array.from(data));
  expect([text(small), text(other)].map((body) => JSON.parse(body).predictions)).toEqual([[1], [2]]);
});

test("floats are laid out the same with and without the number module", () => {
  const shapes = [[40], [3, 40], [40, 3], [2, 3, 20], [2, 20, 3], [1, 1, 1], [0], [3, 0], [0, 3], [2, 2, 2, 2, 2, 9]];
  const random = fc.sample(fc.float({ noNaN: true, noDefaultInfinity: true }), { seed: 1, numRuns: 300 });
  for (const shape of shapes) {
    const count = shape.reduce((product, size) => product * size, 1);
    const float32 = numbers(
      "float32",
      shape,
      Float32Array.from({ length: count }, (_, i) => random[i % 300]),
    );
    const float64 = numbers(
      "float64",
      shape,
      Float64Array.from({ length: count }, (_, i) => random[i % 300] / 3),
    );
    for (const outputs of [
      new Map([["a", float32]]),
      new Map([["b", float64]]),
      new Map([
        ["a", float32],
        ["b", float64],
      ]),
    ]) {
      for (const format of ["row", "columnar"] as const) {
        const written = text(writePredictResponse(format, outputs));
        expect(written).toBe(withoutNumberModule(() => text(writePredictResponse(format, outputs))));
        const plain = JSON.parse(written);
        const first =
          outputs.size > 1
            ? format === "row"
              ? plain.predictions.map((row: { a: unknown }) => row.a)
              : plain.outputs.a
            : undefined;
        if (first !== undefined) expect(Float32Array.from(first.flat(9) as number[])).toEqual(float32.data);
      }
    }
  }
});

test.each<[string, NamedTensors, string]>([
  ["no outputs", new Map(), "Cannot convert empty tensor map to JSON"],
  ["a scalar in rows", new Map([["y", floats([], 1)]]), "Tensor name: y has no shape information "],
  [
    "rows of different number",
    new Map([
      ["a", floats([2], 1, 2)],
      ["b", floats([0])],
    ]),
    "Tensor name: b has inconsistent batch size: 0 expecting: 2",
  ],
  [
    "complex numbers",
    new Map([["y", numbers("complex64", [1], Float32Array.of(1, 2))]]),
    "Failed to write JSON value for tensor type: complex64",
  ],
])("%s cannot be written", (_, outputs, message) => {
  expect(() => writePredictResponse("row", outputs)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
});

test("classify answers list label and score of each class", () => {
  const label = new TextEncoder().encode("bike");
  const results = [
    [
      { label: "car", score: Math.fround(0.2) },
      { label, score: 0 },
    ],
    [],
  ];
  expect(text(writeClassifyResponse(results))).toBe('{\n    "results": [[["car", 0.2], ["bike", 0.0]], []\n    ]\n}');
  expect(() => writeClassifyResponse([])).toThrow("Cannot convert empty ClassificationResults to JSON");
});

test("regress answers are on one line", () => {
  const values = Float32Array.of(0.2, Infinity, 1, -Infinity, Number.NaN);
  expect(text(writeRegressResponse(values))).toBe('{\n    "results": [0.2, Infinity, 1.0, -Infinity, NaN]\n}');
  expect(() => writeRegressResponse(new Float32Array())).toThrow("Cannot convert empty RegressionResults to JSON");
});

test.each([
  ['Bad key: "key"', '{\n    "error": "Bad key: \\"key\\""\n}'],
  ["Bad key: 'key'\n\ud800", `{\n    "error": "Bad key: 'key'\\n\ufffd"\n}`],
])("the error %j is a JSON string", (message, expected) => {
  expect(text(errorBody(message))).toBe(expected);
});
