import { create, fromBinary, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import { AllocationBudget } from "../../../src/codec/allocation-budget.ts";
import { decodeExampleRequest, decodeMultiInferenceRequest } from "../../../src/codec/classify-message.ts";
import { ExampleSchema } from "../../../src/gen/tensorflow/core/example/example_pb.ts";
import { ClassificationRequestSchema } from "../../../src/gen/tensorflow_serving/apis/classification_pb.ts";
import { MultiInferenceRequestSchema } from "../../../src/gen/tensorflow_serving/apis/inference_pb.ts";
import type { Input } from "../../../src/gen/tensorflow_serving/apis/input_pb.ts";
import { type Fields, onlyFields, Unsound } from "../plain/wire.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";
import { MODEL_SPEC_FIELDS, plainSpec, specText } from "./predict-message.ts";

const INPUT: Fields = { 1: { 1: "bytes" }, 2: { 1: "bytes", 2: "bytes" } };
/** A list that a later one of the other kind replaces is not looked into. */
const OUTER_INPUT: Fields = { 1: "bytes", 2: "bytes" };
const SPEC: Fields = { 1: MODEL_SPEC_FIELDS };
const TASKS: Fields = { 1: { 1: MODEL_SPEC_FIELDS, 2: "string" } };

const FEATURE: Fields = { 1: { 1: "bytes" }, 2: { 1: "fixed32s" }, 3: { 1: "varints" } };
const EXAMPLE: Fields = { 1: { 1: { 1: "string", 2: FEATURE } } };

/** An example in one form, or "malformed"; of a request's examples only the outermost bytes are looked at when it is read. */
function exampleText(...parts: readonly Uint8Array[]): string {
  const example = create(ExampleSchema);
  try {
    for (const part of parts) mergeFromBinary(ExampleSchema, example, onlyFields(part, EXAMPLE));
  } catch (reason) {
    if (reason instanceof Unsound) return "malformed";
    throw reason;
  }
  const features = Object.entries(example.features?.feature ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    features.map(([name, { kind }]) => [name, kind.case, kind.value && Array.from(kind.value.value, String)]),
  );
}

/** The examples of an `Input`, its context before each. */
function plainExamples(input: Input | undefined): string[] {
  const { kind } = input ?? {};
  if (kind?.case === undefined) return [];
  const context = kind.case === "exampleListWithContext" && kind.value.context;
  return kind.value.examples.map((example) =>
    exampleText(...(context ? [toBinary(ExampleSchema, context)] : []), toBinary(ExampleSchema, example)),
  );
}

function isSound(bytes: Uint8Array, fields: Fields): boolean {
  try {
    onlyFields(bytes, fields);
    return true;
  } catch (reason) {
    if (reason instanceof Unsound) return false;
    throw reason;
  }
}

const WHOLE_INPUT: Fields = { 1: { 1: EXAMPLE }, 2: { 1: EXAMPLE, 2: EXAMPLE } };

/** Classification, regression and multi-inference requests, against the generated code. The input is taken for each in turn. */
export const classifyMessage: FuzzTarget = {
  name: "classify-message",
  dictionary: [
    "0a00",
    "0a030a016d",
    "1200",
    "12020a00",
    "12021200",
    "0a021200",
    "0a0a0a080a0161",
    "12060a040a02",
    "1a030a0101",
    "120612040a00",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 400,
  run(input): Outcome {
    const outcomes = [examplesOutcome(input), multiOutcome(input)];
    return { accepted: outcomes.some(({ accepted }) => accepted), shape: outcomes.map(({ shape }) => shape).join() };
  },
};

function examplesOutcome(input: Buffer): Outcome {
  const sound = isSound(input, { ...SPEC, 2: INPUT });
  let request: ReturnType<typeof decodeExampleRequest>;
  try {
    request = decodeExampleRequest(input, new AllocationBudget(1 << 18));
  } catch (reason) {
    if (sound) throw new Error("a sound request was refused", { cause: reason });
    return refusal(reason);
  }
  if (!isSound(input, { ...SPEC, 2: OUTER_INPUT })) throw new Error("a malformed request was read");
  const { modelSpec } = fromBinary(ClassificationRequestSchema, onlyFields(input, SPEC));
  agree(specText(request.modelSpec), specText(plainSpec(modelSpec)), "the model spec");
  if (isSound(input, { 2: WHOLE_INPUT })) {
    const expected = fromBinary(ClassificationRequestSchema, onlyFields(input, { 2: WHOLE_INPUT }));
    agree(request.examples.map((one) => exampleText(one)).join("\n"), plainExamples(expected.input).join("\n"), "examples");
  }
  return { accepted: true, shape: `${Math.min(request.examples.length, 3)} ${request.modelSpec === undefined}` };
}

function multiOutcome(input: Buffer): Outcome {
  const sound = isSound(input, { ...TASKS, 2: INPUT });
  let request: ReturnType<typeof decodeMultiInferenceRequest>;
  try {
    request = decodeMultiInferenceRequest(input, new AllocationBudget(1 << 18));
  } catch (reason) {
    if (sound) throw new Error("a sound request was refused", { cause: reason });
    return refusal(reason);
  }
  if (!isSound(input, { ...TASKS, 2: OUTER_INPUT })) throw new Error("a malformed request was read");
  const { tasks } = fromBinary(MultiInferenceRequestSchema, onlyFields(input, TASKS));
  agree(
    request.tasks.map(({ modelSpec, methodName }) => `${specText(modelSpec)} ${methodName}`).join("\n"),
    tasks.map(({ modelSpec, methodName }) => `${specText(plainSpec(modelSpec))} ${methodName}`).join("\n"),
    "tasks",
  );
  if (isSound(input, { 2: WHOLE_INPUT })) {
    const expected = fromBinary(MultiInferenceRequestSchema, onlyFields(input, { 2: WHOLE_INPUT }));
    agree(request.examples.map((one) => exampleText(one)).join("\n"), plainExamples(expected.input).join("\n"), "examples");
  }
  return { accepted: true, shape: `${Math.min(request.tasks.length, 3)}` };
}
