import type { TensorInfo } from "../../tensor/signature.ts";

/** The input that a value without a name is for: the only one, or the only one that may not be left out. */
export function plainInput(inputs: readonly TensorInfo[]): TensorInfo | undefined {
  if (inputs.length === 1) return inputs[0];
  const needed = inputs.filter((info) => info.optional !== true);
  return needed.length === 1 ? needed[0] : undefined;
}
