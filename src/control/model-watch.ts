import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import type { ModelSet } from "./model-set.ts";
import { Poller } from "./poller.ts";
import { sameModels } from "./same-models.ts";

/** What a watch is made of. */
export interface ModelWatchParts {
  readonly models: ModelSet;
  /** What the set was when it was read first. */
  readonly initial: readonly ModelConfig[];
  /** Whether a model that was found by looking stays when it has no version any more. */
  readonly keepEmptied: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** The models configured now. */
  readonly current: () => readonly ModelConfig[];
  /**
   * Serves these models from now on, or rejects with a ServingError and changes nothing. `demanded` when somebody asked for a
   * reading now, rather than that a look found the set changed.
   */
  readonly apply: (models: readonly ModelConfig[], demanded: boolean) => Promise<void>;
  /** Is told when the set could not be read. */
  readonly unreadable: (reason: unknown) => void;
}

/**
 * Reads a set of models again, at its interval and on demand, and applies it: at the interval when it is another one than was
 * read last, on demand in any case. Readings come one after the other.
 */
export class ModelWatch {
  readonly #parts: ModelWatchParts;
  readonly #poller: Poller | undefined;
  #known: readonly ModelConfig[];
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(parts: ModelWatchParts) {
    const { models, initial, clock } = parts;
    this.#parts = parts;
    this.#known = initial;
    if (models.pollIntervalMs !== undefined) {
      this.#poller = new Poller(
        () => this.#inTurn(() => this.#read(false)),
        models.pollIntervalMs,
        clock,
        (reason) => this.#report(reason),
      );
    }
  }

  /** Reads the set now and applies it. Never rejects: what goes wrong is logged, and changes nothing. */
  async reload(): Promise<void> {
    await this.#inTurn(() => this.#read(true)).catch((reason: unknown) => this.#report(reason));
  }

  /**
   * Makes the set be what is in force once no reading is under way, so that the next look does not take that for a change by somebody
   * else. `write` is given that, and what the set was when it was last applied or written. Resolves with what was written; rejects as
   * `write` does.
   */
  async write(
    write: (models: readonly ModelConfig[], known: readonly ModelConfig[]) => Promise<void>,
  ): Promise<readonly ModelConfig[]> {
    return await this.#inTurn(async () => {
      const models = this.#parts.current();
      await write(models, this.#known);
      this.#known = models;
      return models;
    });
  }

  /** Reads no more. */
  stop(): void {
    this.#stopped = true;
    this.#poller?.stop();
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #read(demanded: boolean): Promise<void> {
    if (this.#stopped) return;
    const { models, keepEmptied, current, apply, unreadable } = this.#parts;
    const read = await models.read(current()).catch((reason: unknown) => {
      unreadable(reason);
      throw reason;
    });
    const found = keepEmptied && models.discovers ? withEmptied(read, this.#known) : read;
    if (this.#stopped || (!demanded && sameModels(found, this.#known))) return;
    // A list that is refused now may be allowed later, as when a label waits for its version: it stays to be done.
    await apply(found, demanded).catch(async (reason: unknown) => {
      throw models.placed === undefined ? reason : await models.placed(reason);
    });
    this.#known = found;
  }

  #report(reason: unknown): void {
    const error = ServingError.from(reason);
    const cause = error === reason ? {} : { err: reason };
    this.#parts.log.warn("models_not_reloaded", { error: error.message, ...cause });
  }
}

/** What was found, and the models that were found before and have no version now. */
function withEmptied(found: readonly ModelConfig[], known: readonly ModelConfig[]): readonly ModelConfig[] {
  const names = new Set(found.map(({ name }) => name));
  return [...found, ...known.filter(({ name }) => !names.has(name))];
}
