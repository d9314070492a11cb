import { ServingError } from "../../base/serving-error.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import type { Pointer } from "../native-calls.ts";
import { NativeMemory, pieceSize } from "../native-memory.ts";
import type { OnnxLibrary } from "./library.ts";
import { expectSuccess } from "./status.ts";

/**
 * Writes strings into a string tensor of as many elements.
 * @throws ServingError invalid-argument when the offsets do not describe the bytes.
 */
export function writeStrings(library: OnnxLibrary, value: Pointer, strings: StringArray): void {
  const { length, offsets, bytes } = strings;
  if (length === 0) return;
  checkOffsets(strings);
  const { api } = library;
  const used = offsets[length] - offsets[0];
  const memory = new NativeMemory(pieceSize(length * 8) + pieceSize(used + length));
  const { words, address } = memory.takeWords(length);
  const text = memory.take(used + length);
  const target = new Uint8Array(memory.buffer, text.offset, used + length);
  for (let i = 0, next = 0; i < length; i++) {
    target.set(bytes.subarray(offsets[i], offsets[i + 1]), next);
    words[i] = text.address + BigInt(next);
    next += offsets[i + 1] - offsets[i] + 1;
  }
  expectSuccess(api, api.fillStringTensor(value, address, length));
  // The call above takes C strings, which end at the first zero byte.
  if (bytes.subarray(offsets[0], offsets[length]).includes(0)) {
    for (let i = 0, next = 0; i < length; i++) {
      const size = offsets[i + 1] - offsets[i];
      if (target.subarray(next, next + size).includes(0)) rewrite(library, value, i, words[i], size);
      next += size + 1;
    }
  }
}

function rewrite(library: OnnxLibrary, value: Pointer, index: number, source: Pointer, size: number): void {
  const { api, result } = library;
  expectSuccess(api, api.getResizedStringTensorElementBuffer(value, index, size, result));
  library.copyTo(result[0], source, size);
}

function checkOffsets({ length, offsets, bytes }: StringArray): void {
  let sound = offsets.length > length && offsets[length] <= bytes.length;
  for (let i = 0; sound && i < length; i++) sound = offsets[i] <= offsets[i + 1];
  if (!sound) throw new ServingError("invalid-argument", "the offsets of a string tensor do not fit its bytes");
}

/** Reads the strings of a string tensor of `count` elements. */
export function readStrings(library: OnnxLibrary, value: Pointer, count: number): StringArray {
  if (count === 0) return { length: 0, offsets: new Uint32Array(1), bytes: new Uint8Array(0) };
  const { api, result } = library;
  expectSuccess(api, api.getStringTensorDataLength(value, result));
  const total = Number(result[0]);
  if (total > 0xffff_ffff) throw new ServingError("resource-exhausted", `an output holds ${total} bytes of strings`);
  const bytes = new Uint8Array(new ArrayBuffer(total));
  const starts = new BigUint64Array(new ArrayBuffer(count * 8));
  expectSuccess(api, api.getStringTensorContent(value, bytes, total, starts, count));
  const offsets = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) offsets[i] = Number(starts[i]);
  offsets[count] = total;
  return { length: count, offsets, bytes };
}
