import koffi from "koffi";
import { ServingError } from "../base/serving-error.ts";

/**
 * koffi runs native code on memory of its own, not on the thread's stack; its default for asynchronous calls, 128 KiB,
 * is too little for building a session. Pages are only taken once they are touched.
 */
const STACK_BYTES = 8 * 1024 * 1024;

let prepared = false;

/**
 * Gives native code room to run in this thread. Every runtime calls it before it loads its first library, since koffi's
 * settings are fixed from then on.
 *
 * @throws ServingError internal when a library was loaded in this thread before and the stack is too small.
 */
export function prepareNativeCalls(): void {
  if (prepared) return;
  if ((koffi.config().async_stack_size ?? 0) < STACK_BYTES) {
    try {
      koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
    } catch (cause) {
      throw new ServingError("internal", "native calls were set up before the runtime's own settings", { cause });
    }
  }
  prepared = true;
}

/** A pointer as koffi gives it; NULL is `null`. */
export type Pointer = bigint;

/** What a native function may be given. Buffers are passed by address. */
export type NativeArgument = bigint | number | string | boolean | null | ArrayBuffer | ArrayBufferView;

/** A native function and its form that runs on another thread. */
export interface NativeFunction<Result> {
  (...args: NativeArgument[]): Result;
  async(...args: [...NativeArgument[], (error: Error | null, result: Result) => void]): void;
}

/**
 * Runs a native function on one of libuv's threads. The caller keeps alive every buffer whose address it passes.
 * @throws ServingError resource-exhausted when too many calls wait already.
 */
export function callElsewhere<Result>(fn: NativeFunction<Result>, ...args: NativeArgument[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    try {
      fn.async(...args, (error, result) => {
        if (error) reject(new ServingError("internal", "a native call failed", { cause: error }));
        else resolve(result);
      });
    } catch (cause) {
      reject(new ServingError("resource-exhausted", "too many model runs are waiting", { cause }));
    }
  });
}
