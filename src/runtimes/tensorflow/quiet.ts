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
 * A function that keeps TensorFlow from writing to standard error, past the log: errors are told by the status of the call too. To be
 * called before and after the library at `path` is opened, for its first lines come while it is. Does nothing when whoever started the
 * process has set TF_CPP_MIN_LOG_LEVEL.
 */
export function quietener(path: string): () => void {
  if (process.platform === "win32") return () => undefined;
  const libc = koffi.load(null);
  const getenv = libc.func("const char *getenv(const char *name)") as unknown as NativeFunction<string | null>;
  chosen ??= getenv(VARIABLE) !== null;
  if (chosen) return () => undefined;
  // By the C library: a worker thread's `process.env` is a copy.
  const setenv = libc.func("int setenv(const char *name, const char *value, int overwrite)") as unknown as NativeFunction<number>;
  return () => {
    setenv(VARIABLE, String(FATAL), 1);
    setAbseilLevel(path);
  };
}

/** Abseil lies in a library of its own, which the other one opens too. */
function setAbseilLevel(path: string): void {
  const folder = dirname(path);
  const name =
    existsSync(folder) && readdirSync(folder).find((file) => /^libtensorflow_framework\.(?:so\.2|2\.dylib)$/.test(file));
  if (!name) return;
  const file = join(folder, name);
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
