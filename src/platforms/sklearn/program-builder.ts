import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import type { Link, TabularInput, TabularOperation, TabularOutput, TabularProgram } from "../../model/tabular-program.ts";
import { tabularSignatures } from "../../model/tabular-signatures.ts";

/** The alias of a model's only input. */
const ALIAS = "X";

/** Nodes of trees that are looked at without letting others have their turn. */
const TURN_NODES = 20_000;

/** What a method of an estimator answers. */
export interface Answer extends TabularOutput {
  /** Columns of a row, for an answer that is no vector. */
  readonly width: number;
}

/** Answers by method: `predict`, `predict_proba` and so on. */
export type Answers = ReadonlyMap<string, Answer>;

/** A step without the names of what it takes and gives. */
type Step = TabularOperation extends infer One ? (One extends TabularOperation ? Omit<One, "from" | "to"> : never) : never;

/** The steps of a program, as they come. */
export class ProgramBuilder {
  /** What the value is called that programs begin with. */
  static readonly INPUT = "input";
  readonly #operations: TabularOperation[] = [];
  readonly #signal: AbortSignal;
  #nodes = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Lets others have their turn when many nodes of trees were looked at. @throws ServingError when the signal aborts */
  async turn(nodes: number): Promise<void> {
    this.#nodes += nodes;
    if (this.#nodes < TURN_NODES) return;
    this.#nodes = 0;
    await setImmediate();
    throwIfAborted(this.#signal);
  }

  /** Adds a step; its value's name. */
  add(from: string, step: Step): string {
    const to = `${step.kind}-${this.#operations.length}`;
    this.#operations.push({ ...step, from, to } as TabularOperation);
    return to;
  }

  /** Adds links one after the other; the last value's name. */
  link(from: string, ...links: readonly Link[]): string {
    return links.reduce((value, link) => this.add(value, { kind: "link", link }), from);
  }

  /** The program that answers each method by a signature of its name; the first is the default. */
  program(answers: Answers, columns: number, bytes: number): TabularProgram {
    const inputs: readonly TabularInput[] = [
      { alias: ALIAS, value: ProgramBuilder.INPUT, type: "float64", columns, vector: false },
    ];
    const methods = new Map(Array.from(answers, ([method, answer]) => [method, [{ ...answer, alias: method }]] as const));
    return {
      runtime: "tabular",
      inputs,
      operations: this.#operations,
      ...tabularSignatures(inputs, methods),
      bytes,
    };
  }
}

/** A copy over memory that all threads share. */
export function shared(numbers: Float64Array): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(numbers.byteLength));
  copy.set(numbers);
  return copy;
}

/** An answer of one number for each row. */
export function vectorAnswer(value: string, dtype: TabularOutput["dtype"] = "float64"): Answer {
  return { value, dtype, vector: true, width: 1 };
}

/** An answer of several numbers for each row. */
export function matrixAnswer(value: string, width: number): Answer {
  return { value, dtype: "float64", vector: false, width };
}
