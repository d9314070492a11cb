import { access, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { libraryName } from "./archive-layout.ts";
import { cacheFolder, type Machine, platformName } from "./machine.ts";

/** A TensorFlow in the cache, as its `runtime.json` says. */
export interface InstalledRuntime {
  readonly version: string;
  /** Whether it is the build that uses CUDA. */
  readonly gpu: boolean;
  /** The client and the package it came from: `pip tensorflow-cpu==2.18.1`. */
  readonly source: string;
  readonly bytes: number;
  /** `/`-separated, below its folder. */
  readonly files: readonly string[];
  /** When it was installed, or last asked for by name: ISO 8601. */
  readonly chosen: string;
}

/** An {@link InstalledRuntime} with where it is. */
export interface RuntimeInCache extends InstalledRuntime {
  /** Absolute. */
  readonly folder: string;
  /** Absolute path of `libtensorflow_cc`. */
  readonly library: string;
}

const MANIFEST = "runtime.json";

/** The folder of all runtimes. */
export function runtimesFolder(machine: Machine): string {
  return join(cacheFolder(machine), "runtimes");
}

/** Where installs are prepared and what they leave when they fail; on the same file system as the runtimes. */
export function stagingFolder(machine: Machine): string {
  return join(runtimesFolder(machine), ".staging");
}

/** `tensorflow-2.18.1-linux-x64` or `...-gpu`: the name of a runtime's folder. */
export function runtimeName(machine: Machine, version: string, gpu: boolean): string {
  return `tensorflow-${version}-${platformName(machine)}${gpu ? "-gpu" : ""}`;
}

/** The runtimes for this machine, the one chosen last first: that one is used. What is incomplete counts as not there. */
export async function installedRuntimes(machine: Machine): Promise<RuntimeInCache[]> {
  const root = runtimesFolder(machine);
  const names = await readdir(root).catch(() => []);
  const found: RuntimeInCache[] = [];
  for (const name of names) {
    const folder = join(root, name);
    const runtime = await readManifest(folder);
    if (runtime === undefined || name !== runtimeName(machine, runtime.version, runtime.gpu)) continue;
    const library = join(folder, "tensorflow", libraryName(machine));
    if (await isThere(library)) found.push({ ...runtime, folder, library });
  }
  return found.sort((a, b) => (a.chosen < b.chosen ? 1 : a.chosen > b.chosen ? -1 : 0));
}

/** Writes a runtime's `runtime.json`, as a whole or not at all. */
export async function writeManifest(folder: string, runtime: InstalledRuntime): Promise<void> {
  const { version, gpu, source, bytes, files, chosen } = runtime;
  const path = join(folder, MANIFEST);
  await writeFile(
    `${path}.new`,
    `${JSON.stringify({ name: "tensorflow", version, gpu, source, bytes, files, chosen }, undefined, 2)}\n`,
  );
  await rename(`${path}.new`, path);
}

/** Deletes a runtime; it is gone at once for whoever looks, and stays whole for processes that have it loaded. */
export async function deleteRuntime(machine: Machine, { folder, version, gpu }: RuntimeInCache): Promise<void> {
  const trash = join(stagingFolder(machine), `${runtimeName(machine, version, gpu)}.removed`);
  await rm(trash, { recursive: true, force: true });
  await rename(folder, trash).catch(() => undefined);
  await Promise.all([folder, trash].map((each) => rm(each, { recursive: true, force: true })));
}

async function readManifest(folder: string): Promise<InstalledRuntime | undefined> {
  try {
    const { name, version, gpu, source, bytes, files, chosen } = JSON.parse(await readFile(join(folder, MANIFEST), "utf8"));
    if (name !== "tensorflow" || typeof version !== "string" || typeof gpu !== "boolean" || typeof bytes !== "number")
      return undefined;
    return {
      version,
      gpu,
      source: String(source),
      bytes,
      files: Array.isArray(files) ? files.map(String) : [],
      chosen: String(chosen),
    };
  } catch {
    return undefined;
  }
}

/** Whether there is such a file or folder that can be seen. */
export async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
