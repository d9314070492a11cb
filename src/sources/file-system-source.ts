import { type Clock, systemClock } from "../base/clock.ts";
import { ConcurrencyLimit } from "../core/concurrency-limit.ts";
import { Outlet } from "../core/outlet.ts";
import type { ServableId } from "../core/servable-id.ts";
import type { Source } from "../core/source.ts";
import type { Target } from "../core/target.ts";
import { type MonitorOptions, ServableMonitor } from "./servable-monitor.ts";
import type { MonitoredServable, VersionPath } from "./servable-scan.ts";
import { steadyMoments } from "./settling.ts";
import type { ReportSourceEvent } from "./source-event.ts";

/** Where one version's files are: what the source says about each aspired version. */
export interface StoragePath {
  /** Absolute path of the version's folder, or of a bare model file. */
  readonly path: string;
}

/** What to watch, and what the source takes from its surroundings. */
export interface FileSystemSourceOptions {
  /** Between two looks at a base path. 0: one look (more while files are being written). Negative: none. */
  readonly pollIntervalMs: number;
  /** Names are unique. */
  readonly servables: readonly MonitoredServable[];
  /** Whether a folder without version folders is itself a model. */
  readonly isModel: (path: string) => Promise<boolean>;
  readonly report: ReportSourceEvent;
  /** Told of a version noted as failed whose files are others now and worth another try. */
  readonly onRenewed?: (id: ServableId) => void;
  /** How long files must be left alone before a version is loaded. Default 500. */
  readonly settleWindowMs?: number;
  /** Between two looks while files are being written. Default 100. */
  readonly changingIntervalMs?: number;
  /** Whether a base path that lost its last version keeps what is served. Default false. */
  readonly versionsAlwaysPresent?: boolean;
  /** Default: the machine's monotonic clock. */
  readonly clock?: Clock;
  /** Milliseconds since 1970, to compare with file times. Default `Date.now`. */
  readonly wallClock?: () => number;
  /**
   * A folder changed less than this ago is listed again at every look, because a further change may carry the same time: longer than
   * the coarsest clock of a file system. Default 2000.
   */
  readonly listAgainWithinMs?: number;
}

/** Looks in progress at once: more would only queue up before what else waits for the same few threads. */
const LOOKS_AT_ONCE = 16;

/** Looks asked for in one turn of the thread: thousands would hold up what else it has to do. */
const BEGUN_IN_ONE_TURN = 256;

/** Parts of the interval in which the looks are begun: the fewer, the less each look costs, and the longer they hold the thread. */
const GROUPS = 4;

/** Multiples of it, modulo 1, lie evenly apart however many there are. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/**
 * Watches folders and says which versions should be served, by TF Serving's rules: one folder a version, named by its
 * number, picked by the version policy.
 *
 * More than TF Serving does: every name is polled by itself; a version is aspired only once its files have settled
 * (see {@link judgeSettling}); and a base path may be a model itself (a file, or a folder without version folders), served
 * as version 1 and under the next number whenever its content changes, so that it is swapped like any other version.
 *
 * A list is sent when it may be another one than before, after every {@link FileSystemSource.poll}, and after every look while one
 * of its versions is noted as failed. A base path that is missing or cannot be read unloads nothing.
 *
 * Thousands of versions or of names are no burden: a folder is listed only when its own times say that it changed (where the file
 * system keeps them), few looks are in progress at once, and looks are spread over the interval.
 */
export class FileSystemSource implements Source<StoragePath> {
  readonly #outlet = new Outlet<StoragePath>();
  readonly #options: MonitorOptions;
  readonly #monitors = new Map<string, ServableMonitor>();
  readonly #servables = new Map<string, MonitoredServable>();
  readonly #stopping = new Set<Promise<void>>();
  #state: "idle" | "started" | "stopped" = "idle";
  #watched = 0;

