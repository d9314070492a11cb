import { largeBuffers, SMALLEST_LARGE } from "../base/large-buffers.ts";
import type { NumericArray } from "../tensor/dtype.ts";
import type { NamedTensors } from "../tensor/tensor.ts";

interface ArrayType {
  readonly BYTES_PER_ELEMENT?: number;
  new (length: number): NumericArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray;
}

/**
 * An array whose elements are whatever they are: the caller writes every one. A large one lies in memory that is used again, once
 * {@link giveBackArrays} has it.
 */
export function lentArray(array: ArrayType, bytesPerElement: number, length: number): NumericArray {
  const lent = largeBuffers.lendLarge(length * bytesPerElement);
  return lent === undefined ? new array(length) : new array(lent.buffer, 0, length);
}

/** Lets go of the tensors of a request that was answered, but for those that lie in what they were read from: that is somebody else's. */
export function giveBackArrays(tensors: NamedTensors, sources?: ReadonlyMap<string, Uint8Array>): void {
  for (const [alias, { dtype, data }] of tensors) {
    // The buffer of a short array has to be made first.
    if (dtype === "string" || data.byteLength < SMALLEST_LARGE) continue;
    if (data.buffer !== sources?.get(alias)?.buffer) largeBuffers.giveBack(data);
  }
}
