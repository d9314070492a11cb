import koffi from "koffi";
import { ServingError } from "./serving-error.ts";

/**
 * koffi runs native code on memory of its own, not on the thread's stack; its default for asynchronous calls, 128 KiB,
 * is too little for building a session. Pages are only taken once they are touched.
 */
const STACK_BYTES = 8 * 1024 * 1024;

let prepared = false;

/**
 * Gives native code room to run in this thread. Whoever loads a library calls it first, since koffi's
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
