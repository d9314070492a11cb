import type { Log } from "../base/log.ts";
import type { ServingError } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import { servableKey } from "../core/servable-id.ts";
import type { ServableState } from "../core/servable-state.ts";
import type { ServableStateMonitor } from "../core/servable-state-monitor.ts";
import { MODEL_LOAD_DURATION } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { LoadReport } from "./platform-loader.ts";

/** One version as status tables show it. */
export interface ModelRow {
  readonly name: string;
  readonly version: bigint;
  readonly state: ServableState["managerState"];
  readonly error?: ServingError;
  /** What the last load of it found out. */
  readonly load?: LoadReport;
}

/** What the loads of versions found out: for the tables, the log and the metrics. */
export class LoadReports {
  readonly #monitor: ServableStateMonitor;
  readonly #shard: MetricsShard;
  readonly #log: Log;
  readonly #reports = new Map<string, LoadReport>();
  /** By model, the version that failed last. */
  readonly #lastFailed = new Map<string, string>();

  constructor(monitor: ServableStateMonitor, shard: MetricsShard, log: Log) {
    this.#monitor = monitor;
    this.#shard = shard;
    this.#log = log;
  }

  /** Takes note of how an attempt to load a version ended. */
  note(report: LoadReport): void {
    const { id, milliseconds, platform, why, error } = report;
    // Of a version that serves and could not be given another content, what it serves was loaded before.
    const serves = this.#monitor.state(id.name, id.version)?.managerState === "AVAILABLE";
    if (error === undefined || !serves) this.#reports.set(servableKey(id), report);
    const status = error === undefined ? "OK" : statusName(error.code);
    this.#shard.histogram(MODEL_LOAD_DURATION, id.name, status).observe(milliseconds / 1000);
    const fields = { model: id.name, version: String(id.version), platform, why, milliseconds: Math.round(milliseconds) };
    if (error === undefined) this.#log.info("model_loaded", fields);
    else
      this.#log.error("model_load_failed", {
        ...fields,
        code: statusName(error.code),
        error: error.message,
        err: error.cause,
      });
  }

  /** A version ended. Of one that failed the report stays for the tables, until another version of its model fails. */
  ended({ id, health }: ServableState): void {
    const key = servableKey(id);
    if (health === undefined) {
      this.#reports.delete(key);
      return;
    }
    const before = this.#lastFailed.get(id.name);
    if (before !== undefined && before !== key) this.#reports.delete(before);
    this.#lastFailed.set(id.name, key);
  }

  /** Every version known, by model in order of name, lowest version first. */
  rows(): readonly ModelRow[] {
    return [...this.#monitor.all()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, states]) => states.toReversed())
      .map(({ id, managerState, health }) => {
        const load = this.#reports.get(servableKey(id));
        return {
          name: id.name,
          version: id.version,
          state: managerState,
          ...(health && { error: health }),
          ...(load && { load }),
        };
      });
  }
}
