import type { Clock, Timer } from "../base/clock.ts";
import type { BatchQueue } from "./batch-queue.ts";
import { type BatchTarget, runBatch } from "./run-batch.ts";
import type { Task } from "./task.ts";
import type { Turns } from "./turns.ts";

/** Timers are whole milliseconds; a shorter wait is spent between turns. */
const SHORTEST_TIMER_MS = 1;
/** Callers are listened to after so long: a signal costs some microseconds to make, and most tasks are over before that. */
const WATCHED_AFTER_MS = 2;
/** Runs on this thread may hold up its sockets for so long before the next batches wait. */
const LATE_MS = 4;
/** The same while there is no more room for what has come. */
const CROWDED_MS = 20;
/** From so many milliseconds of runs on, the scheduler asks to be told when the sockets were looked at: seldom, for that costs. */
const NOTED_MS = 1;

/** One queue as the scheduler sees it. */
export interface ScheduledQueue {
  readonly queue: BatchQueue;
  /** Whether it is among the scheduler's: the scheduler's own note. */
  listed: boolean;
  readonly target: BatchTarget & {
    /** Whether its last run was over at once: such runs take no thread but this one and need not wait for another's end. */
    short: boolean;
  };
}

/**
 * Runs the batches of one thread, of all models: queues take turns, and so many runs go on at once. What arrives in a turn of the event
 * loop is looked at when the turn ends, so requests that come together run together, and none waits for others that might come
 * unless its queue says so. Runs that are over at once are done in slices between looks at the sockets: a thread that is asked for too
 * much so knows what waits, and larger batches wait for it.
 */
export class BatchScheduler {
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #mostRuns: number;
  #runs = 0;
  /** Milliseconds of runs on this thread since it last looked at its sockets, as far as it was told. */
  #spent = 0;
  #noted = false;
  /** Queues with something in them, in the order of their next turn. */
  readonly #active: ScheduledQueue[] = [];
  /** Tasks whose callers nobody listens to yet; a timer runs while there are any. */
  #unwatched: Task[] = [];
  /** Tasks that came in this turn and in the last one that had any. */
  #arrivals = 0;
  #arrivalsBefore = 0;
  #pumping = false;
  #waiting: { readonly due: number; readonly timer: Timer | undefined } | undefined;

  /** `mostRuns` runs that are not over at once may go on together. */
  constructor(parts: { readonly clock: Clock; readonly turns: Turns; readonly mostRuns: number }) {
    this.#clock = parts.clock;
    this.#turns = parts.turns;
    this.#mostRuns = parts.mostRuns;
  }

  /** The time by which tasks are dated. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Notes that a task has come. True when it may as well be run by its caller at once: nothing waits, and the last turn says that it
   * is alone in this one.
   */
  arrived(short: boolean): boolean {
    if (this.#arrivals++ === 0) this.#turns.atEnd(this);
    return (
      this.#arrivals === 1 && this.#arrivalsBefore <= 1 && this.#active.length === 0 && (short || this.#runs < this.#mostRuns)
    );
  }

  /** Counts a run that a caller has begun by itself, until it has ended. */
  count(running: Promise<unknown>): void {
    this.#runs++;
    const ended = (): void => this.#ended();
    running.then(ended, ended);
  }

  /** Queues a task. @throws ServingError unavailable when there is no room. */
  submit(entry: ScheduledQueue, task: Task): void {
    entry.queue.put(task, () => this.#pump(CROWDED_MS));
    if (!entry.listed) {
      entry.listed = true;
      this.#active.push(entry);
    }
    if (this.#unwatched.push(task) === 1) this.#clock.after(WATCHED_AFTER_MS, () => this.#watch());
  }

  endTurn(): void {
    this.#arrivalsBefore = this.#arrivals;
    this.#arrivals = 0;
    if (this.#active.length > 0) this.#pump(LATE_MS);
  }

  /** Resolves after the thread has looked at its sockets. */
  pause(): Promise<void> {
    return new Promise((resolve) => this.#turns.soon(resolve));
  }

  #watch(): void {
    const tasks = this.#unwatched;
    this.#unwatched = [];
    for (const task of tasks) task.watch();
  }

  /** Starts what may start, `longest` milliseconds of runs on this thread. */
  #pump(longest: number): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      const now = this.#clock.now();
      for (let entry = this.#next(now, longest); entry !== undefined; entry = this.#next(now, longest)) this.#start(entry);
    } finally {
      this.#pumping = false;
    }
    this.#await();
  }

  /** The next queue with a batch that may be run; it goes to the end of the line. */
  #next(now: number, longest: number): ScheduledQueue | undefined {
    const active = this.#active;
    for (let index = 0; index < active.length; index++) {
      const entry = active[index]!;
      if (entry.queue.empty) {
        active.splice(index--, 1);
        entry.listed = false;
      } else if (this.#mayRun(entry, longest) && entry.queue.due <= now) {
        active.splice(index, 1);
        active.push(entry);
        return entry;
      }
    }
    return undefined;
  }

  #mayRun({ target }: ScheduledQueue, longest: number): boolean {
    return target.short ? this.#spent < longest : this.#runs < this.#mostRuns;
  }

  #start({ queue, target }: ScheduledQueue): void {
    const began = this.#clock.now();
    this.#runs++;
    const running = runBatch(queue.take(began), target, queue.wanted);
    target.short = running === undefined;
    if (running === undefined) {
      this.#runs--;
      this.#note(this.#clock.now() - began);
    } else void running.then(() => this.#ended());
  }

  /** Adds up what was run on this thread. */
  #note(milliseconds: number): void {
    this.#spent += milliseconds;
    if (this.#spent < NOTED_MS || this.#noted) return;
    this.#noted = true;
    this.#turns.soon(() => {
      this.#noted = false;
      this.#spent = 0;
      if (this.#active.length > 0) this.#pump(LATE_MS);
    });
  }

  #ended(): void {
    this.#runs--;
    this.#pump(LATE_MS);
  }

  /** Sees to it that the batch that is due next is not forgotten. */
  #await(): void {
    let due = Number.POSITIVE_INFINITY;
    for (const entry of this.#active) {
      if (!entry.queue.empty && this.#mayRun(entry, LATE_MS)) due = Math.min(due, entry.queue.due);
    }
    if (due === Number.POSITIVE_INFINITY || (this.#waiting !== undefined && this.#waiting.due <= due)) return;
    this.#waiting?.timer?.cancel();
    const left = due - this.#clock.now();
    const waiting: { due: number; timer: Timer | undefined } = { due, timer: undefined };
    this.#waiting = waiting;
    const look = (): void => {
      if (this.#waiting !== waiting) return;
      this.#waiting = undefined;
      this.#pump(LATE_MS);
    };
    if (left < SHORTEST_TIMER_MS) this.#turns.soon(look);
    else waiting.timer = this.#clock.after(Math.floor(left), look);
  }
}
