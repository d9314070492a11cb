import { describe, expect, test } from "vitest";
import type { Signature } from "../../tensor/signature.ts";
import { OpenApiDocument } from "./openapi-document.ts";
import { predictSchemas } from "./predict-schemas.ts";
import { RULES, signature, TestDocument, tableOf, tensor } from "./test-document.ts";

const ONE = signature([tensor("x", "float32", [-1, 2])], [tensor("y", "float32", [-1])]);
const TWO = signature(
  [tensor("a", "uint8", [-1]), tensor("s", "string", [-1, 2], { optional: true })],
  [tensor("p", "float32", [-1, 3]), tensor("name", "string", [-1])],
);
const PAIR = signature([tensor("a", "int32", [-1]), tensor("b", "bool", [-1])], [tensor("y", "int64", [-1])]);
const SCALAR = signature([tensor("x", "int32", []), tensor("v", "bool", [-1])], [tensor("y", "int32", [])]);
const FIXED = signature([tensor("x", "bool", [3])], [tensor("y_bytes", "string", [3])]);
const ANY = signature([tensor("x", "float64")], [tensor("y", "float64")]);
const IMAGE = signature([tensor("image", "uint8", [-1, 2, 2, 3])], [tensor("y", "float32", [-1])]);

const nullable = { nullable: true };
const PEOPLE = signature(
  [tensor("age", "float64", [-1], nullable), tensor("city", "string", [-1], nullable)],
  [tensor("plan", "string", [-1], nullable)],
  { rowwise: true },
);
const column = { ...nullable, optional: true, columnOf: "X" };
const MATRIX = signature(
  [
    tensor("X", "float64", [-1, 2], { ...nullable, optional: true }),
    tensor("a", "float64", [-1], column),
    tensor("b", "float64", [-1], column),
  ],
  [tensor("y", "float64", [-1])],
  { rowwise: true },
);

async function read(served: Record<string, Signature>): Promise<TestDocument> {
  const document = new OpenApiDocument(await tableOf([["m", served]]), RULES);
  return new TestDocument((await document.current()).bytes);
}

/** Whether the document takes a body for a request to the model. */
async function takes(served: Signature | Record<string, Signature>, body: unknown): Promise<boolean> {
  const document = await read(
    "inputs" in served ? { serving_default: served as Signature } : (served as Record<string, Signature>),
  );
  return document.requestFault(document.operation("post", "/v1/models/m:predict"), body) === undefined;
}

describe("a request is taken", () => {
  test.each<[string, Signature | Record<string, Signature>, unknown]>([
    ["rows of the only input", ONE, { instances: [[1, 2]] }],
    ["rows by name", ONE, { instances: [{ x: [1, 2] }, { x: [3, 4] }] }],
    ["columns of the only input", ONE, { inputs: [[1, 2]] }],
    ["columns by name, and others that are passed over", ONE, { inputs: { x: [[1, 2]], z: 1 }, more: true }],
    ["with the signature's name", ONE, { signature_name: "serving_default", inputs: [] }],
    ["without an optional input", TWO, { instances: [{ a: 1 }] }],
    ["with it", TWO, { inputs: { a: [255], s: [["x", { b64: "YWI=" }]] } }],
    ["plain, for the only input that must be given", TWO, { instances: [0, 255] }],
    [
      "rows that are lists of several inputs",
      PEOPLE,
      {
        instances: [
          [62, "Rome"],
          [null, 3],
        ],
      },
    ],
    ["rows that lack what may be missing", PEOPLE, { instances: [{ age: 62 }, {}, { city: null }] }],
    ["columns of several inputs", PEOPLE, { inputs: { age: [62, null], city: ["Rome", true] } }],
    ["rows of a matrix whose columns have names", MATRIX, { instances: [[1, null]] }],
    ["objects of such a matrix", MATRIX, { instances: [{ X: [1, 2] }] }],
    ["objects of its columns", MATRIX, { instances: [{ a: 1 }, { b: null }] }],
    ["the columns", MATRIX, { inputs: { a: [1], b: [null] } }],
    ["columns with a scalar", SCALAR, { inputs: { x: 1, v: [true] } }],
    ["as many rows as the model takes", FIXED, { instances: [true, false, true] }],
    ["anything for an unknown rank", ANY, { inputs: [[[1]]] }],
    [
      "pixels",
      IMAGE,
      {
        instances: [
          [
            [
              [1, 2, 3],
              [4, 5, 6],
            ],
            [
              [1, 2, 3],
              [4, 5, 6],
            ],
          ],
        ],
      },
    ],
    ["images in rows", IMAGE, { instances: [{ b64: "YWI=" }] }],
    ["images in columns", IMAGE, { inputs: { image: ["data:image/png;base64,YWI=", { b64: "YWI=" }] } }],
    [
      "another signature by its name",
      { serving_default: ONE, other: FIXED },
      { signature_name: "other", inputs: [true, true, true] },
    ],
  ])("%s", async (_, served, body) => {
    expect(await takes(served, body)).toBe(true);
  });
});

