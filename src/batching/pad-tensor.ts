import { ServingError } from "../base/serving-error.ts";
import { ARRAY_TYPES } from "../tensor/dtype.ts";
import { elementCount, type Shape } from "../tensor/shape.ts";
import { packStrings, stringBytes } from "../tensor/string-array.ts";
import type { NumericTensor, StringTensor, Tensor } from "../tensor/tensor.ts";

const MOST_DIMENSIONS = 6;

/** Whether the rows of a tensor of this shape can be padded to those of any other of the same rank. */
export function canPad(shape: Shape): boolean {
  if (shape.length < 1 || shape.length > MOST_DIMENSIONS) return false;
  for (let axis = 1; axis < shape.length; axis++) if (shape[axis] === 0) return false;
  return true;
}

/**
 * The tensor with every dimension but the first made as long as in `target`, which is nowhere shorter; what is added follows
 * what is there and is the tensor's own first element. A tensor of no rows has nothing to be padded.
 * @throws ServingError invalid-argument, in TensorFlow Serving's words, for a rank that is not from 1 to 6 and for rows without elements.
 */
export function padTensor(tensor: Tensor, target: Shape): Tensor {
  const { shape } = tensor;
  if (shape.length < 1 || shape.length > MOST_DIMENSIONS) {
    throw new ServingError("invalid-argument", "Only tensors with rank from 1 to 6 can be padded.");
  }
  const padded = [shape[0]!, ...target.slice(1)];
  const empty = elementCount(shape) === 0;
  if (empty && elementCount(padded) > 0) {
    throw new ServingError("invalid-argument", "Got empty tensor in batch of non-empty tensors.");
  }
  return tensor.dtype === "string" ? padStrings(tensor, padded) : padNumbers(tensor, padded);
}

function padNumbers({ dtype, shape, data }: NumericTensor, padded: Shape): Tensor {
  const { array, width } = ARRAY_TYPES[dtype];
  const filled = new array(elementCount(padded) * width);
  if (width === 1) filled.fill(data[0] as never);
  else for (let i = 0; i < filled.length; i++) filled[i] = data[i % width] as never;
  eachRun(shape, padded, (from, to, length) => {
    filled.set(data.subarray(from * width, (from + length) * width) as never, to * width);
  });
  return { dtype, shape: padded, data: filled };
}

function padStrings({ shape, data }: StringTensor, padded: Shape): Tensor {
  const count = elementCount(padded);
  const first = count === 0 ? undefined : stringBytes(data, 0);
  const values = Array.from({ length: count }, () => first!);
  eachRun(shape, padded, (from, to, length) => {
    for (let i = 0; i < length; i++) values[to + i] = stringBytes(data, from + i);
  });
  return { dtype: "string", shape: padded, data: packStrings(values) };
}

/** Calls `copy` for each run of elements that stay neighbours, with its place in either shape. */
function eachRun(shape: Shape, padded: Shape, copy: (from: number, to: number, length: number) => void): void {
  const total = elementCount(shape);
  if (total === 0) return;
  const last = shape.length - 1;
  const length = shape[last]!;
  const index = shape.map(() => 0);
  for (let from = 0; from < total; from += length) {
    let to = 0;
    for (let axis = 0; axis <= last; axis++) to = to * padded[axis]! + index[axis]!;
    copy(from, to, length);
    for (let axis = last - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}
