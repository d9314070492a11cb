import type { Pointer } from "../native-calls.ts";
import type { TensorFlowLibrary } from "./library.ts";

// Tags of tensorflow.RunOptions.
const TIMEOUT_MS = 0x10;
const INTER_OP_THREAD_POOL = 0x18;

/** -1 as protobuf writes an int32. */
const MINUS_ONE = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];

const INLINE = Uint8Array.from([INTER_OP_THREAD_POOL, ...MINUS_ONE]);

/** Longest time limit that is handed on, in milliseconds; TensorFlow waits in microseconds. */
const LONGEST_MS = 2 ** 40;

/** A `TF_Buffer *` of RunOptions that do the whole run on the thread that calls; the caller's to delete. */
export function inlineRunOptions({ api }: TensorFlowLibrary): Pointer {
  return api.newBufferFromString(INLINE, INLINE.length);
}

/** A `TF_Buffer *` of RunOptions with a time limit, the caller's to delete; null for none. */
export function timedRunOptions({ api }: TensorFlowLibrary, remainingMs: number | undefined): Pointer | null {
  if (remainingMs === undefined || !(remainingMs < LONGEST_MS)) return null;
  const bytes: number[] = [TIMEOUT_MS];
  let left = Math.max(1, Math.ceil(remainingMs));
  for (; left > 0x7f; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
  return api.newBufferFromString(Uint8Array.from(bytes), bytes.length);
}
