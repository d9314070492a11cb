import { describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import { readPredictImages } from "./image-texts.ts";

const FILE = Buffer.from([0xfb, 0xef, 0xbe, 0xff, 0x00, 0x3e]);
const STANDARD = FILE.toString("base64");
const URL_SAFE = FILE.toString("base64url");
const refused = new Error("refused");

const input = (alias: string, dtype: DType) => ({ alias, name: alias, dtype, shape: [-1, 2, 2, 1] });

function read(body: unknown, inputs = [input("x", "uint8")], images = inputs.map(({ alias }) => alias)) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const { format, tensors } = readPredictImages(Buffer.from(text), inputs, images, refused);
  return Object.fromEntries([
    ["format", format],
    ...[...tensors].map(([alias, { dtype, shape, data }]) => [
      alias,
      dtype === "string"
        ? { shape, files: Array.from({ length: data.length }, (_, i) => Buffer.from(stringBytes(data, i)).toString("hex")) }
        : { shape, values: [...data] },
    ]),
  ]) as Record<string, unknown>;
}

const files = (...shape: number[]) => ({ shape, files: Array.from({ length: shape[0] ?? 1 }, () => FILE.toString("hex")) });

describe("finds images", () => {
  test.each<[string, unknown, object]>([
    ["in base64 objects", { instances: [{ b64: STANDARD }, { b64: URL_SAFE }] }, files(2)],
    ["in plain strings", { instances: [STANDARD, URL_SAFE, `${URL_SAFE}`] }, files(3)],
    ["in data URLs", { instances: [`data:image/png;base64,${STANDARD}`] }, files(1)],
    ["in text with escapes", `{"instances": ["${STANDARD.replaceAll("/", "\\/")}"]}`, files(1)],
    ["by the input's name", { instances: [{ x: { b64: STANDARD } }, { x: URL_SAFE }] }, files(2)],
    ["in a column", { inputs: { x: [{ b64: STANDARD }] } }, files(1)],
    ["alone in a column", { inputs: { x: { b64: URL_SAFE } } }, { shape: [], files: [FILE.toString("hex")] }],
    ["as the only input", { inputs: [STANDARD] }, files(1)],
  ])("%s", (_, body, expected) => {
    expect(read(body).x).toEqual(expected);
  });

  test("beside numbers, and in two inputs at once", () => {
    const inputs = [input("a", "uint8"), input("b", "float32"), input("c", "int32")];
    const body = { instances: [{ a: { b64: STANDARD }, b: URL_SAFE, c: [1, 2] }] };
    expect(read(body, inputs, ["a", "b"])).toEqual({
      format: "row",
      a: files(1),
      b: files(1),
      c: { shape: [1, 2], values: [1, 2] },
    });
    const mixed = { inputs: { a: STANDARD, b: [[0.5]], c: 3 } };
    expect(read(mixed, inputs, ["a", "b"])).toMatchObject({ b: { shape: [1, 1], values: [0.5] }, c: { values: [3] } });
  });
});

test.each<[string, unknown]>([
  ["numbers alone", { instances: [1, 2] }],
  ["ragged numbers", { instances: [[1], [2, 3]] }],
  ["another kind of value", { instances: [null] }],
  ["an object that is no file", { instances: [{ b64: STANDARD, more: 1 }] }],
  ["no inputs", {}],
  ["text where no image may be", { inputs: { y: "a" } }],
])("%s: what it was refused for stays", (_, body) => {
  expect(() => read(body)).toThrow(refused);
});

test.each<[string, unknown, string]>([
  ["text that is no base64", { instances: [STANDARD, "not base64!"] }, "images[1]: its text is not base64"],
  ["nested lists", { instances: [[STANDARD]] }, 'images of input "x" must be one list, are in 2'],
  ["a number among images", { instances: [STANDARD, 1] }, "is not of expected type: string"],
  ["a missing input", { instances: [{ x: STANDARD }, {}] }, "keys must be equal to: x"],
])("%s: is told", (_, body, message) => {
  expect(() => read(body)).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
  );
});