  constructor(options: FileSystemSourceOptions) {
    const { servables, clock = systemClock, wallClock = Date.now } = options;
    this.#options = {
      clock,
      isModel: options.isModel,
      report: options.report,
      now: steadyMoments(clock, wallClock),
      wallNow: wallClock,
      pollIntervalMs: options.pollIntervalMs,
      settleWindowMs: options.settleWindowMs ?? 500,
      changingIntervalMs: options.changingIntervalMs ?? 100,
      listAgainWithinMs: options.listAgainWithinMs ?? 2000,
      looks: new ConcurrencyLimit(LOOKS_AT_ONCE),
      versionsAlwaysPresent: options.versionsAlwaysPresent ?? false,
      onRenewed: (name, version) => options.onRenewed?.({ name, version }),
      emit: (name, versions) => this.#emit(name, versions),
    };
    this.update(servables);
  }

  /** See {@link Source.connect}. */
  connect(target: Target<StoragePath>): void {
    this.#outlet.connect(target);
  }

  /** Begins polling; resolves when the first look at every base path has ended. Never rejects. */
  async start(): Promise<void> {
    if (this.#state !== "idle") return;
    this.#state = "started";
    await this.#all((monitor) => monitor.start());
  }

  /** One look at every base path that begins after this call; resolves when all have ended. Never rejects. */
  async poll(): Promise<void> {
    await this.#all((monitor) => monitor.poll());
  }

  /**
   * Takes note that a version given out could not be loaded: `onRenewed` is called once the content of its folder has changed
   * and settled, just before the next list.
   */
  noteFailure({ name, version }: ServableId): void {
    this.#monitors.get(name)?.noteFailure(version);
  }

  /**
   * Watches these names instead. A name that is gone gets an empty list at once; a new or changed one is looked at soon when
   * polling, and else at the next {@link poll}.
   */
  update(servables: readonly MonitoredServable[]): void {
    if (this.#state === "stopped") return;
    const wanted = new Map(servables.map((servable) => [servable.name, servable]));
    for (const name of this.#monitors.keys()) if (!wanted.has(name)) this.#drop(name);
    for (const servable of wanted.values()) this.#watch(servable);
  }

  /** Ends polling: nothing is sent after this call. Resolves when no look is in progress any more. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    await Promise.all([...this.#stopping, ...[...this.#monitors.values()].map((monitor) => monitor.stop())]);
  }

  async #all(begin: (monitor: ServableMonitor) => Promise<void>): Promise<void> {
    const begun: Promise<void>[] = [];
    for (const monitor of this.#monitors.values()) {
      begun.push(begin(monitor));
      if (begun.length % BEGUN_IN_ONE_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(begun);
  }

  #watch(servable: MonitoredServable): void {
    const known = this.#servables.get(servable.name);
    this.#servables.set(servable.name, servable);
    if (known) {
      if (!sameSettings(known, servable)) this.#monitors.get(servable.name)!.reconfigure(servable);
      return;
    }
    const monitor = new ServableMonitor(servable, this.#nextPhase(), this.#options);
    this.#monitors.set(servable.name, monitor);
    if (this.#state === "started") void monitor.start();
  }

  #nextPhase(): number {
    return Math.floor(((this.#watched++ * GOLDEN_RATIO) % 1) * GROUPS) / GROUPS;
  }

  #drop(name: string): void {
    const stopped = this.#monitors.get(name)!.stop();
    this.#stopping.add(stopped);
    void stopped.then(() => this.#stopping.delete(stopped));
    this.#monitors.delete(name);
    this.#servables.delete(name);
    this.#outlet.emit(name, []);
  }

  #emit(name: string, versions: readonly VersionPath[]): void {
    const list = versions.map(({ version, path }) => ({ id: { name, version }, data: { path } }));
    this.#outlet.emit(name, list);
  }
}

function sameSettings(a: MonitoredServable, b: MonitoredServable): boolean {
  const [p, q] = [a.versionPolicy, b.versionPolicy];
  if (a.basePath !== b.basePath || p.kind !== q.kind) return false;
  if (p.kind === "latest" && q.kind === "latest") return p.count === q.count;
  if (p.kind === "specific" && q.kind === "specific") return p.versions.join() === q.versions.join();
  return true;
}
