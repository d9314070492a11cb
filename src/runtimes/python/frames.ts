import type { DType } from "../../tensor/dtype.ts";

/** Kinds of frames between a serving thread and a worker. */
export const PREDICT = 1;
export const ANSWER = 2;
export const FAULT = 3;
/** A file of shared memory to open; the body is its path. */
export const BUFFER = 4;
export const CANCEL = 6;
/** A file of shared memory was opened, when its flag is 1. */
export const READY = 7;

/** Bytes of a frame's header; what follows is its body. All numbers are little-endian. */
export const HEADER_BYTES = 32;
/** Bytes of what a table says of each tensor, dimensions and name aside. */
export const ENTRY_BYTES = 24;
/** Tensors begin at multiples of this in a body or a file of shared memory. */
export const ALIGNMENT = 64;
/** The number of a payload that lies in the frame itself. */
export const INLINE = 0;

/** Element types by their numbers in a table. */
export const DTYPES: readonly DType[] = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
  "string",
  "complex64",
  "complex128",
];

/** What a frame begins with. */
export interface FrameHeader {
  readonly bodyBytes: number;
  /** Of the request that it is about; of a file of shared memory for frames about one. */
  readonly number: number;
  readonly kind: number;
  readonly flag: number;
  readonly tensors: number;
  /** Of a request: the place of its signature. */
  readonly signature: number;
  /** Where the payload lies: in the body, or in the file of this number. */
  readonly buffer: number;
  /** Of a request: the file that the answer's payload may be put into. */
  readonly reply: number;
  /** Bytes of the table of tensors at the beginning of the body. */
  readonly tableBytes: number;
  /** Of a request: how many outputs are wanted. */
  readonly wanted: number;
}

/** Writes a header at `at`. */
export function writeHeader(bytes: Buffer, at: number, header: FrameHeader): void {
  bytes.writeUInt32LE(header.bodyBytes, at);
  bytes.writeUInt32LE(header.number, at + 4);
  bytes[at + 8] = header.kind;
  bytes[at + 9] = header.flag;
  bytes.writeUInt16LE(header.tensors, at + 10);
  bytes.writeUInt32LE(header.signature, at + 12);
  bytes.writeUInt32LE(header.buffer, at + 16);
  bytes.writeUInt32LE(header.reply, at + 20);
  bytes.writeUInt32LE(header.tableBytes, at + 24);
  bytes.writeUInt32LE(header.wanted, at + 28);
}

/** Reads the header at `at`, of which all bytes are there. */
export function readHeader(bytes: Buffer, at: number): FrameHeader {
  return {
    bodyBytes: bytes.readUInt32LE(at),
    number: bytes.readUInt32LE(at + 4),
    kind: bytes[at + 8]!,
    flag: bytes[at + 9]!,
    tensors: bytes.readUInt16LE(at + 10),
    signature: bytes.readUInt32LE(at + 12),
    buffer: bytes.readUInt32LE(at + 16),
    reply: bytes.readUInt32LE(at + 20),
    tableBytes: bytes.readUInt32LE(at + 24),
    wanted: bytes.readUInt32LE(at + 28),
  };
}

/** A frame about one request or file that has no tensors. */
export function plainFrame(kind: number, number: number, body: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, {
    bodyBytes: body.length,
    number,
    kind,
    flag: 0,
    tensors: 0,
    signature: 0,
    buffer: INLINE,
    reply: INLINE,
    tableBytes: 0,
    wanted: 0,
  });
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** The next multiple of `to`, a power of 2, from `size` on. */
export function aligned(size: number, to: number = ALIGNMENT): number {
  return Math.ceil(size / to) * to;
}
