import type { Dirent, Stats } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, parse, resolve } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { ConcurrencyLimit } from "../core/concurrency-limit.ts";
import { LOOKS_PER_LISTING, sameStamp, tellsOfChanges } from "./listing-trust.ts";
import { pathStats } from "./path-stats.ts";
import { prefixFiles } from "./prefix-files.ts";
import { listVersionDirectories, pickVersionDirectories } from "./version-directory.ts";

/** A model found by looking around. */
export interface DiscoveredModel {
  /** The folder's name, or the file's without its extension (with it, where that name is taken already). */
  readonly name: string;
  /** Absolute. */
  readonly basePath: string;
}

/** What a {@link ModelsDirectory} takes from its surroundings. */
export interface ModelsDirectoryOptions {
  /** As the option of the file-system source. Default 2000. */
  readonly listAgainWithinMs?: number;
  /** Milliseconds since 1970, to compare with file times. Default `Date.now`. */
  readonly wallClock?: () => number;
}

interface Listing {
  /** Not the hidden ones, by name. */
  readonly entries: readonly Dirent[];
  readonly versions: number;
}

/** Something found out about a path, for as long as the path's own times tell of no change. */
interface Finding<T> {
  readonly stats: Stats;
  readonly trusted: boolean;
  readonly value: T;
  looks: number;
}

/** Children looked at side by side; see the limit of the same kind in the file-system source. */
const CHILDREN_AT_ONCE = 16;

/** The name that makes a file the model of its folder rather than one of several in it. */
const FOLDER_MODEL = "model";

/** The file that makes all of its folder one model. */
const HANDLER = "handler.py";

/**
 * Finds what to serve below a path, which may be a model file, the prefix of a model's files, a model's folder (its files, or its version
 * folders), or a folder of those (one that holds model files not called `model` is such a folder). Hidden entries and what is no model are
 * passed over; sorted by the entries' names.
 *
 * May look again and again: what it knows of a child holds until the child's own times change, so that a thousand models cost
 * little more than a thousand looks at those.
 */
export class ModelsDirectory {
  readonly #root: string;
  readonly #path: string;
  readonly #isModel: (path: string) => Promise<boolean>;
  readonly #settledForMs: number;
  readonly #wallClock: () => number;
  readonly #limit = new ConcurrencyLimit(CHILDREN_AT_ONCE);
  #listing: Finding<Listing> | undefined;
  readonly #children = new Map<string, Finding<string | undefined>>();
  #found: readonly DiscoveredModel[] = [];

