import { ServingError } from "../../base/serving-error.ts";
import { type ImageRules, readImageRules } from "../../codec/image/image-rules.ts";
import { isPixelInput } from "../../codec/image/pixel-input.ts";
import { readImageInputs } from "../../codec/image/read-image-inputs.ts";
import { readPredictImages } from "../../codec/json/image-texts.ts";
import type { PredictInputs } from "../../codec/json/predict-inputs.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import { type StringArray, stringBytes } from "../../tensor/string-array.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";

/**
 * The inputs of a predict request that was refused, when images are what it has where an input wants numbers; else rejects with what
 * it was refused for. The query of `target` holds rules for them. Rejects with ServingErrors as the codecs do, and with the signal's
 * reason once it aborts.
 */
export async function readImages(
  body: Uint8Array,
  signature: Signature,
  target: string,
  refused: unknown,
  signal: AbortSignal,
): Promise<PredictInputs> {
  const { format, tensors } = readPredictImages(body, signature.inputs, imageAliases(signature.inputs, target), refused);
  return { format, tensors: await withPixels(tensors, signature, target, signal) };
}

/** The inputs that images can be decoded for. A query that cannot be understood has no rules here: there may be no image at all. */
export function imageAliases(inputs: readonly TensorInfo[], target: string): readonly string[] {
  let rules: ImageRules = {};
  try {
    rules = queryRules(target);
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
  }
  return inputs.filter((info) => isPixelInput(info, rules)).map(({ alias }) => alias);
}

/** The same tensors, with pixels where an input that wants numbers has files. Rejects as {@link readImages} does. */
export async function withPixels(
  tensors: NamedTensors,
  signature: Signature,
  target: string,
  signal: AbortSignal,
): Promise<NamedTensors> {
  const ready = new Map(tensors);
  for (const { alias, dtype } of signature.inputs) {
    const tensor = tensors.get(alias);
    if (tensor?.dtype !== "string" || dtype === "string") continue;
    const rules = queryRules(target);
    if (rules.input !== undefined && rules.input !== alias) {
      throw new ServingError(
        "invalid-argument",
        `image rule input is "${rules.input.slice(0, 100)}", but input "${alias}" has images`,
      );
    }
    ready.delete(alias);
    const decoded = await readImageInputs(signature, encodedImages(tensor.data), { ...rules, input: alias }, ready, signal);
    ready.set(alias, decoded.get(alias)!);
  }
  return ready;
}

/** The rules for images in a request target's query. @throws ServingError invalid-argument as {@link readImageRules} does. */
export function queryRules(target: string): ImageRules {
  return readImageRules(queryPairs(target));
}

/** The parameters of a request target's query. */
export function queryPairs(target: string): readonly (readonly [string, string])[] {
  const query = target.indexOf("?");
  return query < 0 ? [] : [...new URLSearchParams(target.slice(query + 1))];
}

function encodedImages(files: StringArray) {
  return Array.from({ length: files.length }, (_, index) => ({ name: `images[${index}]`, bytes: stringBytes(files, index) }));
}
