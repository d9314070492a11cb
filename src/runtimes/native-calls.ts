import { ServingError } from "../base/serving-error.ts";

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
