import type { Stats } from "node:fs";
import { join, sep } from "node:path";
import { BasePath, type BasePathContent } from "./base-path.ts";
import { companionStats } from "./companion-file.ts";
import { ContentStamp } from "./content-stamp.ts";
import { type Fingerprint, takeFingerprint } from "./fingerprint.ts";
import { sameStamp } from "./listing-trust.ts";
import { judgeSettling, type Moment, type Verdict, type Watch } from "./settling.ts";
import type { SourceEvent, SourceWarning } from "./source-event.ts";
import { findVersion, type VersionDirectory, type VersionListing } from "./version-directory.ts";
import { selectVersions, type VersionPolicy } from "./version-policy.ts";

/** One name to watch. */
export interface MonitoredServable {
  readonly name: string;
  /** Absolute path of a folder of version folders, of a folder that is itself a model, of a model file, or the prefix of a model's files. */
  readonly basePath: string;
  readonly versionPolicy: VersionPolicy;
}

/** A version and the absolute path of its files. */
export interface VersionPath {
  readonly version: bigint;
  readonly path: string;
}

/** What a look at a base path found. */
export interface ScanResult {
  /** The complete list, the highest version first; undefined when what was said last still holds and need not be said again. */
  readonly versions: readonly VersionPath[] | undefined;
  /** Of {@link versions}, those that failed to load and hold something else since. */
  readonly renewed?: readonly bigint[];
  /** Whether something is still being written, so that the next look should come soon. */
  readonly changing: boolean;
  readonly warnings: readonly SourceWarning[];
}

/** What looking depends on. */
export interface ScanOptions {
  /** Whether a folder's own files make it a model. */
  readonly isModel: (path: string) => Promise<boolean>;
  readonly settleWindowMs: number;
  /** Whether a base path that lost its last version keeps what is served. */
  readonly versionsAlwaysPresent: boolean;
  readonly now: () => Moment;
  /** Milliseconds since 1970, jumps and all. */
  readonly wallNow: () => number;
  /** How long ago a folder's last change must be for its times to tell of the next one. */
  readonly listAgainWithinMs: number;
}

/** What is remembered of a version folder, by its name, while it is there. */
interface Remembered {
  readonly version: bigint;
  /** What the folder held when the version was last given out. */
  given?: string;
  settled: boolean;
  watch: Watch | undefined;
}

/** A bare model that was given out. */
interface BareModel {
  readonly version: bigint;
  readonly fingerprint: Fingerprint;
  /** What lay at the base path when the content was looked at. */
  base: PresentBase;
  /** Of a file's companion, when the content was looked at. */
  companion: Stats | undefined;
  /** Of what lies below the base path, when its content was looked at. */
  stamp: ContentStamp | undefined;
  failed: boolean;
}

type PresentBase = Exclude<BasePathContent, { readonly kind: "unreadable" }>;

