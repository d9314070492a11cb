import { join } from "node:path";
import { throwIfAborted } from "../base/abort.ts";
import { ServingError } from "../base/serving-error.ts";
import { withInstallLock } from "./install-lock.ts";
import { installedRuntimes, type RuntimeInCache, runtimeName, stagingFolder, writeManifest } from "./installed-runtimes.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { findMaven } from "./maven.ts";
import type { PackageClient } from "./package-client.ts";
import { findPip } from "./pip.ts";
import type { ReportProgress } from "./progress.ts";
import { RuntimeInstall } from "./runtime-install.ts";
import { DEFAULT_VERSION, jarVersions, type PackageSource, packageSources } from "./tensorflow-packages.ts";

/** What to install, and who hears of it. */
export interface InstallOptions {
  /** Default: 2.18.1 through pip, 2.18.0 through Maven. */
  readonly version?: string;
  /** The build for NVIDIA's GPUs, with the libraries of CUDA that it needs. */
  readonly gpu?: boolean;
  readonly signal: AbortSignal;
  readonly progress?: ReportProgress;
}

/** What an install ended with. */
export interface InstallResult extends RuntimeInCache {
  /** Nothing had to be done. */
  readonly wasThere: boolean;
}

/** After which failures another source may do better: nothing came from this one, or something broken. */
const GO_ON: ReadonlySet<string> = new Set(["unavailable", "data-loss"]);

/**
 * Installs TensorFlow's shared libraries into the cache, through the user's pip or else Maven; what is there already is left, and becomes
 * the one that is used. A runtime appears as a whole, after it was loaded on trial in another process. A download that is complete is kept
 * when something after it fails. Several processes may try at once: one works, the others wait and find it done.
 *
 * Rejects with a ServingError: invalid-argument for a version that cannot be, failed-precondition without a package client or when the
 * library cannot be loaded here or the cache not be written, unavailable when no client could get it, resource-exhausted when the cache is full.
 */
export async function installTensorFlow(options: InstallOptions, machine: Machine = thisMachine()): Promise<InstallResult> {
  const { version, gpu = false, signal, progress = () => undefined } = options;
  const sources = packageSources(machine, version, gpu);
  const staging = join(stagingFolder(machine), runtimeName(machine, version ?? DEFAULT_VERSION, gpu));
  const find = async () => {
    const there = await installedRuntimes(machine);
    return there.find((runtime) => runtime.gpu === gpu && sources.some((source) => source.version === runtime.version));
  };
  try {
    const there = await find();
    if (there !== undefined) return { ...(await choose(there)), wasThere: true };
    return await withInstallLock(machine.clock, `${staging}.lock`, signal, async () => {
      const meanwhile = await find();
      if (meanwhile !== undefined) return { ...meanwhile, wasThere: true };
      const install = new RuntimeInstall(machine, staging, gpu, signal, progress);
      const what = `TensorFlow ${version ?? DEFAULT_VERSION}${gpu ? " for GPUs" : ""}`;
      return { ...(await installFrom(sources, install, what, machine, signal)), wasThere: false };
    });
  } catch (reason) {
    throw cacheFailure(reason);
  }
}

/** A cache that can only be read serves as well. */
async function choose(runtime: RuntimeInCache): Promise<RuntimeInCache> {
  const chosen = { ...runtime, chosen: new Date().toISOString() };
  await writeManifest(runtime.folder, chosen).catch(() => undefined);
  return chosen;
}

/** Tries each source whose client is there. */
async function installFrom(
  sources: readonly PackageSource[],
  install: RuntimeInstall,
  what: string,
  machine: Machine,
  signal: AbortSignal,
): Promise<RuntimeInCache> {
  const failures: ServingError[] = [];
  for (const source of sources) {
    const client = await findClient(source, machine, signal);
    if (client === undefined) continue;
    try {
      return await install.from(client, source);
    } catch (reason) {
      throwIfAborted(signal);
      if (!(reason instanceof ServingError && GO_ON.has(reason.code))) throw reason;
      failures.push(reason);
    }
  }
  if (failures.length > 0) {
    const reasons = failures.map(({ message }) => message).join("; ");
    const message = `${what} could not be installed (${reasons}); try again once that is mended, or name a library with --tensorflow_library`;
    throw new ServingError("unavailable", message, { cause: failures[0] });
  }
  throw noClient(sources, what);
}

async function findClient({ client }: PackageSource, machine: Machine, signal: AbortSignal): Promise<PackageClient | undefined> {
  return client === "pip" ? await findPip(machine, signal) : await findMaven(machine, signal);
}

function noClient(sources: readonly PackageSource[], what: string): ServingError {
  const both = sources.some(({ client }) => client === "Maven");
  const clients = both
    ? "pip (which comes with Python) or Maven, and neither is"
    : "pip (which comes with Python), and it is not";
  const maven = both ? "" : ` (Maven would do for ${jarVersions().join(" and ")}, without --gpu)`;
  return new ServingError(
    "failed-precondition",
    `${what} cannot be installed: that takes ${clients} here; install one${maven}, or name a library with --tensorflow_library`,
  );
}

/** What the file system refuses, as an error about the cache. */
function cacheFailure(reason: unknown): unknown {
  const code = (reason as NodeJS.ErrnoException).code;
  if (reason instanceof ServingError || typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return reason;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new ServingError(
    full ? "resource-exhausted" : "failed-precondition",
    `the cache folder ${full ? "has no room for TensorFlow's libraries" : "cannot be written"} (${code}); MODELPORT_CACHE_DIR can name another`,
    { cause: reason },
  );
}
