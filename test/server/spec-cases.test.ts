import { describeSpecCases } from "../support/spec-cases.ts";

/** Cases that an ONNX model cannot exercise, and why. Those marked `needs_ops` in the tables say so themselves. */
const NOT_APPLICABLE: ReadonlyMap<string, string> = new Map([
  ["SingleUnnamedTensorWithSignature", "an ONNX model has the one signature serving_default"],
  ["Regress#1", "needs ParseExample, which ONNX has not"],
  ["Regress#2", "needs ParseExample, which ONNX has not"],
  ["Regress#3", "needs ParseExample, which ONNX has not"],
  ["Classify#1", "needs ParseExample, which ONNX has not"],
  ["Classify#2", "needs ParseExample, which ONNX has not"],
  ["GetModelMetadata", "expects the SavedModel's own signature list"],
]);

describeSpecCases({
  folder: ["identity"],
  platform: "onnx",
  flags: [],
  reason: ({ id, needs_ops: ops }) =>
    ops !== undefined && !id.includes("JsonErrors") ? `needs TensorFlow's ${ops.join(", ")}` : NOT_APPLICABLE.get(id),
});
