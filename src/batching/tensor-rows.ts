import { largeBuffers } from "../base/large-buffers.ts";
import { ServingError } from "../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../tensor/dtype.ts";
import type { Shape } from "../tensor/shape.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NumericTensor, StringTensor, Tensor } from "../tensor/tensor.ts";

/** Rows `from` to `from + rows` of a tensor, which has at least one dimension. */
export interface Rows {
  readonly tensor: Tensor;
  readonly from: number;
  readonly rows: number;
}

/** Up to so many items a loop is faster than a bulk copy. */
const FEW = 16;
const MOST_STRING_BYTES = 0xffffffff;

/** Elements of one row. */
export function rowElements(shape: Shape): number {
  let count = 1;
  for (let axis = 1; axis < shape.length; axis++) count *= shape[axis]!;
  return count;
}

/** A copy of some rows. */
export function copyRows({ tensor, from, rows }: Rows): Tensor {
  const shape = withFirst(tensor.shape, rows);
  const elements = rowElements(tensor.shape);
  if (tensor.dtype === "string") {
    return { dtype: "string", shape, data: copyStrings(tensor.data, from * elements, (from + rows) * elements) };
  }
  const { array, width } = ARRAY_TYPES[tensor.dtype];
  const start = from * elements * width;
  const length = rows * elements * width;
  if (length > FEW) return { dtype: tensor.dtype, shape, data: tensor.data.slice(start, start + length) };
  const data = new array(length);
  for (let i = 0; i < length; i++) data[i] = tensor.data[start + i] as never;
  return { dtype: tensor.dtype, shape, data };
}

/**
 * Rows of tensors that agree in dtype and inner shape, one after the other, and after them the first row of the last that has
 * any, until there are `total`. Large results lie in memory that the caller may give back to the large buffers.
 * @throws ServingError resource-exhausted for strings of 4 GiB and more.
 */
export function concatenateRows(parts: readonly Rows[], total: number): Tensor {
  const first = parts[0]!.tensor;
  const shape = withFirst(first.shape, total);
  let filled = 0;
  let last: Rows | undefined;
  for (const part of parts) {
    filled += part.rows;
    if (part.rows > 0) last = part;
  }
  const all = [...parts];
  if (last !== undefined) {
    const row = { tensor: last.tensor, from: last.from, rows: 1 };
    for (; filled < total; filled++) all.push(row);
  }
  const elements = rowElements(first.shape);
  return first.dtype === "string"
    ? { dtype: "string", shape, data: concatenateStrings(all, elements) }
    : { dtype: first.dtype, shape, data: concatenateNumbers(all, elements, first.dtype, total) };
}

function concatenateNumbers(parts: readonly Rows[], elements: number, dtype: NumericDType, total: number): NumericArray {
  const { array, width, bytes } = ARRAY_TYPES[dtype];
  const row = elements * width;
  const lent = largeBuffers.lendLarge(total * elements * bytes);
  const joined = lent === undefined ? new array(total * row) : new array(lent.buffer, 0, total * row);
  let at = 0;
  for (const { tensor, from, rows } of parts) {
    const { data } = tensor as NumericTensor;
    const start = from * row;
    const length = rows * row;
    if (length <= FEW) for (let i = 0; i < length; i++) joined[at + i] = data[start + i] as never;
    else joined.set((length === data.length ? data : data.subarray(start, start + length)) as never, at);
    at += length;
  }
  return joined;
}

function concatenateStrings(parts: readonly Rows[], elements: number): StringArray {
  let count = 0;
  let size = 0;
  for (const { tensor, from, rows } of parts) {
    const { offsets } = (tensor as StringTensor).data;
    count += rows * elements;
    size += offsets[(from + rows) * elements]! - offsets[from * elements]!;
  }
  if (size > MOST_STRING_BYTES) throw new ServingError("resource-exhausted", "the strings of a batch are longer than 4 GiB");
  const joined = { length: count, offsets: new Uint32Array(count + 1), bytes: new Uint8Array(size) };
  let index = 0;
  let at = 0;
  for (const { tensor, from, rows } of parts) {
    const { offsets, bytes } = (tensor as StringTensor).data;
    const start = from * elements;
    const shift = at - offsets[start]!;
    const length = rows * elements;
    for (let i = 1; i <= length; i++) joined.offsets[index + i] = offsets[start + i]! + shift;
    const piece = bytes.subarray(offsets[start]!, offsets[start + length]!);
    joined.bytes.set(piece, at);
    index += length;
    at += piece.length;
  }
  return joined;
}

function copyStrings({ offsets, bytes }: StringArray, start: number, end: number): StringArray {
  const base = offsets[start]!;
  const copied = new Uint32Array(end - start + 1);
  for (let i = 0; i < copied.length; i++) copied[i] = offsets[start + i]! - base;
  return { length: end - start, offsets: copied, bytes: bytes.slice(base, offsets[end]!) };
}

function withFirst(shape: Shape, first: number): Shape {
  const changed = shape.slice();
  changed[0] = first;
  return changed;
}
