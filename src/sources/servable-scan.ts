import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Fingerprint, takeFingerprint } from "./fingerprint.ts";
import { judgeSettling, type Moment, type Verdict, type Watch } from "./settling.ts";
import type { SourceEvent, SourceWarning } from "./source-event.ts";
import { listVersionDirectories, type VersionDirectories } from "./version-directory.ts";
import { selectVersions, type VersionPolicy } from "./version-policy.ts";

/** One name to watch. */
export interface MonitoredServable {
  readonly name: string;
  /** Absolute path of a folder of version folders, of a folder that is itself a model, or of a model file. */
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
  /** The complete list, the highest version first; undefined when what was said last still holds. */
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
}

/** Looks at one name's base path, and remembers between looks what has settled. */
export class ServableScan {
  readonly #options: ScanOptions;
  readonly #settled = new Set<string>();
  readonly #watches = new Map<string, Watch>();
  /** What each version folder held when it was last given out, by path. */
  readonly #given = new Map<string, string>();
  /** Versions given out from a folder that is still there, and that could not be loaded. */
  readonly #failed = new Set<bigint>();
  /** The bare model last given out: the version it was given and its content. */
  #bare: { readonly version: bigint; readonly digest: string } | undefined;
  /** No number is given to two contents of a bare model. */
  #highest = 0n;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** A version given out could not be loaded. When its folder's content changes after that and settles, it is given out as renewed. */
  noteFailure(version: bigint): void {
    // A bare model gets another number with its next content: nothing has to be remembered of this one.
    if (this.#bare === undefined) this.#failed.add(version);
  }

  /** Looks once. Never runs twice at a time. */
  async look(servable: MonitoredServable): Promise<ScanResult> {
    const { basePath } = servable;
    const base = await readBasePath(basePath);
    if (base.kind === "unreadable") {
      this.#forgetAllBut(new Map());
      return keep("base_path_missing", `could not read base path ${basePath} (${base.code}); what is served stays`);
    }
    if (base.kind === "file") return this.#lookAtBareModel(basePath);
    if (base.versions.names.size > 0) return this.#lookAtVersions(servable, base.versions);
    if (await this.#options.isModel(basePath)) return this.#lookAtBareModel(basePath);
    if (this.#bare) return keep("model_missing", `the model in ${basePath} is gone; what is served stays`);
    this.#forgetAllBut(new Map());
    return this.#conclude([], false, [
      { event: "no_versions", message: `base path ${basePath} holds neither a version folder nor a model` },
    ]);
  }

  async #lookAtVersions({ basePath, versionPolicy }: MonitoredServable, found: VersionDirectories): Promise<ScanResult> {
    const { candidates, limit, missing } = selectVersions([...found.names.keys()], versionPolicy);
    const warnings = found.duplicates.map(
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

    const paths = new Map([...found.names].map(([version, name]) => [version, join(basePath, name)]));
    this.#forgetAllBut(paths);
    const ready: VersionPath[] = [];
    const renewed: bigint[] = [];
    let changing = false;
    for (const version of candidates) {
      if (ready.length === limit) break;
      const path = paths.get(version)!;
      const outcome = await this.#lookAtVersion(version, path);
      if (outcome === "empty") {
        warnings.push({ event: "empty_version", message: `version ${version} in ${basePath} holds no data and is not loaded` });
        continue;
      }
      // A failed version that is being mended stays on the list: leaving it out would change which others are wanted.
      if (outcome !== "changing") ready.push({ version, path });
      if (outcome === "renewed") renewed.push(version);
      if (outcome === "changing" || outcome === "being-mended") changing = true;
    }
    return { ...this.#conclude(ready, changing, warnings), renewed };
  }

  async #lookAtVersion(version: bigint, path: string): Promise<Verdict | "renewed" | "being-mended"> {
    const mended = this.#failed.has(version) && (await this.#isRenewed(path));
    const verdict = await this.#judge(path);
    if (!mended) return verdict;
    if (verdict !== "settled") return "being-mended";
    this.#failed.delete(version);
    return "renewed";
  }

  async #lookAtBareModel(path: string): Promise<ScanResult> {
    const fingerprint = await takeFingerprint(path);
    if (fingerprint.digest !== this.#bare?.digest) {
      const verdict = this.#judgeFingerprint(path, fingerprint);
      if (verdict === "empty") return keep("empty_version", `${path} holds no data and is not loaded`);
      if (verdict === "changing") return { versions: undefined, changing: true, warnings: [] };
      this.#bare = { version: this.#highest + 1n, digest: fingerprint.digest };
    }
    this.#watches.clear();
    this.#noteNumber(this.#bare.version);
    return { versions: [{ version: this.#bare.version, path }], changing: false, warnings: [] };
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

  async #judge(path: string): Promise<Verdict> {
    if (this.#settled.has(path)) return "settled";
    const fingerprint = await takeFingerprint(path);
    const verdict = this.#judgeFingerprint(path, fingerprint);
    if (verdict === "settled") {
      this.#settled.add(path);
      this.#given.set(path, fingerprint.digest);
      this.#watches.delete(path);
    }
    return verdict;
  }

  /** Whether a folder holds something else than when it was given out; it then has to settle anew. */
  async #isRenewed(path: string): Promise<boolean> {
    const given = this.#given.get(path);
    if (given === undefined || !this.#settled.has(path)) return given !== undefined;
    if ((await takeFingerprint(path)).digest === given) return false;
    this.#settled.delete(path);
    return true;
  }

  #judgeFingerprint(path: string, fingerprint: Fingerprint): Verdict {
    const { now, settleWindowMs } = this.#options;
    const { verdict, watch } = judgeSettling(fingerprint, this.#watches.get(path), now(), settleWindowMs);
    this.#watches.set(path, watch);
    return verdict;
  }

  /** A folder that went away and comes back has to settle anew. */
  #forgetAllBut(versions: ReadonlyMap<bigint, string>): void {
    const present = new Set(versions.values());
    for (const version of this.#failed) if (!versions.has(version)) this.#failed.delete(version);
    for (const path of this.#settled) if (!present.has(path)) this.#settled.delete(path);
    for (const path of this.#given.keys()) if (!present.has(path)) this.#given.delete(path);
    for (const path of this.#watches.keys()) if (!present.has(path)) this.#watches.delete(path);
  }
}

type BasePath =
  | { readonly kind: "file" }
  | { readonly kind: "folder"; readonly versions: VersionDirectories }
  | { readonly kind: "unreadable"; readonly code: string };

async function readBasePath(path: string): Promise<BasePath> {
  try {
    if ((await stat(path)).isFile()) return { kind: "file" };
    return { kind: "folder", versions: await listVersionDirectories(path) };
  } catch (reason) {
    return { kind: "unreadable", code: (reason as NodeJS.ErrnoException).code ?? "unknown reason" };
  }
}

function keep(event: SourceEvent, message: string): ScanResult {
  return { versions: undefined, changing: false, warnings: [{ event, message }] };
}
