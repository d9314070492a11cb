import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { callElsewhere } from "../native-calls.ts";
import { versionsOfSymbol } from "./abseil-releases.ts";
import type { TensorFlowLibrary } from "./library.ts";
import { cleanMessage, failureOf } from "./status.ts";

/** What a library of this system is called. */
const LIBRARY = process.platform === "darwin" ? /\.(?:so|dylib)$/ : process.platform === "win32" ? /\.dll$/ : /\.so(?:\.\d+)*$/;

/** Libraries that are in this process already; what they registered stays for good. */
const loaded = new Set<string>();

/**
 * Loads libraries of custom ops, or all that a folder has, each once; their ops are there for every model from then on.
 * Their code is run.
 * @throws ServingError not-found for a path with nothing to load; failed-precondition, naming the library, for one that TensorFlow refuses.
 */
export async function loadCustomOps(library: TensorFlowLibrary, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    for (const file of await librariesAt(path)) {
      if (loaded.has(file)) continue;
      await loadOne(library, file);
      loaded.add(file);
    }
  }
}

async function librariesAt(path: string): Promise<readonly string[]> {
  const name = basename(path);
  const entry = await stat(path).catch((cause: unknown) => {
    throw new ServingError("not-found", `there is no library of custom ops "${name}" (--custom_op_paths)`, { cause });
  });
  if (!entry.isDirectory()) return [path];
  const files = (await readdir(path)).filter((file) => LIBRARY.test(file)).sort();
  if (files.length === 0) throw new ServingError("not-found", `the folder of custom ops "${name}" has no library`);
  return files.map((file) => join(path, file));
}

async function loadOne(library: TensorFlowLibrary, file: string): Promise<void> {
  const { api, version } = library;
  const status = api.newStatus();
  try {
    await callElsewhere(api.loadLibrary, file, status);
    const failure = failureOf(api, status);
    if (failure === undefined) return;
    throw refusal(file, version, failure.message);
  } finally {
    api.deleteStatus(status);
  }
}

/** Whoever compiled against other headers asks for symbols that are not there; their names tell for which version they were. */
function refusal(file: string, version: string, message: string): ServingError {
  const name = basename(file);
  const cause = new Error(message);
  const symbol = /undefined symbol: (\S+)|Symbol not found: (\S+)/.exec(message)?.slice(1).find(Boolean);
  if (symbol === undefined) {
    return new ServingError(
      "failed-precondition",
      `the library of custom ops "${name}" cannot be loaded: ${cleanMessage(message)}`,
      { cause },
    );
  }
  const built = versionsOfSymbol(symbol);
  const other = built === undefined ? "another version of TensorFlow" : `TensorFlow ${built}`;
  return new ServingError(
    "failed-precondition",
    `the library of custom ops "${name}" was built for ${other}, and this is TensorFlow ${version}; build it against that version's headers`,
    { cause },
  );
}
