import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { ALIGNMENT, aligned, DTYPES, ENTRY_BYTES, HEADER_BYTES, INLINE, PREDICT, writeHeader } from "./frames.ts";

const NUMBERS: ReadonlyMap<string, number> = new Map(DTYPES.map((dtype, number) => [dtype, number]));

/** A tensor's bytes and where they go. */
interface Part {
  readonly offset: number;
  /** In one or two pieces: of strings, the offsets and the bytes. */
  readonly pieces: readonly Uint8Array[];
}

/** A request as it is sent, but for where its payload goes. */
export interface EncodedRequest {
  readonly tensors: number;
  /** Table of the tensors, and which outputs are wanted. */
  readonly table: Buffer;
  readonly tableBytes: number;
  readonly wanted: number;
  /** Bytes of the payload: of all tensors, each at a multiple of 64. */
  readonly payloadBytes: number;
  readonly parts: readonly Part[];
}

/** What a frame says besides its tensors. */
export interface RequestAddress {
  readonly number: number;
  readonly signature: number;
  readonly buffer: number;
  readonly reply: number;
}

/** Lays out a request; tensors are not copied. `wanted`: places of outputs in the signature. */
export function encodeRequest(inputs: NamedTensors, wanted: readonly number[]): EncodedRequest {
  let tableBytes = 0;
  for (const [alias, { shape }] of inputs) {
    tableBytes += aligned(ENTRY_BYTES + 8 * shape.length + Buffer.byteLength(alias), 8);
  }
  const table = Buffer.alloc(aligned(tableBytes + 2 * wanted.length));
  const parts: Part[] = [];
  let at = 0;
  let offset = 0;
  for (const [alias, tensor] of inputs) {
    const pieces = piecesOf(tensor);
    let size = 0;
    for (const piece of pieces) size += piece.length;
    const nameAt = at + ENTRY_BYTES + 8 * tensor.shape.length;
    const nameBytes = table.write(alias, nameAt);
    table.writeUInt16LE(nameBytes, at);
    table[at + 2] = NUMBERS.get(tensor.dtype)!;
    table[at + 3] = tensor.shape.length;
    writeWide(table, at + 8, offset);
    writeWide(table, at + 16, size);
    for (let axis = 0; axis < tensor.shape.length; axis++) writeWide(table, at + ENTRY_BYTES + 8 * axis, tensor.shape[axis]!);
    at = aligned(nameAt + nameBytes, 8);
    parts.push({ offset, pieces });
    offset = aligned(offset + size);
  }
  for (const place of wanted) at = table.writeUInt16LE(place, at);
  return {
    tensors: inputs.size,
    table,
    tableBytes: tableBytes + 2 * wanted.length,
    wanted: wanted.length,
    payloadBytes: offset,
    parts,
  };
}

/** The frame in pieces; short ones in one. With a payload elsewhere the frame is without it. */
export function requestFrame(request: EncodedRequest, address: RequestAddress, joinedBytes: number): readonly Uint8Array[] {
  const { table, tensors, tableBytes, wanted, parts } = request;
  const payloadBytes = address.buffer === INLINE ? request.payloadBytes : 0;
  const bodyBytes = table.length + payloadBytes;
  const joined = HEADER_BYTES + bodyBytes <= joinedBytes;
  const head = Buffer.allocUnsafe(HEADER_BYTES + table.length + (joined ? payloadBytes : 0));
  writeHeader(head, 0, { ...address, bodyBytes, kind: PREDICT, flag: 0, tensors, tableBytes, wanted });
  head.set(table, HEADER_BYTES);
  if (payloadBytes === 0) return [head];
  if (joined) {
    const begin = HEADER_BYTES + table.length;
    head.fill(0, begin);
    copyParts(parts, (piece, offset) => head.set(piece, begin + offset));
    return [head];
  }
  const frame: Uint8Array[] = [head];
  let end = 0;
  copyParts(parts, (piece, offset) => {
    if (offset > end) frame.push(PADDING.subarray(0, offset - end));
    frame.push(piece);
    end = offset + piece.length;
  });
  if (payloadBytes > end) frame.push(PADDING.subarray(0, payloadBytes - end));
  return frame;
}

/** Calls `copy` with every piece of the payload and its place there, in order. */
export function copyParts(parts: EncodedRequest["parts"], copy: (piece: Uint8Array, offset: number) => void): void {
  for (const { offset, pieces } of parts) {
    let at = offset;
    for (const piece of pieces) {
      if (piece.length > 0) copy(piece, at);
      at += piece.length;
    }
  }
}

const PADDING = new Uint8Array(ALIGNMENT);

function piecesOf(tensor: Tensor): readonly Uint8Array[] {
  if (tensor.dtype !== "string") return [bytesOf(tensor.data)];
  const { length, offsets, bytes } = tensor.data;
  const own = offsets.length === length + 1 ? offsets : offsets.subarray(0, length + 1);
  const first = own[0] ?? 0;
  const last = own[length] ?? 0;
  return [bytesOf(first === 0 ? own : own.map((offset) => offset - first)), bytes.subarray(first, last)];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A whole number of at least 0 and below 2^53 in 64 bits. */
function writeWide(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
