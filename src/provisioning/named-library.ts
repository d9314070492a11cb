import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { libraryName } from "./archive-layout.ts";
import type { FoundLibrary } from "./found-library.ts";
import type { Machine } from "./machine.ts";
import { isUsableVersion } from "./tensorflow-packages.ts";

/**
 * The library that `--tensorflow_library` names: the file, or a folder that has it, such as a runtime's or `tensorflow` of Python's
 * site-packages. It is loaded on trial. Rejects with a ServingError: not-found when there is none, failed-precondition when it cannot be used.
 */
export async function namedLibrary(named: string, machine: Machine, signal: AbortSignal): Promise<FoundLibrary> {
  const path = resolve(named);
  const name = libraryName(machine);
  for (const candidate of [path, join(path, name), join(path, "tensorflow", name), join(path, "lib", name)]) {
    const found = await stat(candidate).catch(() => undefined);
    if (!found?.isFile()) continue;
    const version = await machine.libraryVersion(candidate, machine.env, signal);
    if (isUsableVersion(version)) return { path: candidate, version, origin: "flag", bytes: found.size };
    throw new ServingError("failed-precondition", `--tensorflow_library names TensorFlow ${version}; 2.12 or later is needed`);
  }
  throw new ServingError(
    "not-found",
    `--tensorflow_library names "${basename(path)}", which is no file and has no ${name} in it`,
  );
}
