import type { Clock } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import type { Log } from "../base/log.ts";
import { NO_RUN_LIMITS, type RunLimits } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { BatchedSignature, BatchLimits } from "../model/batching.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import { WIDE } from "../model/test-batch-limits.ts";
import type { Signatures, TensorInfo } from "../tensor/signature.ts";
import type { NamedTensors, NumericTensor, Tensor } from "../tensor/tensor.ts";
import { ThreadBatching } from "./thread-batching.ts";
import type { Turns } from "./turns.ts";

/** One call of a {@link FakeServable}. */
export interface FakeRun {
  readonly inputs: NamedTensors;
  readonly wanted: readonly string[];
  readonly context: RunContext | undefined;
  /** Of a held run: how the test ends it. */
  readonly end: Deferred<void>;
}

type Answer = (inputs: NamedTensors, wanted: readonly string[]) => NamedTensors;

/** Gives every input back as an output of its name, or what the test says. Runs end at once, or when the test says. */
export class FakeServable implements Servable {
  readonly runtime = "onnxruntime";
  readonly signatures: Signatures;
  readonly runs: FakeRun[] = [];
  held = false;
  detached = false;
  answer: Answer = (inputs, wanted) => new Map(wanted.map((alias) => [alias, inputs.get(alias)!]));

  constructor(names: readonly string[] = ["x"]) {
    const infos = names.map((alias): TensorInfo => ({ alias, name: alias, dtype: "float32", shape: undefined }));
    const signature = { inputs: infos, outputs: infos, methodName: "m" };
    this.signatures = new Map([
      ["s", signature],
      ["t", signature],
    ]);
  }

  run(
    _signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const run: FakeRun = { inputs, wanted, context, end: deferred() };
    this.runs.push(run);
    return this.held ? run.end.promise.then(() => this.answer(inputs, wanted)) : this.answer(inputs, wanted);
  }

  detach(): void {
    this.detached = true;
  }
}

/** Turns that end when the test says so. */
export class FakeTurns implements Turns {
  readonly #ending: { endTurn(): void }[] = [];
  readonly #soon: (() => void)[] = [];

  atEnd(entry: { endTurn(): void }): void {
    this.#ending.push(entry);
  }

  soon(action: () => void): void {
    this.#soon.push(action);
  }

  /** Ends the turn, and lets what is due soon happen. */
  async end(): Promise<void> {
    for (const entry of this.#ending.splice(0)) entry.endTurn();
    for (const action of this.#soon.splice(0)) action();
    await settle();
  }
}

/** A batched fake and everything around it. */
export function batchedFake(
  limits: Partial<BatchLimits> = {},
  {
    mostRuns = 1,
    names = ["x"],
    unbatchedInputs = [],
    runLimits = NO_RUN_LIMITS,
  }: {
    mostRuns?: number;
    names?: readonly string[];
    unbatchedInputs?: readonly string[];
    runLimits?: RunLimits;
  } = {},
) {
  const clock = new FakeClock();
  let worked = 0;
  const threadClock: Clock = {
    now: () => clock.now() + worked,
    after: (delayMs, action) => clock.after(delayMs, action),
  };
  const turns = new FakeTurns();
  const logged: { event: string; fields: object | undefined }[] = [];
  const write = (event: string, fields?: object): void => void logged.push({ event, fields });
  const log: Log = { debugging: false, debug: write, info: write, warn: write, error: write };
  const inner = new FakeServable(names);
  const shard = new MetricsShard(() => undefined);
  const batching = new ThreadBatching({ clock: threadClock, turns, mostRuns, shard, log, runLimits });
  const most = limits.maxBatchSize ?? WIDE.maxBatchSize;
  const declared: BatchedSignature = { unbatchedInputs };
  const wrap = (servable: Servable, changed: Partial<BatchLimits> = limits): Servable =>
    batching.wrap(
      "m",
      1n,
      {
        runtime: "onnxruntime",
        signatures: servable.signatures,
        handle: undefined,
        batching: {
          limits: { ...WIDE, maxExecutionBatchSize: most, ...changed },
          signatures: new Map([...servable.signatures.keys()].map((name) => [name, declared])),
        },
      },
      servable,
    );
  const servable = wrap(inner);
  /** Asks for all inputs back as outputs. The outcome tells what became of it, once it is settled. */
  const ask = (inputs: Record<string, Tensor>, context?: RunContext, wanted = Object.keys(inputs)) => {
    const task: { outcome: NamedTensors | ServingError | undefined; promise: Promise<unknown> } = {
      outcome: undefined,
      promise: Promise.resolve(),
    };
    const keep = (outcome: unknown): void => {
      task.outcome = outcome instanceof Map ? outcome : ServingError.from(outcome);
    };
    try {
      const answer = servable.run("s", new Map(Object.entries(inputs)), wanted, context);
      if (answer instanceof Promise) task.promise = answer.then(keep, keep);
      else keep(answer);
    } catch (reason) {
      keep(reason);
    }
    return task;
  };
  /** Two requests in a turn of their own: those after them are not taken to come alone. */
  const makeBusy = async (): Promise<void> => {
    ask({ x: floats([1]) });
    ask({ x: floats([1]) });
    await turns.end();
    inner.runs.length = 0;
  };
  /** Holds up the thread. */
  const work = (milliseconds: number): void => {
    worked += milliseconds;
  };
  return { clock, work, turns, logged, inner, shard, servable, wrap, ask, makeBusy };
}

/** A column of floats: one row for each value. */
export function floats(values: readonly number[]): NumericTensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

/** A tensor of floats. */
export function shaped(shape: readonly number[], values: readonly number[]): NumericTensor {
  return { dtype: "float32", shape, data: Float32Array.from(values) };
}

/** What a task got: values of one output, `CODE: message` of an error, undefined while it waits. */
export function got(task: { readonly outcome: NamedTensors | ServingError | undefined }, alias = "x"): unknown {
  const { outcome } = task;
  if (outcome instanceof ServingError) return `${outcome.code}: ${outcome.message}`;
  const data = outcome?.get(alias)?.data;
  return data === undefined ? undefined : [...(data as Float32Array)];
}
