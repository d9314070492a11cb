import { fromBinary } from "@bufbuild/protobuf";
import { AllocationBudget } from "../../../src/codec/allocation-budget.ts";
import type { ModelSpec } from "../../../src/codec/model-spec.ts";
import { decodePredictRequest } from "../../../src/codec/predict-message.ts";
import { decodePredictionLog, type PredictionLogKind } from "../../../src/codec/prediction-log.ts";
import { type PredictionLog, PredictionLogSchema } from "../../../src/gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { type Fields, onlyFields, Unsound } from "../plain/wire.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";
import { MODEL_SPEC_FIELDS, plainSpec, specText } from "./predict-message.ts";

/** Of every message the specs alone: so that what else is wrong in it does not matter to the generated code. */
const LOG: Fields = { 1: { 1: MODEL_SPEC_FIELDS } };
const FIELDS: Fields = { 1: LOG[1]!, 2: LOG, 3: LOG, 4: {}, 5: LOG, 6: LOG, 7: LOG };

const KINDS: Readonly<Record<string, PredictionLogKind>> = {
  classifyLog: "classify",
  regressLog: "regress",
  multiInferenceLog: "multi-inference",
  sessionRunLog: "session-run",
  predictLog: "predict",
  predictStreamedLog: "predict-streamed",
};

function plainLog(input: Buffer): PredictionLog | undefined {
  try {
    return fromBinary(PredictionLogSchema, onlyFields(input, FIELDS));
  } catch (reason) {
    if (reason instanceof Unsound) return undefined;
    throw reason;
  }
}

/** The spec of whatever request it is; of tasks none. */
function plainRequestSpec({ logType }: PredictionLog): string {
  if (logType.case === undefined || logType.case === "multiInferenceLog") return "none";
  const { request } = logType.value;
  return specText(plainSpec((Array.isArray(request) ? request[0] : request)?.modelSpec));
}

/** A PredictionLog and the model specs in it, against the generated code. */
export const predictionLog: FuzzTarget = {
  name: "prediction-log",
  dictionary: [
    "0a00",
    "0a050a030a016d",
    "32070a050a030a016d",
    "12020a00",
    "1a020a00",
    "22020a00",
    "2a020a00",
    "3a040a000a00",
    "1200",
  ].map((hex) => Buffer.from(hex, "hex")),
  longest: 300,
  run(input): Outcome {
    const expected = plainLog(input);
    let shape: string;
    try {
      const log = decodePredictionLog(input, new AllocationBudget(1 << 16));
      if (expected === undefined) {
        // What lies deeper is not looked at here.
        return { accepted: true, shape: log.kind };
      }
      agree(log.kind, expected.logType.case === undefined ? "none" : KINDS[expected.logType.case], "the kind");
      const spec = log.request === undefined || log.kind === "multi-inference" ? undefined : requestSpec(log.request);
      agree(specText(spec), plainRequestSpec(expected), "the request's spec");
      shape = `${log.kind} ${log.request?.length === undefined} ${log.metadata === undefined}`;
    } catch (reason) {
      if (expected !== undefined && !(reason instanceof Error && reason.message.includes("in memory"))) {
        throw new Error("a sound log was refused", { cause: reason });
      }
      return refusal(reason);
    }
    return { accepted: true, shape };
  },
};

/** Every request but the multi-inference one has its spec in the first field. */
function requestSpec(bytes: Uint8Array): ModelSpec | undefined {
  return decodePredictRequest(onlyFields(bytes, { 1: MODEL_SPEC_FIELDS })).modelSpec;
}
