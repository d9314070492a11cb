// TensorFlow Serving's own cases for JSON tensors, with a model that gives back what it got.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { stringTensor, zeros } from "../../tensor/tensor.ts";
import { scanDocument, signatureName } from "./document.ts";
import { readExamples } from "./examples.ts";
import { readPredictInputs } from "./predict-inputs.ts";
import { writePredictResponse } from "./predict-response.ts";

interface Case {
  readonly id: string;
  readonly path: string;
  readonly body: string | null;
  readonly body_gen?: { prefix: string; open: string; n: number; close: string; suffix: string };
  readonly mode?: string;
  readonly expect: { status: number; json?: string; error_contains?: string; numbers_as_text?: boolean };
}

interface Model {
  readonly inputs: Readonly<Record<string, DType>>;
  /** Outputs that do not depend on the inputs; else each input comes back, under the name in `renamed` where there is one. */
  readonly outputs?: Readonly<Record<string, Tensor>>;
  readonly renamed?: Readonly<Record<string, string>>;
}

const constant = (outputs: Record<string, Tensor>): Model => ({ inputs: { x: "int32" }, outputs });

const MODELS: Readonly<Record<string, Model>> = {
  jt_int32: { inputs: { default: "int32" } },
  jt_float: { inputs: { default: "float32" } },
  jt_double: { inputs: { default: "float64" } },
  jt_string: { inputs: { default: "string" } },
  jt_multi4: { inputs: { int_tensor: "int32", str_tensor: "string", float_tensor: "float32", dbl_tensor: "float64" } },
  jt_int_named: { inputs: { int_tensor: "int32" } },
  jt_str: { inputs: { str_tensor: "string" } },
  jt_two: { inputs: { int_tensor: "int32", str_tensor: "string" } },
  jt_three: { inputs: { int_tensor: "int32", str_tensor: "string", bin_tensor: "string" } },
  jt_five: {
    inputs: {
      int_tensor: "int32",
      str_tensor: "string",
      float_tensor: "float32",
      double_scalar_tensor: "float64",
      str_tensor_bytes: "string",
    },
  },
  jt_bytes: { inputs: { x: "string" }, renamed: { x: "str_tensor_bytes" } },
  jt_complex: { inputs: { x: "float32" }, outputs: { tensor: zeros("complex64", [2]) } },
  jt_scalar: constant({ tensor: zeros("int32", []) }),
  jt_badbatch: constant({ int_tensor: zeros("int32", [2, 3]), str_tensor: stringTensor([1, 3], ["foo", "bar", "baz"]) }),
  jt_zero1: constant({ int_tensor: zeros("int32", [0, 2]) }),
  jt_zero2: constant({ str_tensor: stringTensor([0, 1, 2], []), float_tensor: zeros("float32", [0, 3, 4]) }),
  jt_zero_bad: constant({ int_tensor: zeros("int32", [0, 2]), str_tensor: stringTensor([1, 2], ["foo", "bar"]) }),
};

const file = join(import.meta.dirname, "../../../test/fixtures/cases/json_tensor.json");
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };

function bodyOf({ body, body_gen: made }: Case): Buffer {
  if (made === undefined) return Buffer.from(body ?? "");
  return Buffer.from(made.prefix + made.open.repeat(made.n) + made.close.repeat(made.n) + made.suffix);
}

function predict(model: Model, body: Buffer): string {
  const document = scanDocument(body);
  signatureName(document);
  const inputs = Object.entries(model.inputs).map(([alias, dtype]) => ({ alias, name: alias, dtype, shape: undefined }));
  const { format, tensors } = readPredictInputs(document, inputs);
  const echoed: NamedTensors = new Map([...tensors].map(([name, tensor]) => [model.renamed?.[name] ?? name, tensor]));
  return Buffer.from(writePredictResponse(format, model.outputs ? new Map(Object.entries(model.outputs)) : echoed)).toString();
}

/** Numbers as strings of their text, so that the digits are compared. */
function comparable(text: string, numbersAsText: boolean): unknown {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d[-+.eE\d]*/g, (token) => {
    return token.startsWith('"') || !(numbersAsText || /[IN]/.test(token)) ? token : `"#${token}"`;
  });
  return JSON.parse(quoted);
}

const predictCases = cases.filter(({ path, mode }) => mode !== "unit" && path.endsWith(":predict"));
test.each(predictCases)("$id", (row) => {
  const model = MODELS[row.path.slice("/v1/models/".length, -":predict".length)];
  const { json, error_contains: fault, numbers_as_text: asText = false } = row.expect;
  if (fault !== undefined) {
    const error = expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(fault) });
    expect(() => predict(model, bodyOf(row))).toThrow(error);
    return;
  }
  expect(comparable(predict(model, bodyOf(row)), asText)).toEqual(comparable(json!, asText));
});

const refusedExamples = cases.filter(({ path, expect: wanted }) => /:(classify|regress)$/.test(path) && wanted.error_contains);
test.each(refusedExamples)("$id", (row) => {
  const read = () => {
    const document = scanDocument(bodyOf(row));
    signatureName(document);
    return readExamples(document, row.path.endsWith("classify") ? "classify" : "regress");
  };
  expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining(row.expect.error_contains!) }));
});
