import koffi from "koffi";
import { callElsewhere, type NativeFunction, type Pointer } from "./native-calls.ts";

/** Flags of `dlopen` by system; NODELETE keeps a library after the last one who opened it has let go. */
const NOW = 0x2;
const GLOBAL = process.platform === "darwin" ? 0x8 : 0x100;
const NO_DELETE = process.platform === "darwin" ? 0x80 : 0x1000;

/**
 * Keeps the library at `path` loaded when the thread that opened it ends (koffi closes it then): what it made outlives the thread.
 * `global` lets libraries that are opened later use its symbols. Does nothing more for a library that cannot be opened.
 */
export function pinLibrary(path: string, global = false): void {
  if (process.platform === "win32") {
    const byPath = 0x1;
    const getModule = koffi.load("kernel32.dll").func("GetModuleHandleExW", "bool", ["uint32_t", "str16", "void *"]);
    getModule(byPath, path, new BigUint64Array(new ArrayBuffer(8)));
  } else opener()(path, flags(global));
}

/** As {@link pinLibrary}, on another thread: a big library takes hundreds of milliseconds. Never rejects. */
export async function pinLibraryElsewhere(path: string, global = false): Promise<void> {
  if (process.platform === "win32") return;
  await callElsewhere(opener(), path, flags(global)).catch(() => undefined);
}

function opener(): NativeFunction<Pointer | null> {
  return koffi.load(null).func("dlopen", "void *", ["str", "int"]) as unknown as NativeFunction<Pointer | null>;
}

function flags(global: boolean): number {
  return NOW | NO_DELETE | (global ? GLOBAL : 0);
}
