import { ServingError } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import type { Gauge } from "../metrics/cells.ts";
import { CONFIG_LAST_RELOAD, CONFIG_RELOADS } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { ReloadOutcome } from "../serving/admin.ts";

/** Counts changes of the set of served models by how they ended, and keeps when the last one went well. */
export class ReloadRecorder {
  readonly #shard: MetricsShard;
  readonly #last: Gauge;
  readonly #epochMs: () => number;

  /** `epochMs` is the time of day in milliseconds since 1970. */
  constructor(shard: MetricsShard, epochMs: () => number = Date.now) {
    this.#shard = shard;
    this.#last = shard.gauge(CONFIG_LAST_RELOAD);
    this.#epochMs = epochMs;
  }

  /** The first set is in force; not counted as a change. */
  began(): void {
    this.#last.set(Math.floor(this.#epochMs() / 1000));
  }

  /** Counts one change; passes on what it gives or throws. What does not throw went well unless `codeOf` says otherwise. */
  async record<Result>(
    change: () => Promise<Result>,
    codeOf: (result: Result) => ReloadOutcome["code"] = () => "ok",
  ): Promise<Result> {
    try {
      const result = await change();
      this.#count(codeOf(result));
      return result;
    } catch (reason) {
      this.failed(reason);
      throw reason;
    }
  }

  /** Counts one change that did not come about. */
  failed(reason: unknown): void {
    this.#count(ServingError.from(reason).code);
  }

  #count(code: ReloadOutcome["code"]): void {
    this.#shard.counter(CONFIG_RELOADS, code === "ok" ? "OK" : statusName(code)).add();
    if (code === "ok") this.began();
  }
}
