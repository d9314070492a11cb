import { fromBinary } from "@bufbuild/protobuf";
import { fromMessage } from "../../../src/api/tfs-grpc/model-spec-message.ts";
import { AllocationBudget } from "../../../src/codec/allocation-budget.ts";
import type { ModelSpec } from "../../../src/codec/model-spec.ts";
import { decodePredictRequest, type PredictRequest } from "../../../src/codec/predict-message.ts";
import type { ModelSpec as ModelSpecMessage } from "../../../src/gen/tensorflow_serving/apis/model_pb.ts";
import { PredictRequestSchema } from "../../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { type Fields, onlyFields, Unsound } from "../plain/wire.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";
import { checkTensor, TENSOR_WORDS } from "./tensor-proto.ts";

/** What is read of a `ModelSpec`. */
export const MODEL_SPEC_FIELDS: Fields = { 1: "string", 2: { 1: "varint" }, 3: "string", 4: "string" };

/** A `ModelSpec` of the generated code in the form of ours. */
export function plainSpec(message: ModelSpecMessage | undefined): ModelSpec | undefined {
  return message === undefined ? undefined : fromMessage(message);
}

/** A spec as text, for comparing. */
export function specText(spec: ModelSpec | undefined): string {
  if (spec === undefined) return "none";
  return JSON.stringify([spec.name, spec.version?.toString(), spec.versionLabel, spec.signatureName]);
}

/** The message as it is read before its tensors are: entries hold their tensors unread. */
const FIELDS: Fields = { 1: MODEL_SPEC_FIELDS, 2: { 1: "string", 2: "bytes" }, 3: "string" };

/** Everything but the tensors, so that broken ones do not matter to the generated code. */
const WITHOUT_TENSORS: Fields = { 1: MODEL_SPEC_FIELDS, 2: { 1: "string" }, 3: "string" };

/** A PredictRequest with its tensors, against the generated code. */
export const predictMessage: FuzzTarget = {
  name: "predict-message",
  dictionary: [
    ...TENSOR_WORDS,
    ...["0a00", "0a03", "1200", "1206", "1a0179", "0a0178", "12040801", "220161", "0801", "0a0178120408012d"].map((hex) =>
      Buffer.from(hex, "hex"),
    ),
  ],
  longest: 500,
  run(input): Outcome {
    let sound = true;
    try {
      onlyFields(input, FIELDS);
    } catch (reason) {
      if (!(reason instanceof Unsound)) throw reason;
      sound = false;
    }
    let request: PredictRequest;
    try {
      request = decodePredictRequest(input, new AllocationBudget(1 << 20));
    } catch (reason) {
      if (sound) throw new Error("a sound request was refused", { cause: reason });
      return refusal(reason);
    }
    if (!sound) throw new Error("a malformed request was read");
    const expected = fromBinary(PredictRequestSchema, onlyFields(input, WITHOUT_TENSORS));
    agree(specText(request.modelSpec), specText(plainSpec(expected.modelSpec)), "the model spec");
    agree(request.outputFilter.join("\n"), expected.outputFilter.join("\n"), "the output filter");
    // The generated code keeps `__proto__` as a name too; the order of names is not kept by either.
    agree([...request.inputs.keys()].sort().join("\n"), Object.keys(expected.inputs).sort().join("\n"), "names of inputs");
    const outcomes = [...request.inputs.values()].map((tensor) => checkTensor(tensor));
    const shape = `${outcomes.length} ${outcomes[0]?.shape ?? ""} ${request.modelSpec === undefined} ${request.outputFilter.length > 0}`;
    return { accepted: outcomes.every(({ accepted }) => accepted), shape };
  },
};
