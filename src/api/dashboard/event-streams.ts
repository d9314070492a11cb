import { Buffer } from "node:buffer";
import type { Clock, Timer } from "../../base/clock.ts";
import type { DashboardEvents } from "../../serving/dashboard-call.ts";

/** What the streams of a thread are made of. */
export interface EventStreamsParts {
  readonly clock: Clock;
  /** Told whenever a stream comes or goes: how many there are now, and how many of them take figures. */
  readonly counted: (all: number, figures: number) => void;
  /** Most streams at once. */
  readonly most: number;
}

/** What comes first: how soon to come back, in milliseconds, when the stream breaks off. */
const OPENING = Buffer.from("retry: 2000\n\n");

/** A comment, which clients pass over: what lies between tells from a silence that the stream is alive. */
const HEARTBEAT = Buffer.from(":\n\n");
const HEARTBEAT_MS = 15_000;

/** Streams that an event reaches in one go, and milliseconds until the next ones: requests are answered in between. */
const AT_ONCE = 16;
const BETWEEN_MS = 5;

/**
 * The open event streams of one serving thread. All are sent the same bytes. One whose peer does not read misses what comes
 * meanwhile, the latest state and figures aside.
 */
export class EventStreams {
  readonly #parts: EventStreamsParts;
  readonly #streams = new Set<EventStream>();
  #withFigures = 0;
  /** The latest; unknown while there is no stream. */
  #state: Uint8Array | undefined;
  /** Which streams are to be woken yet, in turn; and whether they all are once more after that. */
  #round: Iterator<EventStream> | undefined;
  #again = false;
  #waking: Timer | undefined;
  #beating: Timer | undefined;
  #closed = false;

  constructor(parts: EventStreamsParts) {
    this.#parts = parts;
  }

  /** A new stream, with figures or without; undefined when there are too many, or the server stops. */
  open(figures: boolean): AsyncIterable<Uint8Array> | undefined {
    if (this.#closed || this.#streams.size >= this.#parts.most) return undefined;
    const stream = new EventStream(figures, () => this.#forget(stream));
    this.#streams.add(stream);
    if (figures) this.#withFigures++;
    if (this.#state !== undefined) stream.take({ topic: "state", chunk: this.#state });
    this.#beating ??= this.#beat();
    this.#count();
    return { [Symbol.asyncIterator]: () => stream };
  }

  /** Passes events on to the streams that take them. */
  send(events: DashboardEvents): void {
    if (this.#streams.size === 0) return;
    if (events.topic === "state") this.#state = events.chunk;
    for (const stream of this.#streams) stream.take(events);
    if (this.#round !== undefined) {
      this.#again = true;
      return;
    }
    this.#round = this.#streams.values();
    this.#wake();
  }

  /** Ends every stream; none is opened any more. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) void stream.return();
  }

  #wake(): void {
    this.#waking = undefined;
    for (let woken = 0; woken < AT_ONCE; ) {
      const next = this.#round?.next();
      if (next === undefined) return;
      if (next.done !== true) {
        if (next.value.wake()) woken++;
      } else {
        this.#round = this.#again ? this.#streams.values() : undefined;
        this.#again = false;
      }
    }
    this.#waking = this.#parts.clock.after(BETWEEN_MS, () => this.#wake());
  }

  #beat(): Timer {
    return this.#parts.clock.after(HEARTBEAT_MS, () => {
      for (const stream of this.#streams) stream.beat();
      this.#beating = this.#beat();
    });
  }

  #forget(stream: EventStream): void {
    if (!this.#streams.delete(stream)) return;
    if (stream.figures) this.#withFigures--;
    if (this.#streams.size === 0) {
      this.#state = undefined;
      this.#round = undefined;
      this.#again = false;
      this.#beating?.cancel();
      this.#waking?.cancel();
      this.#beating = undefined;
      this.#waking = undefined;
    }
    this.#count();
  }

  #count(): void {
    this.#parts.counted(this.#streams.size, this.#withFigures);
  }
}

type Step = IteratorResult<Uint8Array, undefined>;

const DONE: Step = { done: true, value: undefined };

/** One stream: an iterator that is asked for its next piece when its peer has room for it. */
class EventStream implements AsyncIterator<Uint8Array, undefined> {
  readonly figures: boolean;
  readonly #ended: () => void;
  /** What is to be sent next, the latest of each kind. */
  #first: Uint8Array | undefined = OPENING;
  #state: Uint8Array | undefined;
  #latest: Uint8Array | undefined;
  #asked: ((step: Step) => void) | undefined;
  #over = false;
  /** Whether nothing was sent since the last heartbeat. */
  #silent = false;

  constructor(figures: boolean, ended: () => void) {
    this.figures = figures;
    this.#ended = ended;
  }

  /** Keeps events until they are asked for or {@link wake} is called. */
  take({ topic, chunk }: DashboardEvents): void {
    if (topic === "state") this.#state = chunk;
    else if (this.figures) this.#latest = chunk;
  }

  /** Gives what is there to a peer that waits for it; false when it does not, or there is nothing. */
  wake(): boolean {
    const asked = this.#asked;
    if (asked === undefined) return false;
    const value = this.#piece();
    if (value === undefined) return false;
    this.#asked = undefined;
    asked({ done: false, value });
    return true;
  }

  /** Sends a heartbeat after a silence. */
  beat(): void {
    if (this.#silent && this.#asked !== undefined) {
      this.#first = HEARTBEAT;
      this.wake();
    }
    this.#silent = true;
  }

  next(): Promise<Step> {
    if (this.#over) return Promise.resolve(DONE);
    const value = this.#piece();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => {
      this.#asked = resolve;
    });
  }

  return(): Promise<Step> {
    if (!this.#over) {
      this.#over = true;
      this.#asked?.(DONE);
      this.#asked = undefined;
      this.#ended();
    }
    return Promise.resolve(DONE);
  }

  #piece(): Uint8Array | undefined {
    const parts = [this.#first, this.#state, this.#latest].filter((part) => part !== undefined);
    if (parts.length === 0) return undefined;
    this.#first = undefined;
    this.#state = undefined;
    this.#latest = undefined;
    this.#silent = false;
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }
}
