import { readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { folderBytes } from "./folder-bytes.ts";
import { deleteRuntime, installedRuntimes, isThere, type RuntimeInCache, stagingFolder } from "./installed-runtimes.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { findPythonTensorFlow } from "./python-tensorflow.ts";

/** A native library that models are run with. */
export interface RuntimeSummary {
  readonly name: "onnxruntime" | "tensorflow";
  readonly version: string;
  /** Where it comes from: `npm onnxruntime-node`, `pip tensorflow-cpu==2.18.1`, `installed in Python`. */
  readonly source: string;
  readonly gpu: boolean;
  readonly bytes: number;
  /** Whether models are run with it when no flag says otherwise. */
  readonly used: boolean;
}

/** The runtimes that there are: the one that comes with modelport, those in the cache, and a TensorFlow of a Python's. */
export async function listRuntimes(signal: AbortSignal, machine: Machine = thisMachine()): Promise<RuntimeSummary[]> {
  const installed = await installedRuntimes(machine);
  const ofPython = await findPythonTensorFlow(machine, signal);
  const list: RuntimeSummary[] = [...(await packagedOnnxRuntime(machine))];
  for (const [index, { version, source, gpu, bytes }] of installed.entries()) {
    list.push({ name: "tensorflow", version, source, gpu, bytes, used: index === 0 });
  }
  if (ofPython !== undefined) {
    const { version, bytes = 0 } = ofPython;
    list.push({ name: "tensorflow", version, source: "installed in Python", gpu: false, bytes, used: installed.length === 0 });
  }
  return list;
}

async function packagedOnnxRuntime({ platform, arch }: Machine): Promise<RuntimeSummary[]> {
  let manifest: string;
  try {
    manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  } catch {
    return [];
  }
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { readonly version: string };
  const bytes = await folderBytes(join(dirname(manifest), "bin/napi-v6", platform, arch));
  return bytes === 0 ? [] : [{ name: "onnxruntime", version, source: "npm onnxruntime-node", gpu: false, bytes, used: true }];
}

/**
 * Deletes the TensorFlow of that version, or all, from the cache, and with all what failed installs have left. Resolves with what was deleted;
 * rejects with a ServingError not-found that says what there is when nothing was.
 */
export async function removeTensorFlow(version: string | undefined, machine: Machine = thisMachine()): Promise<RuntimeInCache[]> {
  const installed = await installedRuntimes(machine);
  const removed = installed.filter((runtime) => version === undefined || runtime.version === version);
  if (version === undefined) await removeLeftovers(stagingFolder(machine));
  if (removed.length === 0) {
    const there = installed.map((runtime) => runtime.version).join(", ") || "none";
    throw new ServingError(
      "not-found",
      `no TensorFlow${version === undefined ? "" : ` ${version}`} is installed in the cache (installed: ${there})`,
    );
  }
  for (const runtime of removed) await deleteRuntime(machine, runtime);
  return removed;
}

/** Leaves alone what an install is working on. */
async function removeLeftovers(staging: string): Promise<void> {
  for (const name of await readdir(staging).catch(() => [])) {
    const folder = join(staging, name);
    if (!name.endsWith(".lock") && !(await isThere(`${folder}.lock`))) await rm(folder, { recursive: true, force: true });
  }
}
