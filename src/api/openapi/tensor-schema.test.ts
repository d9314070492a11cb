import { expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import { hasJsonForm, tensorSchema } from "./tensor-schema.ts";
import { tensor } from "./test-document.ts";

test("lists are as deep as the tensor has dimensions, and as long as those are fixed", () => {
  const info = tensor("x", "float32", [-1, 3], { dimensionNames: ["batch", ""] });
  const inner = { type: "array", items: { type: "number", format: "float" }, minItems: 3, maxItems: 3 };
  expect(tensorSchema(info, "request")).toEqual({ description: "float32 [batch, 3]", type: "array", items: inner });
  expect(tensorSchema(info, "request", 1)).toEqual({ description: "float32 [3]", ...inner });
});

test.each<[DType, object]>([
  ["int8", { type: "integer", minimum: -128, maximum: 127 }],
  ["uint16", { type: "integer", minimum: 0, maximum: 65535 }],
  ["int32", { type: "integer", format: "int32", minimum: -2147483648, maximum: 2147483647 }],
  ["int64", { type: "integer", format: "int64" }],
  ["uint64", { type: "integer", format: "uint64", minimum: 0 }],
  ["float64", { type: "number", format: "double" }],
  ["bfloat16", { type: "number" }],
  ["bool", { type: "boolean" }],
])("a scalar of %s is %j", (dtype, schema) => {
  expect(tensorSchema(tensor("x", dtype, []), "request")).toEqual({ description: dtype, ...schema });
});

test("a text may be sent as bytes, and comes as bytes where its name says so", () => {
  expect(tensorSchema(tensor("s", "string", []), "request")).toEqual({ $ref: "#/components/schemas/Text" });
  expect(tensorSchema(tensor("s", "string", []), "answer")).toEqual({ description: "string", type: "string" });
  expect(tensorSchema(tensor("s_bytes", "string", []), "answer")).toEqual({ $ref: "#/components/schemas/Base64" });
});

test("what may be missing may be null, where the type has such a value", () => {
  const nullable = { nullable: true };
  expect(tensorSchema(tensor("x", "float64", [], nullable), "request")).toEqual({
    description: "float64",
    type: ["number", "null"],
    format: "double",
  });
  expect(tensorSchema(tensor("x", "int64", [], nullable), "request")).toMatchObject({ type: "integer" });
  expect(tensorSchema(tensor("s", "string", [], nullable), "request")).toEqual({
    description: "string",
    anyOf: [{ $ref: "#/components/schemas/Text" }, { type: ["number", "boolean", "null"] }],
  });
  expect(tensorSchema(tensor("s", "string", [], nullable), "answer")).toEqual({
    description: "string",
    type: ["string", "null"],
  });
});

test("a tensor of unknown rank is any value", () => {
  expect(tensorSchema(tensor("x", "int32"), "request", 1)).toEqual({ description: "int32 of any shape" });
});

test("complex numbers have no form", () => {
  expect((["complex64", "complex128", "string", "float16"] as const).map(hasJsonForm)).toEqual([false, false, true, true]);
});
