import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { type Example, ExampleSchema } from "../gen/tensorflow/core/example/example_pb.ts";
import { ClassificationRequestSchema, ClassificationResponseSchema } from "../gen/tensorflow_serving/apis/classification_pb.ts";
import { MultiInferenceRequestSchema, MultiInferenceResponseSchema } from "../gen/tensorflow_serving/apis/inference_pb.ts";
import { RegressionResponseSchema } from "../gen/tensorflow_serving/apis/regression_pb.ts";
import { AllocationBudget } from "./allocation-budget.ts";
import {
  decodeExampleRequest,
  decodeMultiInferenceRequest,
  encodeClassificationResponse,
  encodeMultiInferenceResponse,
  encodeRegressionResponse,
} from "./classify-message.ts";

/** The text with lone surrogates replaced, as UTF-8 has it. */
const wellFormed = (text: string) => Buffer.from(text).toString();

function example(features: Record<string, number>): MessageInitShape<typeof ExampleSchema> {
  const feature = Object.fromEntries(
    Object.entries(features).map(([name, value]) => [name, { kind: { case: "floatList" as const, value: { value: [value] } } }]),
  );
  return { features: { feature } };
}

function features(bytes: Uint8Array): Record<string, number> {
  const message: Example = fromBinary(ExampleSchema, bytes);
  return Object.fromEntries(
    Object.entries(message.features!.feature).map(([name, { kind }]) => [
      name,
      kind.case === "floatList" ? kind.value.value[0] : Number.NaN,
    ]),
  );
}

function request(init: MessageInitShape<typeof ClassificationRequestSchema>): Uint8Array {
  return toBinary(ClassificationRequestSchema, create(ClassificationRequestSchema, init));
}

const spec = { name: "m", version: 3n, signatureName: "classify" };

