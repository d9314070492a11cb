import koffi from "koffi";
import { prepareNativeCalls } from "../base/native-calls.ts";
import { callElsewhere, type NativeFunction } from "./native-calls.ts";

/** Undefined until it was looked for, null where there is none: other systems, and C libraries other than GNU's. */
let trim: NativeFunction<number> | null | undefined;

/**
 * Returns to the system what native code has freed and the C library keeps for later, which after an unloaded model is tens of
 * megabytes (after 400 models of 8 MB, one after the other: 315 MB resident without this, 234 to 248 with it). Does nothing where the C
 * library has no `malloc_trim`. Runs on another thread; never rejects.
 */
export async function returnFreeMemory(): Promise<void> {
  trim ??= findTrim();
  if (trim === null) return;
  // Whatever keeps it from being run is no fault of the caller's: the memory stays where it is and is used again.
  await callElsewhere(trim, 0).catch(() => undefined);
}

function findTrim(): NativeFunction<number> | null {
  if (process.platform !== "linux") return null;
  prepareNativeCalls();
  try {
    return koffi.load("libc.so.6").func("int malloc_trim(size_t pad)") as unknown as NativeFunction<number>;
  } catch {
    return null;
  }
}
