import type { TensorInfo } from "../../tensor/signature.ts";

/** The input that a value without a name is for: the only one, columns of it aside, or the only one that may not be left out. */
export function plainInput(inputs: readonly TensorInfo[]): TensorInfo | undefined {
  if (inputs.length === 1) return inputs[0];
  let own = 0;
  let needed = 0;
  let only: TensorInfo | undefined;
  let lastNeeded: TensorInfo | undefined;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input.columnOf !== undefined) continue;
    own++;
    only = input;
    if (input.optional === true) continue;
    needed++;
    lastNeeded = input;
  }
  if (own === 1) return only;
  return needed === 1 ? lastNeeded : undefined;
}
