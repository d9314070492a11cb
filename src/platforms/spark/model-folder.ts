import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { MemoryBudget } from "../../codec/parquet/memory-budget.ts";
import { type ParquetTable, readParquet } from "../../codec/parquet/parquet-table.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";
import { DataTable } from "./data-table.ts";

/** Files that a model may have, in all its folders. */
const MOST_FILES = 100_000;
const MOST_METADATA_BYTES = 2 ** 24;
const MIB = 2 ** 20;
/** How much more memory than bytes of its files a model may take; runs of one number are short. */
const MOST_RATIO = 256;

/** What all folders of a model have together. */
interface Shared {
  readonly signal: AbortSignal;
  readonly budget: MemoryBudget;
  bytes: number;
  files: number;
}

/** A folder of a saved model. Errors name files by their place in the model. */
export class ModelFolder {
  /** Where it is in the model, with a slash behind it; empty for the model's own. */
  readonly place: string;
  readonly #path: string;
  readonly #shared: Shared;

  private constructor(path: string, place: string, shared: Shared) {
    this.#path = path;
    this.place = place;
    this.#shared = shared;
  }

  /** The folder that is a model. */
  static of(path: string, signal: AbortSignal): ModelFolder {
    return new ModelFolder(path, "", { signal, budget: new MemoryBudget(64 * MIB), bytes: 0, files: 0 });
  }

  /** Bytes of the files that were read so far, in all folders of the model. */
  get bytes(): number {
    return this.#shared.bytes;
  }

  /** A folder in this one; `name` is one of {@link ModelFolder.folders}, or no user's. */
  folder(name: string): ModelFolder {
    return new ModelFolder(join(this.#path, name), `${this.place}${name}/`, this.#shared);
  }

  /** Names of the folders in this one. @throws ServingError not-found when it cannot be read; resource-exhausted for a model of too many files */
  async folders(): Promise<readonly string[]> {
    return (await this.#entries()).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** The first line of the files of `metadata`, which may be parts. @throws ServingError not-found or data-loss, which name the file */
  async metadata(): Promise<string> {
    const folder = this.folder("metadata");
    for (const name of await folder.#files(isPart)) {
      const text = (await folder.#read(name, MOST_METADATA_BYTES)).toString();
      const [line = ""] = text.split("\n", 1);
      if (line !== "") return line;
    }
    throw new ServingError("data-loss", `${folder.place}part-00000 is empty or not there`);
  }

  /**
   * The rows of the Parquet files of this folder, in the order of their names.
   * @param wants whether a column is read; by default all
   * @throws ServingError which names the file
   */
  async table(wants: (column: string) => boolean = () => true): Promise<DataTable> {
    const tables: ParquetTable[] = [];
    for (const name of await this.#files((each) => each.endsWith(".parquet"))) {
      const bytes = await this.#read(name, Number.MAX_SAFE_INTEGER);
      const { budget } = this.#shared;
      budget.allow(MOST_RATIO * bytes.length);
      try {
        const reading = readParquet(bytes, wants, budget);
        let step = reading.next();
        for (; !step.done; step = reading.next()) await this.#turn();
        tables.push(step.value);
      } catch (reason) {
        if (!(reason instanceof ServingError) || this.#shared.signal.aborted) throw reason;
        throw new ServingError(reason.code, `${this.place}${name}: ${reason.message}`, { cause: reason });
      }
    }
    return new DataTable(tables, this.place.slice(0, -1));
  }

  async #turn(): Promise<void> {
    await setImmediate();
    throwIfAborted(this.#shared.signal);
  }

  async #files(wanted: (name: string) => boolean): Promise<readonly string[]> {
    const names = (await this.#entries()).filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    return names.filter((name) => isData(name) && wanted(name)).sort((a, b) => (a < b ? -1 : 1));
  }

  async #entries(): Promise<readonly Dirent[]> {
    throwIfAborted(this.#shared.signal);
    const entries = await readdir(this.#path, { withFileTypes: true }).catch((reason: unknown) => {
      throw new ServingError("not-found", `the model has no folder ${this.place.slice(0, -1)}`, { cause: reason });
    });
    this.#shared.files += entries.length + 1;
    if (this.#shared.files > MOST_FILES)
      throw new ServingError("resource-exhausted", `the model has more than ${MOST_FILES} files`);
    return entries;
  }

  async #read(name: string, most: number): Promise<Buffer> {
    const named = `${this.place}${name}`;
    const bytes = await withModelFile(join(this.#path, name), named, async (handle) => {
      const { size } = await handle.stat();
      if (size > most) throw new ServingError("resource-exhausted", `${named} has ${size} bytes, more than ${most}`);
      return modelBytes(handle, named, this.#shared.signal);
    });
    this.#shared.bytes += bytes.length;
    return bytes;
  }
}

/** Spark and Hadoop put marks and checksums beside what they write. */
function isData(name: string): boolean {
  return !name.startsWith(".") && !name.startsWith("_");
}

function isPart(name: string): boolean {
  return name.startsWith("part-");
}
