import type { JsonWorker, OpenedBody, OpenedStfsBody } from "../api/tfs-rest/json-worker.ts";
import { throwIfAborted } from "../base/abort.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { PredictFormat, PredictInputs } from "../codec/json/predict-inputs.ts";
import type { StfsInputs } from "../codec/json/stfs-data.ts";
import type { StfsHead } from "../codec/json/stfs-document.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import { hasOwnMemory } from "../transport/own-memory.ts";
import type { JsonThreadLink, StartJsonThread } from "./json-thread-link.ts";
import type { JsonRequest } from "./json-work.ts";
import { Tickets } from "./tickets.ts";

/** Pieces of work that wait at once; their memory is counted where it was received. */
const MOST_WAITING = 64;

/** A thread without work is ended after this: what it has taken for large bodies it gives back by ending. */
const IDLE_MS = 10_000;

/** What {@link JsonThreads} is made of. */
export interface JsonThreadsParts {
  readonly start: StartJsonThread;
  readonly clock: Clock;
  readonly log: Log;
}

/** A thread that runs, and what it was asked. */
interface Session {
  readonly link: JsonThreadLink;
  readonly tickets: Tickets<JsonRequest>;
}

/**
 * One serving thread's way to have large JSON read and written: one thread beside it, started when there is work, ended when there
 * is none, replaced when it dies. It does one piece of work at a time, in the order asked; what waits stays with the serving thread.
 */
export class JsonThreads implements JsonWorker {
  readonly #parts: JsonThreadsParts;
  readonly #waiting: Deferred<void>[] = [];
  #session: Session | undefined;
  #busy = false;
  #idle: Timer | undefined;
  #closed = false;

  constructor(parts: JsonThreadsParts) {
    this.#parts = parts;
  }

  async open(body: Uint8Array, signal: AbortSignal): Promise<OpenedBody> {
    const { turn, answer } = await this.#open("open", body, signal);
    return {
      signatureName: answer as string,
      readInputs: async (inputs, rowwise, images) =>
        (await turn.ask({ kind: "inputs", inputs, rowwise, images })) as PredictInputs,
      readExamples: async (method) => (await turn.ask({ kind: "examples", method })) as StringArray,
      close: () => turn.end(),
    };
  }

  async openStfs(body: Uint8Array, signal: AbortSignal): Promise<OpenedStfsBody> {
    const { turn, answer } = await this.#open("open-stfs", body, signal);
    return {
      head: answer as StfsHead,
      readInputs: async (inputs, rowwise) => (await turn.ask({ kind: "inputs", inputs, rowwise })) as StfsInputs,
      close: () => turn.end(),
    };
  }

  async #open(
    kind: "open" | "open-stfs",
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<{ readonly turn: Turn; readonly answer: unknown }> {
    const turn = await this.#turn(signal);
    try {
      return { turn, answer: await turn.ask({ kind, body: hasOwnMemory(body) ? body : body.slice() }) };
    } catch (reason) {
      turn.end();
      throw reason;
    }
  }

  async write(format: PredictFormat, outputs: NamedTensors, signal: AbortSignal, missing?: boolean): Promise<Uint8Array> {
    const turn = await this.#turn(signal);
    try {
      // Where an engine's outputs lie is its business; copies can be moved.
      const copies = new Map([...outputs].map(([alias, tensor]) => [alias, copyOf(tensor)]));
      return (await turn.ask({ kind: "write", format, outputs: copies, missing })) as Uint8Array;
    } finally {
      turn.end();
    }
  }

  /** Ends the thread; what is being done, waits or is asked later is refused. */
  close(): void {
    this.#closed = true;
    this.#idle?.cancel();
    this.#session?.link.end();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closing());
  }

  /** Waits for the thread to be free. */
  async #turn(signal: AbortSignal): Promise<Turn> {
    throwIfAborted(signal);
    if (this.#closed) throw closing();
    if (this.#busy) {
      if (this.#waiting.length >= MOST_WAITING) {
        throw new ServingError("unavailable", `${MOST_WAITING} large requests wait to be read already, try again later`);
      }
      const waiting = deferred<void>();
      this.#waiting.push(waiting);
      await abortable(waiting.promise, signal, () => {
        const place = this.#waiting.indexOf(waiting);
        if (place >= 0) this.#waiting.splice(place, 1);
        // Its turn has come in the same moment.
        else this.#next();
      });
    }
    this.#busy = true;
    this.#idle?.cancel();
    try {
      this.#session ??= this.#start();
    } catch (reason) {
      this.#next();
      throw reason;
    }
    return new Turn(this.#session, signal, () => this.#next());
  }

  #next(): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve();
      return;
    }
    this.#busy = false;
    this.#idle = this.#parts.clock.after(IDLE_MS, () => {
      const session = this.#session;
      this.#session = undefined;
      session?.link.end();
    });
  }

  #start(): Session {
    const { start, log } = this.#parts;
    const link = start({
      answered: (answer) => tickets.settle(answer),
      ended: (reason) => {
        if (this.#session === session) {
          this.#session = undefined;
          if (!this.#closed) log.error("json_thread_ended", { err: reason });
        }
        tickets.abandon(new ServingError("unavailable", "the thread that reads and writes large JSON has failed, try again"));
      },
    });
    const tickets = new Tickets<JsonRequest>((message) => link.post(message));
    const session = { link, tickets };
    return session;
  }
}

/** One piece of work's hold on the thread. */
class Turn {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #over: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(session: Session, signal: AbortSignal, over: () => void) {
    this.#session = session;
    this.#signal = signal;
    this.#over = over;
  }

  async ask(request: JsonRequest): Promise<unknown> {
    throwIfAborted(this.#signal);
    const answer = this.#session.tickets.ask(request);
    this.#last = answer.catch(() => undefined);
    return await abortable(answer, this.#signal);
  }

  /** Lets the next have the thread, once it has done what it was asked: nothing interrupts that. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#last.then(() => {
      this.#session.link.post({ kind: "close" });
      this.#over();
    });
  }
}

/** Rejects with the signal's reason when that comes before the promise settles; `aborted` is called first. */
function abortable<Value>(promise: Promise<Value>, signal: AbortSignal, aborted?: () => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      aborted?.();
      reject(signal.reason);
    };
    const settled = () => signal.removeEventListener("abort", leave);
    signal.addEventListener("abort", leave, { once: true });
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (reason: unknown) => {
        settled();
        reject(reason);
      },
    );
  });
}

function copyOf(tensor: Tensor): Tensor {
  if (tensor.dtype !== "string") return { ...tensor, data: tensor.data.slice() };
  const { length, offsets, bytes } = tensor.data;
  return { ...tensor, data: { length, offsets: offsets.slice(), bytes: bytes.slice() } };
}

function closing(): ServingError {
  return new ServingError("unavailable", "the server is stopping");
}