describe("a request is not taken", () => {
  test.each<[string, Signature | Record<string, Signature>, unknown]>([
    ["without inputs", ONE, {}],
    ["with rows and columns", ONE, { instances: [[1, 2]], inputs: [[1, 2]] }],
    ["with columns and what cannot be rows", ONE, { instances: 1, inputs: [[1, 2]] }],
    ["of another width", ONE, { instances: [[1, 2, 3]] }],
    ["of another rank", ONE, { inputs: [1, 2] }],
    ["without rows", ONE, { instances: [] }],
    ["with names in some rows alone", ONE, { instances: [{ x: [1, 2] }, [1, 2]] }],
    ["with a name that there is not, in rows", ONE, { instances: [{ x: [1, 2], z: 1 }] }],
    ["for another signature", ONE, { signature_name: "other", instances: [[1, 2]] }],
    ["without an input that must be given", PAIR, { instances: [{ a: 1 }] }],
    ["plain, where two inputs must be given", PAIR, { instances: [1] }],
    ["with what is no integer", PAIR, { inputs: { a: [1.5], b: [true] } }],
    ["with a number for a boolean", PAIR, { inputs: { a: [1], b: [1] } }],
    ["beyond the type's range", TWO, { instances: [256] }],
    ["with another object for a text", TWO, { inputs: { a: [1], s: [["x", { b64: "YWI=", c: 1 }]] } }],
    ["a text for a number of a row", PEOPLE, { instances: [["62", "Rome"]] }],
    ["a row that is too short", PEOPLE, { instances: [[62]] }],
    ["an unknown input of a row", PEOPLE, { instances: [{ town: "Rome" }] }],
    ["a column that the matrix does not have", MATRIX, { instances: [{ c: 1 }] }],
    ["another column beside its own", MATRIX, { inputs: { a: [1], c: [1] } }],
    ["texts in a column of numbers", MATRIX, { inputs: { a: ["1"] } }],
    ["rows where there is a scalar", SCALAR, { instances: [{ x: 1, v: true }] }],
    ["of more rows than the model takes", FIXED, { instances: [true, true, true, true] }],
    ["without a name where no signature is the default", { other: ONE }, { instances: [[1, 2]] }],
    ["with the inputs of another signature", { serving_default: ONE, other: FIXED }, { instances: [true, true, true] }],
  ])("%s", async (_, served, body) => {
    expect(await takes(served, body)).toBe(false);
  });
});

test.each<[string, Signature, unknown, boolean]>([
  ["a value a row", ONE, { predictions: [1, 2] }, true],
  ["an object a row", TWO, { predictions: [{ p: [1, 2, 3], name: "x" }] }, true],
  ["one without an output", TWO, { predictions: [{ p: [1, 2, 3] }] }, false],
  ["columns of the only output", ONE, { outputs: [1, 2] }, true],
  ["columns by name", TWO, { outputs: { p: [[1, 2, 3]], name: ["x"] } }, true],
  ["bytes where the name says so", FIXED, { predictions: [{ b64: "YQ==" }, { b64: "" }, { b64: "YWJj" }] }, true],
  ["text where it does", FIXED, { predictions: ["a", "b", "c"] }, false],
  ["a missing text", PEOPLE, { predictions: ["pro", null] }, true],
  ["a missing text where there is none", FIXED, { predictions: [null, null, null] }, false],
  ["a scalar", SCALAR, { outputs: 3 }, true],
  ["neither", ONE, { results: [] }, false],
])("an answer with %s: %#", async (_, served, body, taken) => {
  const document = await read({ serving_default: served });
  const fault = document.answerFault(document.operation("post", "/v1/models/m:predict"), body);
  expect(fault === undefined).toBe(taken);
});

test.each<[string, Signature]>([
  ["takes complex numbers", signature([tensor("x", "complex64", [-1])], [tensor("y", "float32", [-1])])],
  ["gives them", signature([tensor("x", "float32", [-1])], [tensor("y", "complex128", [-1])])],
  ["gives nothing", signature([tensor("x", "float32", [-1])], [])],
  ["cannot be called", { ...ONE, uncallable: "it has a sparse input" }],
])("a signature that %s has no schema", (_, served) => {
  expect(predictSchemas("s", served)).toBeUndefined();
});

test("an optional input that JSON has no form of is left out", async () => {
  const served = signature(
    [tensor("x", "bool", [-1]), tensor("z", "complex64", [-1], { optional: true })],
    [tensor("y", "bool", [-1])],
  );
  expect(await takes(served, { instances: [true] })).toBe(true);
  expect(await takes(served, { instances: [{ x: true, z: 1 }] })).toBe(false);
});