/** Looks at one name's base path, and remembers between looks what has settled. */
export class ServableScan {
  readonly #options: ScanOptions;
  /** Whose base path was read last, and what reads it. */
  #servable: MonitoredServable | undefined;
  #basePath: BasePath | undefined;
  readonly #remembered = new Map<string, Remembered>();
  /** Versions given out from a folder that is still there, and that could not be loaded. */
  readonly #failed = new Set<bigint>();
  /** The listing of which everything was said, and settled: while it stays there is nothing to look at. */
  #done: { readonly listing: VersionListing; readonly warnings: readonly SourceWarning[] } | undefined;
  /** The listing that {@link #remembered} was brought in line with. */
  #present: VersionListing | undefined;
  /** The bare model last given out. */
  #bare: BareModel | undefined;
  #bareWatch: Watch | undefined;
  /** No number is given to two contents of a bare model. */
  #highest = 0n;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /**
   * A version given out could not be loaded. While it is there every look gives the list anew, and when its folder's content changes
   * after that and settles, it is given out as renewed.
   */
  noteFailure(version: bigint): void {
    if (this.#bare === undefined) this.#failed.add(version);
    // A bare model gets another number with its next content: of this one there is nothing to compare.
    else if (this.#bare.version === version) this.#bare.failed = true;
  }

  /** Looks once; with `repeat` the list is given even if it is the same as before. Never runs twice at a time. */
  async look(servable: MonitoredServable, repeat = false): Promise<ScanResult> {
    if (servable !== this.#servable) this.#watch(servable);
    const { basePath } = servable;
    const base = await this.#basePath!.read(this.#options.wallNow);
    if (base.kind === "unreadable") {
      this.#forgetAllBut(undefined);
      return keep("base_path_missing", `could not read base path ${basePath} (${base.code}); what is served stays`);
    }
    if (base.kind === "file") return this.#lookAtBareModel(basePath, base, repeat);
    if (base.kind === "prefix") return this.#lookAtPrefix(basePath, base, repeat);
    const { listing } = base;
    if (listing.folders.length > 0) {
      if (!repeat && this.#done?.listing === listing && this.#failed.size === 0) {
        return { versions: undefined, changing: false, warnings: this.#done.warnings };
      }
      return this.#lookAtVersions(servable, listing);
    }
    if (this.#bare || (await this.#options.isModel(basePath))) return this.#lookAtBareModel(basePath, base, repeat);
    this.#forgetAllBut(undefined);
    return this.#conclude([], false, [
      { event: "no_versions", message: `base path ${basePath} holds neither a version folder nor a model` },
    ]);
  }

  /** Files may begin with a name by chance. */
  async #lookAtPrefix(path: string, base: PresentBase, repeat: boolean): Promise<ScanResult> {
    if (this.#bare || (await this.#options.isModel(path))) return this.#lookAtBareModel(path, base, repeat);
    this.#forgetAllBut(undefined);
    return keep("base_path_missing", `could not read base path ${path} (ENOENT); what is served stays`);
  }

  #watch(servable: MonitoredServable): void {
    if (servable.basePath !== this.#servable?.basePath) this.#forgetAllBut(undefined);
    this.#servable = servable;
    this.#basePath = new BasePath(servable.basePath, servable.versionPolicy, this.#options.listAgainWithinMs);
    this.#done = undefined;
  }

  async #lookAtVersions({ basePath, versionPolicy }: MonitoredServable, listing: VersionListing): Promise<ScanResult> {
    const { candidates, limit, missing } = selectVersions(listing, versionPolicy);
    const warnings = listing.duplicates.map(
      ({ version, used, ignored }): SourceWarning => ({
        event: "duplicate_version",
        message: `version ${version} is there twice, as "${ignored}" and "${used}"; "${used}" is used`,
      }),
    );
    if (missing.length > 0) {
      warnings.push({ event: "version_missing", message: `no folder for version ${missing.join(", ")} in ${basePath}` });
    }
    if (versionPolicy.kind === "specific" && versionPolicy.versions.length === 0) {
      warnings.push({ event: "no_versions", message: "the version policy is specific and lists no version" });
    }

    this.#forgetAllBut(listing);
    const ready: VersionPath[] = [];
    const renewed: bigint[] = [];
    let [changing, empty] = [false, false];
    const prefix = join(basePath, sep);
    for (const folder of candidates) {
      if (ready.length === limit) break;
      const { version } = folder;
      const path = prefix + folder.name;
      const known = this.#remembered.get(folder.name);
      const settled = known?.settled === true && !this.#failed.has(version);
      const outcome = settled ? "settled" : await this.#lookAtVersion(folder, path);
      if (outcome === "empty") {
        empty = true;
        warnings.push({ event: "empty_version", message: `version ${version} in ${basePath} holds no data and is not loaded` });
        continue;
      }
      // A failed version that is being mended stays on the list: leaving it out would change which others are wanted.
      if (outcome !== "changing") ready.push({ version, path });
      if (outcome === "renewed") renewed.push(version);
      if (outcome === "changing" || outcome === "being-mended") changing = true;
    }
    this.#done = changing || empty ? undefined : { listing, warnings };
    return { ...this.#conclude(ready, changing, warnings), renewed };
  }

  async #lookAtVersion(folder: VersionDirectory, path: string): Promise<Verdict | "renewed" | "being-mended"> {
    const { name, version } = folder;
    let known = this.#remembered.get(name);
    if (known === undefined) {
      known = { version, settled: false, watch: undefined };
      this.#remembered.set(name, known);
    }
    const mended = this.#failed.has(version) && (await isRenewed(known, path));
    const verdict = await this.#judge(known, path);
    if (!mended) return verdict;
    if (verdict !== "settled") return "being-mended";
    this.#failed.delete(version);
    return "renewed";
  }

  async #lookAtBareModel(path: string, base: PresentBase, repeat: boolean): Promise<ScanResult> {
    const known = this.#bare;
    const companion = base.kind === "file" ? await companionStats(path) : undefined;
    if (known && (await isUntouched(known, base, companion))) return this.#giveBareModel(path, known, repeat);
    const { wallNow, listAgainWithinMs } = this.#options;
    const stamp = known && (await ContentStamp.take(known.fingerprint.paths, wallNow(), listAgainWithinMs));
    const fingerprint = await takeFingerprint(path);
    if (known && fingerprint.digest === known.fingerprint.digest) {
      known.base = base;
      known.companion = companion;
      known.stamp = stamp;
      return this.#giveBareModel(path, known, repeat);
    }
    // The same digest tells the same files, so only another one needs this question.
    if (base.kind !== "file" && known && !(await this.#options.isModel(path))) {
      return keep("model_missing", `the model in ${path} is gone; what is served stays`);
    }
    const { verdict, watch } = this.#judgeFingerprint(fingerprint, this.#bareWatch);
    this.#bareWatch = watch;
    if (verdict === "empty") return keep("empty_version", `${path} holds no data and is not loaded`);
    if (verdict === "changing") return { versions: undefined, changing: true, warnings: [] };
    this.#bare = { version: this.#highest + 1n, fingerprint, base, companion, stamp: undefined, failed: false };
    return this.#giveBareModel(path, this.#bare, true);
  }

  #giveBareModel(path: string, { version, failed }: BareModel, repeat: boolean): ScanResult {
    this.#forgetAllBut(undefined);
    this.#noteNumber(version);
    return { versions: repeat || failed ? [{ version, path }] : undefined, changing: false, warnings: [] };
  }

  #conclude(ready: readonly VersionPath[], changing: boolean, warnings: readonly SourceWarning[]): ScanResult {
    if (ready.length > 0) {
      this.#bare = undefined;
      for (const { version } of ready) this.#noteNumber(version);
      return { versions: ready, changing, warnings };
    }
    // An empty list would take the last version away although its successor is just being copied.
    const holds = changing || this.#bare !== undefined || this.#options.versionsAlwaysPresent;
    return { versions: holds ? undefined : [], changing, warnings };
  }

