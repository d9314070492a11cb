import { setImmediate } from "node:timers/promises";
import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import { dtypeOfScalarType } from "./element-types.ts";
import type { ExportedPart } from "./exported-part.ts";
import type { Weight } from "./import-program.ts";

/** Numbers of a weight that may be more than its file has: one number or row may stand for many. */
const MOST_REPEATED = 2 ** 22;
/** Numbers that are put in order without letting others have their turn. */
const NUMBERS_IN_A_TURN = 2 ** 19;

/** How the numbers of a tensor lie in a file. */
export interface Layout {
  readonly dtype: NumericDType;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  /** The first element's place. */
  readonly offset: number;
}

/** Reads how a tensor lies. @throws ServingError data-loss; unimplemented for a type that is not covered */
export function layoutOf(meta: ExportedPart): Layout {
  const dtype = dtypeOfScalarType(meta.at("dtype").integer());
  if (dtype === undefined) throw new ServingError("unimplemented", "it has a weight of a type that is not covered");
  const offset = meta.at("storage_offset");
  return {
    dtype,
    sizes: meta.at("sizes").list().map(integerOf),
    strides: meta.at("strides").list().map(integerOf),
    offset: offset.isThere ? integerOf(offset) : 0,
  };
}

/**
 * The tensor in a file's bytes. Where it lies as tensors do here it is a view of the bytes, else a copy.
 * @param name what errors call it
 * @throws ServingError, rejected: data-loss when the file does not hold it; unimplemented when it holds far less than the tensor has
 */
export async function weightIn(bytes: Buffer, { dtype, sizes, strides, offset }: Layout, name: string): Promise<Weight> {
  const each = ARRAY_TYPES[dtype].bytes;
  const count = elementCount(sizes);
  const last = sizes.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset);
  const fits = count === 0 || (last + 1) * each <= bytes.length;
  if (strides.length !== sizes.length || strides.some((stride) => stride < 0) || offset < 0 || !fits) {
    throw new ServingError("data-loss", `the weight "${name.slice(0, 128)}" reaches beyond its file`);
  }
  const isPlain = count === 0 || plainStrides(sizes).every((stride, i) => stride === strides[i] || sizes[i] === 1);
  if (!isPlain) {
    if (count > MOST_REPEATED && count * each > bytes.length) {
      throw new ServingError(
        "unimplemented",
        `the weight "${name.slice(0, 128)}" repeats its numbers to ${count}, which is not covered`,
      );
    }
    return { dtype, shape: sizes, data: await gathered(aligned(bytes, dtype), { dtype, sizes, strides, offset }, count) };
  }
  const view = bytes.subarray(offset * each, (offset + count) * each);
  return { dtype, shape: sizes, data: aligned(view, dtype) };
}

function integerOf(part: ExportedPart): number {
  return typeof part.value === "number" ? part.integer() : part.at("as_int").integer();
}

function plainStrides(sizes: readonly number[]): number[] {
  const strides = sizes.map(() => 1);
  for (let i = sizes.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * sizes[i + 1]!;
  return strides;
}

/** Numbers over the same memory, which is copied only where it does not begin where they may. */
function aligned(bytes: Buffer, dtype: NumericDType): NumericArray {
  const { array, bytes: each, width } = ARRAY_TYPES[dtype];
  const size = each / width;
  const whole = bytes.length - (bytes.length % size);
  const start = bytes.byteOffset % size === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
  return new array(start.buffer as ArrayBuffer, start.byteOffset, whole / size);
}

async function gathered(from: NumericArray, { dtype, sizes, strides, offset }: Layout, count: number): Promise<NumericArray> {
  const { array, width } = ARRAY_TYPES[dtype];
  const data = new array(count * width) as Float32Array;
  const source = from as Float32Array;
  const at = sizes.map(() => 0);
  let place = offset;
  for (let i = 0; i < count; i++) {
    if ((i + 1) % NUMBERS_IN_A_TURN === 0) await setImmediate();
    for (let part = 0; part < width; part++) data[i * width + part] = source[place * width + part]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      place += strides[axis]!;
      if (++at[axis]! < sizes[axis]!) break;
      place -= strides[axis]! * sizes[axis]!;
      at[axis] = 0;
    }
  }
  return data;
}
