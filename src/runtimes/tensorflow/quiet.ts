import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import koffi from "koffi";
import type { NativeFunction } from "../native-calls.ts";
import { pinLibrary } from "../pin-library.ts";
import { ABSEIL_RELEASES } from "./abseil-releases.ts";

/** The level that lets only what ends the process through: of TensorFlow's variable, and of Abseil's `LogSeverityAtLeast`. */
const FATAL = 3;

const VARIABLE = "TF_CPP_MIN_LOG_LEVEL";

/** What this process decided at the first library; whoever started it may have chosen a level. */
let chosen: boolean | undefined;

/**
 * Keeps TensorFlow from writing to standard error, past the log: errors are told by the status of the call too. The function it gives is
 * to be called before and after the library at `path` is opened, for its first lines come while it is. Does nothing when whoever started
 * the process has set TF_CPP_MIN_LOG_LEVEL.
 */
export function quietener(path: string): () => void {
  if (process.platform === "win32") return () => undefined;
  const libc = koffi.load(null);
  const getenv = libc.func("const char *getenv(const char *name)") as unknown as NativeFunction<string | null>;
  chosen ??= getenv(VARIABLE) !== null;
  if (chosen) return () => undefined;
  // By the C library: a worker thread's `process.env` is a copy.
  const setenv = libc.func("int setenv(const char *name, const char *value, int overwrite)") as unknown as NativeFunction<number>;
  setenv(VARIABLE, String(FATAL), 1);
  return () => setAbseilLevel(path);
}

/** The library beside the one at `path` that it opens too, and that has Abseil in it; undefined where there is none. */
export function frameworkOf(path: string): string | undefined {
  const folder = dirname(path);
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find((file) => /^libtensorflow_framework\.(?:so\.2|2\.dylib)$/.test(file));
  return name === undefined ? undefined : join(folder, name);
}

function setAbseilLevel(path: string): void {
  const file = frameworkOf(path);
  if (file === undefined) return;
  pinLibrary(file, true);
  const framework = koffi.load(file);
  for (const release of ABSEIL_RELEASES.keys()) {
    const space = `lts_${release}`;
    try {
      const setLevel = framework.func(`_ZN4absl${space.length}${space}14SetMinLogLevelENS0_18LogSeverityAtLeastE`, "void", [
        "int",
      ]);
      setLevel(FATAL);
      return;
    } catch {
      // Another release: the name has its date in it.
    }
  }
}
