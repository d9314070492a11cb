import type { FileHandle } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { toFloat16Bits } from "../../codec/json/half.ts";
import { ARRAY_TYPES, type NumericArray } from "../../tensor/dtype.ts";
import { damaged, type StoredArray } from "./dictionary.ts";
import { formOf } from "./model-form.ts";
import { type Network, quoted, readNetwork, type Variable } from "./network.ts";
import { readDictionary } from "./read-dictionary.ts";

const CHUNK_BYTES = 4 << 20;
/** Messages of protobuf end there. */
const MOST_BYTES = 2 ** 31 - 1;
const LARGE_HEAD_BYTES = 8;

/** A network and the values of its parameters and constants, by uid, in CNTK's order of elements. */
export interface ReadModel {
  readonly network: Network;
  readonly values: ReadonlyMap<string, NumericArray>;
}

/**
 * Reads an open model file of any form.
 * @throws ServingError data-loss or invalid-argument for a damaged file, unimplemented for what CNTK 1 wrote, for a checkpoint and for
 * what is not known; the signal's reason once it aborts. None names the file.
 */
export async function readModel(handle: FileHandle, signal: AbortSignal): Promise<ReadModel> {
  const { size } = await handle.stat();
  const head = await readRange(handle, 0, Math.min(size, 64), signal);
  const form = formOf(head);
  if (form === "v1") {
    throw new ServingError(
      "unimplemented",
      'CNTK 1 (BrainScript) wrote it, and that form is not read: load it with CNTK 2.x, C.load_model("old.dnn"), and save it again, z.save("model.model")',
    );
  }
  const start = form === "large" ? LARGE_HEAD_BYTES : 0;
  const length = form === "large" && size >= start ? head.readUInt32LE(4) : size;
  if (length > size - start)
    throw damaged(`its message has ${length} bytes, of which only ${Math.max(0, size - start)} are there`);
  if (length > MOST_BYTES) throw damaged(`its message has ${length} bytes, more than 2 GiB`);
  const message = await readRange(handle, start, start + length, signal);
  await setImmediate();
  const network = readNetwork(readDictionary(message));
  const reader = new ArrayReader(handle, message, form === "large" ? { start: start + length, end: size } : undefined, signal);
  const values = new Map<string, NumericArray>();
  for (const variable of network.variables.values()) {
    if (variable.array !== undefined) values.set(variable.uid, await reader.read(variable, variable.array));
  }
  return { network, values };
}

class ArrayReader {
  readonly #handle: FileHandle;
  readonly #message: Buffer;
  /** Where the arrays lie that are not in the message, in the order of the variables; undefined where all are. */
  readonly #behind: { start: number; readonly end: number } | undefined;
  readonly #signal: AbortSignal;
  #copied = 0;

  constructor(
    handle: FileHandle,
    message: Buffer,
    behind: { readonly start: number; readonly end: number } | undefined,
    signal: AbortSignal,
  ) {
    this.#handle = handle;
    this.#message = message;
    this.#behind = behind && { ...behind };
    this.#signal = signal;
  }

  async read(variable: Variable, { dtype, sparse, sizes, ranges }: StoredArray): Promise<NumericArray> {
    const where = `${variable.kind} ${quoted(variable.name === "" ? variable.uid : variable.name)}`;
    if (dtype === undefined) throw new ServingError("unimplemented", `${where} has a data type that is not known`);
    if (sparse) throw new ServingError("unimplemented", `${where} is saved as a sparse array, which is not covered`);
    const count = sizes.reduce<number>((product, size) => product * (typeof size === "number" ? size : Number.NaN), 1);
    if (!Number.isSafeInteger(count)) throw damaged(`${where} has no fixed shape`);
    // Halves are saved as floats.
    const stored = dtype === "float64" ? "float64" : "float32";
    const length = count * ARRAY_TYPES[stored].bytes;
    const found = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    if (found === 0 && length > 0 && this.#behind !== undefined) {
      if (dtype === "float16") throw new ServingError("unimplemented", `${where} holds halves in a file of more than 2 GiB`);
      return arrayOf(stored, await this.#next(length, where), count);
    }
    if (found !== length) throw damaged(`${where} has ${found} bytes where its shape has ${length}`);
    const bytes = await this.#collected(ranges, length);
    const array = arrayOf(stored, bytes, count);
    return dtype === "float16" ? Uint16Array.from(array as Float32Array, toFloat16Bits) : array;
  }

  /** Bytes of the message in memory of their own, so that they are aligned. */
  async #collected(ranges: StoredArray["ranges"], length: number): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const { start, end } of ranges) {
      for (let from = start; from < end; from += CHUNK_BYTES) {
        const to = Math.min(from + CHUNK_BYTES, end);
        bytes.set(this.#message.subarray(from, to), at);
        at += to - from;
        this.#copied += to - from;
        if (this.#copied < CHUNK_BYTES) continue;
        this.#copied = 0;
        throwIfAborted(this.#signal);
        await setImmediate();
      }
    }
    return bytes.buffer;
  }

  async #next(length: number, where: string): Promise<ArrayBuffer> {
    const behind = this.#behind!;
    const left = behind.end - behind.start;
    if (length > left) throw damaged(`${where} has ${length} bytes, of which only ${left} are there`);
    const bytes = new Uint8Array(length);
    await fill(this.#handle, bytes, behind.start, this.#signal);
    behind.start += length;
    return bytes.buffer;
  }
}

function arrayOf(dtype: "float32" | "float64", buffer: ArrayBuffer, count: number): NumericArray {
  return new ARRAY_TYPES[dtype].array(buffer, 0, count);
}

async function readRange(handle: FileHandle, start: number, end: number, signal: AbortSignal): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(end - start);
  await fill(handle, bytes, start, signal);
  return bytes;
}

/** Fills an array with bytes of a file. @throws ServingError data-loss when it ends before. */
async function fill(handle: FileHandle, bytes: Uint8Array, position: number, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    throwIfAborted(signal);
    const { bytesRead } = await handle.read(bytes, at, Math.min(CHUNK_BYTES, bytes.length - at), position + at);
    if (bytesRead === 0) throw damaged("it has become shorter while it was read");
    at += bytesRead;
  }
}
