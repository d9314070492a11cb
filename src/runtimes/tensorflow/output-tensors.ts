import { ServingError } from "../../base/serving-error.ts";
import { dtypeOfNumber } from "../../codec/data-type.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Pointer } from "../native-calls.ts";
import { outputArray } from "../output-array.ts";
import type { TensorFlowLibrary } from "./library.ts";

/** Bytes of a `TF_TString` (tensorflow/tsl/platform/ctstring_internal.h, as of 2.3), which the low two bits of the first tell apart. */
const STRING_BYTES = 24;
const SMALL = 0;
const OFFSET = 2;
const VIEW = 3;

/** Most bytes of strings in one tensor: offsets are 32 bits wide. */
const MOST_STRING_BYTES = 0xffff_ffff;

/**
 * Copies a tensor out of a `TF_Tensor`, which stays the caller's to delete.
 * @throws ServingError unimplemented for a type that cannot leave the engine, resource-exhausted when there is no room.
 */
export function readTensor(library: TensorFlowLibrary, native: Pointer): Tensor {
  const { api } = library;
  const number = api.tensorType(native);
  const dtype = dtypeOfNumber(number);
  if (dtype === undefined) {
    throw new ServingError("unimplemented", `a tensor of TensorFlow's data type number ${number} cannot be answered`);
  }
  const shape: number[] = [];
  let count = 1;
  for (let i = 0, rank = api.numDims(native); i < rank; i++) {
    const size = Number(api.dim(native, i));
    shape.push(size);
    count *= size;
  }
  if (dtype === "string") return { dtype, shape, data: readStrings(library, native, count) };
  const data = outputArray(dtype, count);
  if (count > 0) library.copy(data, address(library, native), data.byteLength);
  return { dtype, shape, data };
}

/** Where one string's bytes are: in the tensor's own memory, or elsewhere. */
function readStrings(library: TensorFlowLibrary, native: Pointer, count: number): StringArray {
  const offsets = new Uint32Array(count + 1);
  if (count === 0) return { length: 0, offsets, bytes: new Uint8Array(0) };
  const base = address(library, native);
  const entries = new Uint8Array(new ArrayBuffer(count * STRING_BYTES));
  library.copy(entries, base, entries.length);
  const view = new DataView(entries.buffer);
  let total = 0;
  for (let i = 0; i < count; i++) {
    total += sizeAt(view, i * STRING_BYTES);
    if (total > MOST_STRING_BYTES) throw new ServingError("resource-exhausted", "an output holds more than 4 GiB of strings");
    offsets[i + 1] = total;
  }
  const bytes = new Uint8Array(new ArrayBuffer(total));
  for (let i = 0; i < count; i++) {
    const entry = i * STRING_BYTES;
    const start = offsets[i]!;
    const size = offsets[i + 1]! - start;
    if (size === 0) continue;
    if ((entries[entry]! & 3) === SMALL) for (let k = 0; k < size; k++) bytes[start + k] = entries[entry + 1 + k]!;
    else library.copy(bytes.subarray(start, start + size), sourceAt(view, entry, base), size);
  }
  return { length: count, offsets, bytes };
}

function sizeAt(view: DataView, entry: number): number {
  const first = view.getUint8(entry);
  const kind = first & 3;
  if (kind === SMALL) return first >> 2;
  return kind === OFFSET ? view.getUint32(entry, true) >>> 2 : Number(view.getBigUint64(entry, true) >> 2n);
}

function sourceAt(view: DataView, entry: number, base: Pointer): Pointer {
  const kind = view.getUint8(entry) & 3;
  if (kind === OFFSET) return base + BigInt(entry + view.getUint32(entry + 4, true));
  return view.getBigUint64(entry + (kind === VIEW ? 8 : 16), true);
}

function address({ api }: TensorFlowLibrary, native: Pointer): Pointer {
  const data = api.tensorData(native);
  if (data === null) throw new ServingError("internal", "TensorFlow gave a tensor without its elements");
  return data;
}
