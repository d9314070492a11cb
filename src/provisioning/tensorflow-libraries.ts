import { abortError, throwIfAborted } from "../base/abort.ts";
import { ServingError } from "../base/serving-error.ts";
import type { FoundLibrary } from "./found-library.ts";
import { installTensorFlow } from "./install-tensorflow.ts";
import { installedRuntimes } from "./installed-runtimes.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { namedLibrary } from "./named-library.ts";
import type { ReportProgress } from "./progress.ts";
import { findPythonTensorFlow } from "./python-tensorflow.ts";

/** Where a server may take TensorFlow's library from. */
export interface LibraryOptions {
  /** `--tensorflow_library`: a file, or a folder that has it. Nothing else is looked at then. */
  readonly library?: string | undefined;
  /** `--auto_install_runtimes`: whether what is nowhere to be found is installed. */
  readonly autoInstall: boolean;
  /** Hears of an install. */
  readonly progress?: ReportProgress;
}

/** Finds the library of TensorFlow's for a process, once, and installs it where there is none. */
export class TensorFlowLibraries {
  readonly #options: LibraryOptions;
  readonly #machine: Machine;
  #found: FoundLibrary | undefined;
  #search: Search | undefined;

  constructor(options: LibraryOptions, machine: Machine = thisMachine()) {
    this.#options = options;
    this.#machine = machine;
  }

  /**
   * The library to use: the one that was named, else one installed in the cache, else that of a Python, else one that is installed now. Calls at
   * the same time share one search, which ends when all of them are aborted; what was found once is found for good, and a failure is tried
   * again by the next call.
   *
   * Rejects with a ServingError: failed-precondition when there is none and none may be installed, or as {@link namedLibrary} and
   * {@link installTensorFlow} do.
   */
  async locate(signal: AbortSignal): Promise<FoundLibrary> {
    throwIfAborted(signal);
    if (this.#found !== undefined) return this.#found;
    if (this.#search === undefined || this.#search.abandoned) this.#search = new Search((own) => this.#find(own));
    const search = this.#search;
    try {
      this.#found = await search.join(signal);
      return this.#found;
    } finally {
      if (this.#search === search && search.settled) this.#search = undefined;
    }
  }

  async #find(signal: AbortSignal): Promise<FoundLibrary> {
    const { library, autoInstall, progress } = this.#options;
    if (library !== undefined) return await namedLibrary(library, this.#machine, signal);
    const [installed] = await installedRuntimes(this.#machine);
    if (installed !== undefined) return inCache(installed);
    const ofPython = await findPythonTensorFlow(this.#machine, signal);
    if (ofPython !== undefined) return ofPython;
    if (autoInstall) return inCache(await installTensorFlow({ signal, ...(progress && { progress }) }, this.#machine));
    throw new ServingError(
      "failed-precondition",
      "TensorFlow's library is not installed; install it with `modelport runtime install tensorflow`, or name one with --tensorflow_library",
    );
  }
}

function inCache({
  library,
  version,
  bytes,
}: {
  readonly library: string;
  readonly version: string;
  readonly bytes: number;
}): FoundLibrary {
  return { path: library, version, origin: "cache", bytes };
}

/** One search with several who wait for it. */
class Search {
  settled = false;
  readonly #abort = new AbortController();
  readonly #result: Promise<FoundLibrary>;
  #waiting = 0;

  constructor(find: (signal: AbortSignal) => Promise<FoundLibrary>) {
    this.#result = find(this.#abort.signal).finally(() => {
      this.settled = true;
    });
    this.#result.catch(() => undefined);
  }

  /** Everybody has left: it is about to fail. */
  get abandoned(): boolean {
    return this.#abort.signal.aborted;
  }

  async join(signal: AbortSignal): Promise<FoundLibrary> {
    this.#waiting++;
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(abortError(signal));
    });
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([this.#result, left]);
    } finally {
      signal.removeEventListener("abort", leave);
      if (--this.#waiting === 0 && !this.settled) this.#abort.abort(signal.reason);
    }
  }
}
