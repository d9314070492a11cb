import koffi from "koffi";
import { ServingError } from "../base/serving-error.ts";
import type { NativeFunction, Pointer } from "./native-calls.ts";

/** Copies between native memory and arrays, without a view of the memory: koffi's live until the event loop turns. */
export interface MemoryCopy {
  /** Copies `bytes` bytes at `source` to the start of `target`, which has room for them. */
  copy(target: ArrayBufferView, source: Pointer, bytes: number): void;
  /** Copies `bytes` bytes to an address; both places must be good for that many. */
  copyTo(target: Pointer, source: Pointer | ArrayBufferView, bytes: number): void;
}

/** Finds the C library's `memcpy` for this thread. */
export function bindMemoryCopy(): MemoryCopy {
  const c = koffi.load(process.platform === "win32" ? "msvcrt.dll" : null);
  const memcpy = c.func("memcpy", "void", ["void *", "void *", "size_t"]) as unknown as NativeFunction<void>;
  return {
    copy(target, source, bytes) {
      if (bytes > target.byteLength) throw new ServingError("internal", `${bytes} bytes do not fit in ${target.byteLength}`);
      if (bytes > 0) memcpy(target, source, bytes);
    },
    copyTo(target, source, bytes) {
      if (bytes > 0) memcpy(target, source, bytes);
    },
  };
}
