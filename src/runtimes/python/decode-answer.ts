import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { aligned, DTYPES, ENTRY_BYTES } from "./frames.ts";

/**
 * The tensors of an answer, views of `payload`, whose memory begins at a multiple of 8 bytes.
 * @param table begins with the table of tensors
 * @throws ServingError internal for an answer that is not what its table says
 */
export function decodeAnswer(table: Buffer, tensors: number, tableBytes: number, payload: Uint8Array): NamedTensors {
  if (tableBytes > table.length) throw malformed();
  const outputs = new Map<string, Tensor>();
  let at = 0;
  for (let index = 0; index < tensors; index++) {
    if (at + ENTRY_BYTES > tableBytes) throw malformed();
    const nameBytes = table.readUInt16LE(at);
    const dtype = DTYPES[table[at + 2]!];
    const rank = table[at + 3]!;
    const offset = readWide(table, at + 8);
    const size = readWide(table, at + 16);
    const nameAt = at + ENTRY_BYTES + 8 * rank;
    if (dtype === undefined || nameAt + nameBytes > tableBytes || offset + size > payload.length) throw malformed();
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis++) shape.push(readWide(table, at + ENTRY_BYTES + 8 * axis));
    const alias = table.toString("utf8", nameAt, nameAt + nameBytes);
    outputs.set(alias, tensorOf(dtype, shape, payload, offset, size));
    at = aligned(nameAt + nameBytes, 8);
  }
  return outputs;
}

/** Bytes of the payload that a table tells of. @throws ServingError internal for a table that is cut off */
export function payloadBytes(table: Buffer, tensors: number, tableBytes: number): number {
  if (tableBytes > table.length) throw malformed();
  let end = 0;
  let at = 0;
  for (let index = 0; index < tensors; index++) {
    if (at + ENTRY_BYTES > tableBytes) throw malformed();
    end = Math.max(end, readWide(table, at + 8) + readWide(table, at + 16));
    at = aligned(at + ENTRY_BYTES + 8 * table[at + 3]! + table.readUInt16LE(at), 8);
  }
  return end;
}

function tensorOf(dtype: Tensor["dtype"], shape: readonly number[], payload: Uint8Array, offset: number, size: number): Tensor {
  const count = elementCount(shape);
  const start = payload.byteOffset + offset;
  if (dtype !== "string") {
    const { array, bytes, width } = ARRAY_TYPES[dtype];
    if (count * bytes !== size || offset % 8 !== 0) throw malformed();
    return { dtype, shape, data: new array(payload.buffer, start, count * width) };
  }
  const head = 4 * (count + 1);
  if (head > size || offset % 8 !== 0) throw malformed();
  const offsets = new Uint32Array(payload.buffer, start, count + 1);
  const bytes = new Uint8Array(payload.buffer, start + head, size - head);
  for (let i = 0; i < count; i++) if (offsets[i]! > offsets[i + 1]!) throw malformed();
  if (offsets[0] !== 0 || offsets[count]! > bytes.length) throw malformed();
  return { dtype, shape, data: { length: count, offsets, bytes } };
}

function readWide(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + 2 ** 32 * bytes.readUInt32LE(at + 4);
}

function malformed(): ServingError {
  return new ServingError("internal", "the Python worker's answer is malformed");
}
