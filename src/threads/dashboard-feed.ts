import { Buffer } from "node:buffer";
import type { Timer } from "../base/clock.ts";
import type { DashboardCall, DashboardEvents, DashboardTopic } from "../serving/dashboard-call.ts";
import { dashboardState, type KnownModels, modelHistory, type ServerIdentity } from "./dashboard-state.ts";
import { FiguresSamples, type FiguresSamplesParts } from "./figures-samples.ts";
import type { DashboardSide } from "./thread-pool.ts";

/** What a feed works with. */
export interface DashboardFeedParts extends FiguresSamplesParts {
  readonly models: KnownModels;
  readonly server: ServerIdentity;
  /** Sends events to the streams of one thread. */
  readonly tell: (thread: number, events: DashboardEvents) => void;
}

/** Milliseconds between two samples: with figures of a hundred busy versions one takes less than a millisecond. */
const SAMPLE_MS = 1000;

/** Milliseconds between two states at least, and how long a change waits for others that come with it. */
const STATE_MS = 250;
const TOGETHER_MS = 20;

/** Most samples that one message holds: no stream waits longer for figures, however many there are. */
const MOST_TOGETHER = 60;

/** The share of one core that all figures may take, and all states. */
const SHARE = 0.005;

/** Microseconds that one message to one stream costs, 9 to 17 by `benchmark/dashboards.mjs`, and each KiB of it, which is an estimate. */
const MESSAGE_MICROSECONDS = 15;
const KIBIBYTE_MICROSECONDS = 1;

/**
 * The control thread's side of the dashboards: answers what they ask, and makes each event once for all that watch. Events are
 * rarer the more streams there are, so that all together cost a small share of one core.
 *
 * A sample of the figures is taken every second whether or not anyone looks, so that who comes sees the last minutes: without a call
 * that is one look at each version and thread.
 */
export class DashboardFeed implements DashboardSide {
  readonly #parts: DashboardFeedParts;
  readonly #samples: FiguresSamples;
  readonly #watching = new Map<number, { readonly all: number; readonly figures: number }>();
  /** Samples that streams have not been sent yet, oldest first. */
  #unsent: string[] = [];
  #sentFiguresAt = Number.NEGATIVE_INFINITY;
  #sentStateAt = Number.NEGATIVE_INFINITY;
  /** As it was last made; undefined when something has changed since. */
  #state: Buffer | undefined;
  /** Its length when it was last made. */
  #stateBytes = 0;
  #sampling: Timer;
  #sending: Timer | undefined;

  constructor(parts: DashboardFeedParts) {
    this.#parts = parts;
    this.#samples = new FiguresSamples(parts);
    this.#sampling = parts.clock.after(SAMPLE_MS, () => this.#sample());
  }

  answer(call: DashboardCall, thread: number): Uint8Array | undefined {
    switch (call.kind) {
      case "state":
        return this.#stateJson();
      case "figures":
        return this.#samples.history();
      case "history": {
        const events = this.#parts.models.history(call.model);
        return events && Buffer.from(JSON.stringify(modelHistory(events)));
      }
      case "watchers":
        this.#note(thread, call);
        return undefined;
    }
  }

  forget(thread: number): void {
    this.#watching.delete(thread);
  }

  /** Something of the state is another: who watches is told, once for all that changes at about the same time. */
  changed(): void {
    this.#state = undefined;
    if (this.#watching.size === 0 || this.#sending !== undefined) return;
    const { clock } = this.#parts;
    const wait = this.#sentStateAt + Math.max(STATE_MS, this.#pauseMs("all", this.#stateBytes)) - clock.now();
    this.#sending = clock.after(Math.max(TOGETHER_MS, wait), () => {
      this.#sending = undefined;
      this.#sentStateAt = clock.now();
      this.#send("state", this.#stateEvent());
    });
  }

  /** Nothing is sampled or sent any more. */
  stop(): void {
    this.#sampling.cancel();
    this.#sending?.cancel();
  }

  /** The first stream of a thread gets the state at once, from which its thread serves the later ones. */
  #note(thread: number, { all, figures }: { readonly all: number; readonly figures: number }): void {
    const before = this.#watching.get(thread);
    if (all > 0) this.#watching.set(thread, { all, figures });
    else this.#watching.delete(thread);
    if (before === undefined && all > 0) this.#parts.tell(thread, { topic: "state", chunk: this.#stateEvent() });
  }

  #sample(): void {
    const { clock } = this.#parts;
    this.#sampling = clock.after(SAMPLE_MS, () => this.#sample());
    const sample = this.#samples.take();
    if (this.#count("figures") === 0) {
      this.#unsent = [];
      return;
    }
    this.#unsent.push(sample);
    // Half a sample early is on time: timers are a little late, and by a different little each time.
    const due = this.#sentFiguresAt + this.#pauseMs("figures", sample.length) - SAMPLE_MS / 2;
    if (clock.now() < due && this.#unsent.length < MOST_TOGETHER) return;
    this.#sentFiguresAt = clock.now();
    const events = this.#unsent.map((each) => `event: figures\ndata: ${each}\n\n`);
    this.#unsent = [];
    this.#send("figures", Buffer.from(events.join("")));
  }

  #send(topic: DashboardTopic, chunk: Uint8Array): void {
    for (const [thread, { all, figures }] of this.#watching) {
      if ((topic === "state" ? all : figures) > 0) this.#parts.tell(thread, { topic, chunk });
    }
  }

  #count(topic: "all" | "figures"): number {
    let count = 0;
    for (const watchers of this.#watching.values()) count += watchers[topic];
    return count;
  }

  /** How long to wait between two messages of this size to all. */
  #pauseMs(topic: "all" | "figures", bytes: number): number {
    const each = MESSAGE_MICROSECONDS + (bytes / 1024) * KIBIBYTE_MICROSECONDS;
    return (this.#count(topic) * each) / 1000 / SHARE;
  }

  #stateEvent(): Uint8Array {
    return Buffer.concat([Buffer.from("event: state\ndata: "), this.#stateJson(), Buffer.from("\n\n")]);
  }

  #stateJson(): Buffer {
    this.#state ??= Buffer.from(JSON.stringify(dashboardState(this.#parts.models, this.#parts.server)));
    this.#stateBytes = this.#state.length;
    return this.#state;
  }
}
