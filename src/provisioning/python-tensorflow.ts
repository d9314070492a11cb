import { stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { libraryName } from "./archive-layout.ts";
import type { FoundLibrary } from "./found-library.ts";
import type { Machine } from "./machine.ts";
import { runCommand } from "./run-command.ts";
import { isUsableVersion } from "./tensorflow-packages.ts";

const PYTHONS = ["python3", "python"] as const;

/** How long a Python may take to answer before it counts as none. */
const PATIENCE_MS = 20_000;

/** Finds the package without running a line of it, and its version in what pip wrote beside it. */
const QUESTION = `
import importlib.util
from importlib import metadata
spec = importlib.util.find_spec("tensorflow")
for folder in (spec.submodule_search_locations or []) if spec else []:
    for name in ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tensorflow-rocm", "tensorflow-cpu-aws", "tf-nightly"):
        try:
            print(metadata.version(name) + " " + folder)
            break
        except metadata.PackageNotFoundError:
            pass
    break
`;

/** The library of a TensorFlow, 2.12 or later, that a Python on the `PATH` has installed; undefined when there is none. */
export async function findPythonTensorFlow(machine: Machine, signal: AbortSignal): Promise<FoundLibrary | undefined> {
  for (const python of PYTHONS) {
    const answer = await ask(python, machine, signal);
    const [, version, folder] = /^(\S+) (.+)$/m.exec(answer) ?? [];
    if (version === undefined || folder === undefined || !isAbsolute(folder) || !isUsableVersion(version)) continue;
    const path = join(folder, libraryName(machine));
    const bytes = await stat(path).then(
      (file) => (file.isFile() ? file.size : undefined),
      () => undefined,
    );
    if (bytes !== undefined) return { path, version, origin: "python", bytes };
  }
  return undefined;
}

async function ask(python: string, { env, clock }: Machine, signal: AbortSignal): Promise<string> {
  const patience = new AbortController();
  const timer = clock.after(PATIENCE_MS, () => patience.abort());
  try {
    return (await runCommand([python, "-c", QUESTION], { env, signal: AbortSignal.any([signal, patience.signal]) })).stdout;
  } catch (reason) {
    if (signal.aborted) throw reason;
    return "";
  } finally {
    timer.cancel();
  }
}