  /** `isModel` must answer by the names and kinds of what a folder holds, or by a file itself. */
  constructor(root: string, isModel: (path: string) => Promise<boolean>, options: ModelsDirectoryOptions = {}) {
    this.#root = root;
    this.#path = resolve(root);
    this.#isModel = isModel;
    this.#settledForMs = options.listAgainWithinMs ?? 2000;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /**
   * The models there are now: the very same list as long as nothing changes. Never twice at a time.
   *
   * @throws ServingError not-found when the path is not there, permission-denied when it cannot be read
   */
  async look(): Promise<readonly DiscoveredModel[]> {
    try {
      const found = await this.#look();
      if (!sameList(found, this.#found)) this.#found = found;
      return this.#found;
    } catch (cause) {
      if (cause instanceof ServingError) throw cause;
      const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
      throw new ServingError(
        missing ? "not-found" : "permission-denied",
        missing ? `there is no file or folder "${this.#root}"` : `"${this.#root}" cannot be read`,
        { cause },
      );
    }
  }

  async #look(): Promise<readonly DiscoveredModel[]> {
    const path = this.#path;
    const stats = await pathStats(path).catch(async (reason: unknown) => {
      if ((await prefixFiles(path)).length > 0 && (await this.#isModel(path))) return undefined;
      throw reason;
    });
    const itself = [{ name: basename(path) || FOLDER_MODEL, basePath: path }];
    if (stats === undefined) return itself;
    if (stats.isFile() && (await this.#isModel(path))) return [{ name: parse(path).name, basePath: path }];
    if (!stats.isDirectory()) return [];
    const { entries, versions } = await this.#list(stats);
    if (versions > 0) return itself;
    if (!(await this.#holdsModelFiles(entries)) && (await this.#isModel(path))) return itself;
    return this.#lookAtChildren(entries);
  }

  async #list(stats: Stats): Promise<Listing> {
    const known = holds(this.#listing, stats);
    if (known !== undefined) return known.value;
    const all = await readdir(this.#path, { withFileTypes: true });
    const { folders, linked } = await pickVersionDirectories(this.#path, all);
    const entries = all.filter((entry) => !entry.name.startsWith("."));
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    const value = { entries, versions: folders.length };
    // Without versions, where links lead is looked at anew each time in any case.
    const fixed = !linked || folders.length === 0;
    this.#listing = { stats, trusted: fixed && (await this.#tellsOfChanges(this.#path, stats)), value, looks: 0 };
    return value;
  }

  /**
   * Whether there are model files that carry names of their own: the folder is one of models then, even while there is just one, so
   * that the next one does not change what the first is called.
   */
  async #holdsModelFiles(entries: readonly Dirent[]): Promise<boolean> {
    // Whatever lies beside a handler is the handler's.
    if (entries.some(({ name }) => name === HANDLER)) return false;
    for (const entry of entries) {
      if (!entry.isFile() || parse(entry.name).name === FOLDER_MODEL) continue;
      if ((await this.#describe(entry.name).catch(() => undefined)) !== undefined) return true;
    }
    return false;
  }

  async #lookAtChildren(entries: readonly Dirent[]): Promise<readonly DiscoveredModel[]> {
    // A child may vanish or be closed to us; its siblings are served all the same.
    const describe = (entry: Dirent) => this.#limit.run(() => this.#describe(entry.name)).catch(() => undefined);
    const names = await Promise.all(entries.map(describe));
    const models = new Map<string, DiscoveredModel>();
    entries.forEach((entry, index) => {
      const plain = names[index];
      if (plain === undefined) return;
      const name = models.has(plain) ? entry.name : plain;
      models.set(name, { name, basePath: join(this.#path, entry.name) });
    });
    this.#forgetAllBut(entries);
    return [...models.values()];
  }

  /** The name of the model that a child is; undefined when it is none. */
  async #describe(child: string): Promise<string | undefined> {
    const path = join(this.#path, child);
    const stats = await pathStats(path);
    const known = holds(this.#children.get(child), stats);
    if (known !== undefined) return known.value;
    const finding = stats.isDirectory() ? await this.#describeFolder(path, stats) : await this.#describeFile(path, stats);
    this.#children.set(child, finding);
    return finding.value;
  }

  async #describeFolder(path: string, stats: Stats): Promise<Finding<string | undefined>> {
    const { folders, linked } = await listVersionDirectories(path);
    const value = folders.length > 0 || (await this.#isModel(path)) ? basename(path) : undefined;
    // What is no model yet may become one by what is written further below.
    const trusted = value !== undefined && !linked && (await this.#tellsOfChanges(path, stats));
    return { stats, trusted, value, looks: 0 };
  }

  async #describeFile(path: string, stats: Stats): Promise<Finding<string | undefined>> {
    const value = stats.isFile() && (await this.#isModel(path)) ? parse(path).name : undefined;
    return { stats, trusted: await this.#tellsOfChanges(path, stats), value, looks: 0 };
  }

  #forgetAllBut(entries: readonly Dirent[]): void {
    if (this.#children.size <= entries.length) return;
    const present = new Set(entries.map(({ name }) => name));
    for (const name of this.#children.keys()) if (!present.has(name)) this.#children.delete(name);
  }

  #tellsOfChanges(path: string, stats: Stats): Promise<boolean> {
    return tellsOfChanges(path, stats, this.#wallClock(), this.#settledForMs);
  }
}

/** The finding, if it still holds for a path with these attributes. */
function holds<T>(finding: Finding<T> | undefined, stats: Stats): Finding<T> | undefined {
  return finding?.trusted && sameStamp(finding.stats, stats) && ++finding.looks < LOOKS_PER_LISTING ? finding : undefined;
}

function sameList(a: readonly DiscoveredModel[], b: readonly DiscoveredModel[]): boolean {
  return (
    a.length === b.length && a.every(({ name, basePath }, index) => name === b[index]!.name && basePath === b[index]!.basePath)
  );
}