describe("requests", () => {
  test("an example list is views of its examples, in order", () => {
    const bytes = request({
      modelSpec: { name: "m" },
      input: { kind: { case: "exampleList", value: { examples: [example({ a: 1 }), {}, example({ a: 2 })] } } },
    });
    const { modelSpec, examples } = decodeExampleRequest(bytes);
    expect(modelSpec).toEqual({ name: "m", signatureName: "" });
    expect(features(examples[0])).toEqual({ a: 1 });
    expect(examples[1].length).toBe(0);
    expect(features(examples[2])).toEqual({ a: 2 });
    expect(examples[0].buffer).toBe(bytes.buffer);
  });

  test("a context is merged into each example, whose own features win", () => {
    const bytes = request({
      input: {
        kind: {
          case: "exampleListWithContext",
          value: { examples: [example({ a: 1 }), example({ b: 2 })], context: example({ a: 9, c: 8 }) },
        },
      },
    });
    const { modelSpec, examples } = decodeExampleRequest(bytes);
    expect(modelSpec).toBeUndefined();
    expect(examples.map(features)).toEqual([
      { a: 1, c: 8 },
      { a: 9, b: 2, c: 8 },
    ]);
  });

  test("two messages put together merge as the generated code merges them", () => {
    const input = fc.oneof(
      fc.record({ case: fc.constant("exampleList" as const), count: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ case: fc.constant("exampleListWithContext" as const), count: fc.integer({ min: 0, max: 3 }) }),
    );
    const part = (kind: "exampleList" | "exampleListWithContext", count: number, from: number) =>
      request({
        input: {
          kind: {
            case: kind,
            value: {
              examples: Array.from({ length: count }, (_, i) => example({ a: from + i })),
              ...(kind === "exampleListWithContext" && { context: example({ [`c${from}`]: from }) }),
            },
          },
        },
      });
    fc.assert(
      fc.property(input, input, (first, second) => {
        const bytes = Buffer.concat([part(first.case, first.count, 10), part(second.case, second.count, 20)]);
        const { kind } = fromBinary(ClassificationRequestSchema, bytes).input!;
        const lists = kind.value!;
        const context = "context" in lists && lists.context ? features(toBinary(ExampleSchema, lists.context)) : {};
        const expected = lists.examples.map((one) => ({ ...context, ...features(toBinary(ExampleSchema, one)) }));
        expect(decodeExampleRequest(bytes).examples.map(features)).toEqual(expected);
      }),
    );
  });

  test("a large context and many examples are refused before they are copied", () => {
    const value = { examples: Array.from({ length: 1000 }, () => ({})), context: example({ ["n".repeat(10_000)]: 1 }) };
    const bytes = request({ input: { kind: { case: "exampleListWithContext", value } } });
    expect(() => decodeExampleRequest(bytes, new AllocationBudget(1_000_000))).toThrow(/more than the 1000000 bytes/);
  });

  test("a multi-inference request has tasks and examples", () => {
    const message = create(MultiInferenceRequestSchema, {
      tasks: [{ modelSpec: { name: "m", signatureName: "a" }, methodName: "tensorflow/serving/classify" }, { methodName: "x" }],
      input: { kind: { case: "exampleList", value: { examples: [example({ a: 1 })] } } },
    });
    const { tasks, examples } = decodeMultiInferenceRequest(toBinary(MultiInferenceRequestSchema, message));
    expect(tasks).toEqual([
      { modelSpec: { name: "m", signatureName: "a" }, methodName: "tensorflow/serving/classify" },
      { methodName: "x" },
    ]);
    expect(examples.map(features)).toEqual([{ a: 1 }]);
  });

  test("no input is no examples", () => {
    expect(decodeExampleRequest(new Uint8Array(0)).examples).toEqual([]);
  });

  test("every truncation gives a request or a ServingError", () => {
    const value = { examples: [example({ a: 1 })], context: example({ b: 1 }) };
    const bytes = request({ modelSpec: { name: "m" }, input: { kind: { case: "exampleListWithContext", value } } });
    let refused = 0;
    for (let end = 0; end < bytes.length; end++) {
      try {
        decodeExampleRequest(bytes.subarray(0, end));
      } catch (error) {
        expect(error).toBeInstanceOf(ServingError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(bytes.length - 5);
  });
});

const LABEL = fc.string({ maxLength: 6 }).map((text) => wellFormed(text));
const ROWS = fc.array(fc.array(fc.record({ label: LABEL, score: fc.float() }), { maxLength: 4 }), { maxLength: 4 });
const encoder = new TextEncoder();

function encodable(rows: readonly (readonly { label: string; score: number }[])[]) {
  return rows.map((row) => row.map(({ label, score }) => ({ label: encoder.encode(label), score })));
}

describe("responses are the bytes that the generated code writes", () => {
  const modelSpec = { name: "m", signatureName: "classify", versionChoice: { case: "version" as const, value: { value: 3n } } };
  const classificationResult = (rows: readonly (readonly { label: string; score: number }[])[]) => ({
    classifications: rows.map((row) => ({ classes: row.map((one) => ({ ...one })) })),
  });
  const regressionResult = (values: readonly number[]) => ({ regressions: values.map((value) => ({ value })) });

  test("classification", () => {
    fc.assert(
      fc.property(ROWS, (rows) => {
        const message = create(ClassificationResponseSchema, { modelSpec, result: classificationResult(rows) });
        expect([...encodeClassificationResponse(spec, encodable(rows))]).toEqual([
          ...toBinary(ClassificationResponseSchema, message),
        ]);
      }),
    );
  });

  test("regression", () => {
    fc.assert(
      fc.property(fc.array(fc.float()), (values) => {
        const message = create(RegressionResponseSchema, { modelSpec, result: regressionResult(values) });
        expect([...encodeRegressionResponse(spec, Float32Array.from(values))]).toEqual([
          ...toBinary(RegressionResponseSchema, message),
        ]);
      }),
    );
  });

  test("multi-inference", () => {
    fc.assert(
      fc.property(ROWS, fc.array(fc.float()), (rows, values) => {
        const message = create(MultiInferenceResponseSchema, {
          results: [
            { modelSpec, result: { case: "regressionResult", value: regressionResult(values) } },
            { modelSpec, result: { case: "classificationResult", value: classificationResult(rows) } },
          ],
        });
        const bytes = encodeMultiInferenceResponse([
          { kind: "regress", resolved: spec, values: Float32Array.from(values) },
          { kind: "classify", resolved: spec, rows: encodable(rows) },
        ]);
        expect([...bytes]).toEqual([...toBinary(MultiInferenceResponseSchema, message)]);
      }),
    );
  });
});
