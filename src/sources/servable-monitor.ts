import type { Clock, Timer } from "../base/clock.ts";
import type { ConcurrencyLimit } from "../core/concurrency-limit.ts";
import { type MonitoredServable, type ScanOptions, ServableScan, type VersionPath } from "./servable-scan.ts";
import type { ReportSourceEvent, SourceWarning } from "./source-event.ts";

/** What a monitor needs from its source. */
export interface MonitorOptions extends ScanOptions {
  readonly clock: Clock;
  /** Between looks; 0: one look, negative: none but those asked for. What is being written is looked at again in any case. */
  readonly pollIntervalMs: number;
  /** Between looks while something is being written. */
  readonly changingIntervalMs: number;
  /** Shared by all monitors: looks use the threads that the engine's asynchronous work and loads use too. */
  readonly looks: ConcurrencyLimit;
  readonly report: ReportSourceEvent;
  readonly onRenewed: (name: string, version: bigint) => void;
  readonly emit: (name: string, versions: readonly VersionPath[]) => void;
}

/** Polls one name's base path by itself, so that a slow or missing one holds up no other. */
export class ServableMonitor {
  readonly #options: MonitorOptions;
  readonly #scan: ServableScan;
  readonly #phase: number;
  #servable: MonitoredServable;
  #state: "idle" | "started" | "stopped" = "idle";
  #timer: Timer | undefined;
  #looks: Promise<void> = Promise.resolve();
  #warned: ReadonlySet<string> = new Set();

  /** `phase`, from 0 to below 1: by which part the first interval is shorter, so that thousands do not look in one moment. */
  constructor(servable: MonitoredServable, phase: number, options: MonitorOptions) {
    this.#servable = servable;
    this.#phase = phase;
    this.#options = options;
    this.#scan = new ServableScan(options);
  }

  /** Begins polling at the interval, with a first look now; resolves when that has ended. */
  async start(): Promise<void> {
    if (this.#state !== "idle") return;
    this.#state = "started";
    if (this.#options.pollIntervalMs >= 0) await this.poll();
  }

  /** Watches with other settings from now on; looks at once when polling. */
  reconfigure(servable: MonitoredServable): void {
    this.#servable = servable;
    if (this.#state === "started" && this.#options.pollIntervalMs >= 0) void this.poll();
  }

  /** One look that begins after this call and gives the list even if it is the same. Never rejects: what goes wrong is reported. */
  poll(): Promise<void> {
    return this.#lookNext(true);
  }

  /** See {@link ServableScan.noteFailure}. */
  noteFailure(version: bigint): void {
    this.#scan.noteFailure(version);
  }

  /** Ends polling; nothing is emitted after this call, and the look in progress has ended once it resolves. */
  stop(): Promise<void> {
    this.#state = "stopped";
    this.#timer?.cancel();
    return this.#looks;
  }

  #lookNext(asked: boolean): Promise<void> {
    this.#timer?.cancel();
    const begin = this.#options.clock.now();
    this.#looks = this.#looks.then(() => this.#options.looks.run(() => this.#look(asked, begin)));
    return this.#looks;
  }

  async #look(asked: boolean, begin: number): Promise<void> {
    if (this.#state === "stopped") return;
    const servable = this.#servable;
    let changing = false;
    try {
      const result = await this.#scan.look(servable, asked);
      if (this.#isStopped()) return;
      // Found out once only: it holds whatever the settings are by now.
      for (const version of result.renewed ?? []) this.#options.onRenewed(servable.name, version);
      if (this.#isOutdated(servable)) return;
      changing = result.changing;
      this.#warn(result.warnings);
      if (result.versions) this.#options.emit(servable.name, result.versions);
    } catch (cause) {
      if (this.#isOutdated(servable)) return;
      this.#warn([{ event: "poll_failed", message: "looking for versions failed; what is served stays", cause }]);
    }
    this.#schedule(changing, asked, begin);
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** Whether the settings changed, or polling ended, while a look was in progress. */
  #isOutdated(servable: MonitoredServable): boolean {
    return this.#isStopped() || servable !== this.#servable;
  }

  /** From beginning to beginning, so that those who look together go on to; half the interval is left free in any case. */
  #schedule(changing: boolean, asked: boolean, begin: number): void {
    this.#timer?.cancel();
    if (this.#state !== "started") return;
    const { pollIntervalMs, changingIntervalMs, clock } = this.#options;
    // All are asked at once; those that look by themselves keep the distance they have.
    const full = asked ? pollIntervalMs * (1 - this.#phase) : pollIntervalMs;
    const interval = pollIntervalMs > 0 ? Math.max(full - (clock.now() - begin), full / 2) : Number.POSITIVE_INFINITY;
    const delay = changing ? Math.min(interval, changingIntervalMs) : interval;
    if (delay !== Number.POSITIVE_INFINITY) this.#timer = clock.after(delay, () => void this.#lookNext(false));
  }

  #warn(warnings: readonly SourceWarning[]): void {
    const current = new Map(warnings.map((warning) => [`${warning.event} ${warning.message}`, warning]));
    for (const [key, { event, message, cause }] of current) {
      if (!this.#warned.has(key)) this.#options.report(event, { servable: this.#servable.name, message, cause });
    }
    this.#warned = new Set(current.keys());
  }
}