  #noteNumber(version: bigint): void {
    if (version > this.#highest) this.#highest = version;
  }

  async #judge(known: Remembered, path: string): Promise<Verdict> {
    if (known.settled) return "settled";
    const fingerprint = await takeFingerprint(path);
    const { verdict, watch } = this.#judgeFingerprint(fingerprint, known.watch);
    known.settled = verdict === "settled";
    known.watch = known.settled ? undefined : watch;
    if (known.settled) known.given = fingerprint.digest;
    return verdict;
  }

  #judgeFingerprint(fingerprint: Fingerprint, watch: Watch | undefined): ReturnType<typeof judgeSettling> {
    const { now, settleWindowMs } = this.#options;
    return judgeSettling(fingerprint, watch, now(), settleWindowMs);
  }

  /** A folder that went away and comes back has to settle anew. */
  #forgetAllBut(listing: VersionListing | undefined): void {
    this.#bareWatch = undefined;
    const found = (version: bigint): string | undefined => listing && findVersion(listing, version)?.name;
    for (const version of this.#failed) if (found(version) === undefined) this.#failed.delete(version);
    if (listing !== undefined && listing === this.#present) return;
    this.#present = listing;
    this.#done = undefined;
    for (const [name, { version }] of this.#remembered) if (found(version) !== name) this.#remembered.delete(name);
  }
}

/** Whether a look at attributes alone tells that a bare model is as it was. */
async function isUntouched(
  { base: before, companion: companionBefore, stamp }: BareModel,
  base: PresentBase,
  companion: Stats | undefined,
): Promise<boolean> {
  if (base.kind === "file") {
    const same =
      companion === undefined || companionBefore === undefined
        ? companion === companionBefore
        : sameStamp(companionBefore, companion);
    return before.kind === "file" && same && sameStamp(before.stats, base.stats);
  }
  if (base.kind === "prefix" || before.kind !== "folder" || !base.unchanged || stamp === undefined) return false;
  return stamp.holds();
}

/** Whether a folder holds something else than when it was given out; it then has to settle anew. */
async function isRenewed(known: Remembered, path: string): Promise<boolean> {
  if (known.given === undefined || !known.settled) return known.given !== undefined;
  if ((await takeFingerprint(path)).digest === known.given) return false;
  known.settled = false;
  return true;
}

function keep(event: SourceEvent, message: string): ScanResult {
  return { versions: undefined, changing: false, warnings: [{ event, message }] };
}
