import { ServingError } from "../../base/serving-error.ts";
import type { ImageRules } from "../../codec/image/image-rules.ts";
import { CHANNEL_COUNT } from "../../codec/image/pixel-input.ts";
import { readImageInputs } from "../../codec/image/read-image-inputs.ts";
import type { Signature } from "../../tensor/signature.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import type { StringTensor } from "../../tensor/tensor.ts";
import type { Planner } from "../step.ts";
import { describeInfo } from "../value-info.ts";

/** Encoded images, one a row, as uint8 pixels. */
export const planImage: Planner<"image"> = (step, scope) => {
  const { input, output, height, width, channels = "RGB", layout = "NHWC", resize } = step;
  const source = scope.read(input);
  const { shape: given, alias } = source;
  if (source.dtype !== "string" || (given !== undefined && given.length !== 1)) {
    throw invalid(`it takes strings [-1], and "${alias}" is ${describeInfo(source)}`);
  }
  const depth = CHANNEL_COUNT[channels];
  const rows = given?.[0] ?? -1;
  const pixels = layout === "NHWC" ? [height, width, depth] : [depth, height, width];
  const made = output ?? alias;
  const rules: ImageRules = { channels, layout, size: { width, height }, ...(resize !== undefined && { resize }) };
  const info = { alias: made, name: made, dtype: "uint8", shape: [-1, ...pixels] } as const;
  const signature: Signature = { inputs: [info], outputs: [], methodName: "" };
  return {
    reads: [alias],
    makes: [[made, { dtype: "uint8", shape: [rows, ...pixels] }]],
    run: async ([tensor], { run }) => {
      const { data } = tensor as StringTensor;
      if (tensor!.shape.length !== 1) throw invalid(`it takes strings [-1], got [${tensor!.shape.join(",")}]`);
      if (data.length === 0) return [{ dtype: "uint8", shape: [0, ...pixels], data: new Uint8Array(0) }];
      const images = Array.from({ length: data.length }, (_, i) => ({ name: `element ${i}`, bytes: stringBytes(data, i) }));
      const read = await readImageInputs(signature, images, rules, new Map(), run?.signal ?? new AbortController().signal);
      return [read.get(made)!];
    },
  };
};

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
