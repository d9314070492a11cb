import { ServingError } from "../../base/serving-error.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import type { ImageRules } from "./image-rules.ts";
import { describe, isPixelInput } from "./pixel-input.ts";

/** Whether an input takes images as the bytes of their files. */
export function takesEncodedImages({ dtype, shape }: TensorInfo): boolean {
  return dtype === "string" && (shape === undefined || shape.length <= 1);
}

/**
 * The input that a call's images are for: the one that the rules name, else the only one that can take images and has no value.
 * @throws ServingError invalid-argument when there is none, or the choice is the caller's.
 */
export function imageInput(signature: Signature, rules: ImageRules, given: ReadonlyMap<string, unknown>): TensorInfo {
  const { inputs } = signature;
  if (rules.input !== undefined) {
    const named = inputs.find(({ alias }) => alias === rules.input);
    if (named !== undefined) return named;
    throw invalid(`image rule input is "${rules.input.slice(0, 100)}", the inputs are: ${listed(inputs)}`);
  }
  const able = inputs.filter((info) => !given.has(info.alias) && (takesEncodedImages(info) || isPixelInput(info, rules)));
  if (able.length === 1) return able[0];
  if (able.length > 1) throw invalid(`several inputs can take images, name one with input=: ${listed(able)}`);
  const flat = rules.size === undefined && inputs.some(({ dtype, shape }) => dtype !== "string" && shape?.length === 2);
  throw invalid(
    `no input takes images: ${inputs.map(describe).join(", ")}${flat ? "; with size=WIDTHxHEIGHT one of two dimensions does" : ""}`,
  );
}

function listed(inputs: readonly TensorInfo[]): string {
  return inputs.map(({ alias }) => `"${alias}"`).join(", ");
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
