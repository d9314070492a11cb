import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import type { TabularOperation } from "../../model/tabular/tabular-program.ts";
import type { AddStep, ReadXgboost } from "../pickled-booster.ts";

/** Bytes or nodes that are looked at without letting others have their turn: about 5 ms. */
const TURN = 200_000;

/** The steps of a program, as they come. */
export class ProgramBuilder {
  readonly operations: TabularOperation[] = [];
  readonly signal: AbortSignal;
  readonly readXgboost: ReadXgboost;
  #work = 0;

  constructor(signal: AbortSignal, readXgboost: ReadXgboost) {
    this.signal = signal;
    this.readXgboost = readXgboost;
  }

  /** Adds a step; its value's name. */
  readonly add: AddStep = (from, step) => {
    const to = `${step.kind}-${this.operations.length}`;
    this.operations.push({ ...step, from, to } as TabularOperation);
    return to;
  };

  /** Lets others have their turn when much was looked at. @throws ServingError when the signal aborts */
  async turn(work: number): Promise<void> {
    this.#work += work;
    if (this.#work < TURN) return;
    this.#work = 0;
    await setImmediate();
    throwIfAborted(this.signal);
  }
}
