import fc from "fast-check";
import { expect, test } from "vitest";
import { abortError } from "../base/abort.ts";
import { settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { BatchLimits } from "../model/batching.ts";
import { ARRAY_TYPES, type NumericDType } from "../tensor/dtype.ts";
import { stringTensor, type Tensor } from "../tensor/tensor.ts";
import { batchedFake, floats, got } from "./fake-batching.ts";

const DTYPES: readonly (NumericDType | "string")[] = ["float32", "int64", "complex64", "bool", "string"];

interface Asked {
  readonly rows: number;
  readonly inner: readonly number[];
  readonly dtype: NumericDType | "string";
  readonly seed: number;
  /** Before the task comes: nothing, the end of the turn, the end of the oldest run, some time. */
  readonly before: "nothing" | "turn" | "run" | "time";
}

const asked: fc.Arbitrary<Asked> = fc.record({
  rows: fc.integer({ min: 0, max: 6 }),
  inner: fc.constantFrom<readonly number[]>([], [2], [3], [1, 2]),
  dtype: fc.constantFrom(...DTYPES),
  seed: fc.integer({ min: 1, max: 200 }),
  before: fc.constantFrom("nothing", "turn", "run", "time"),
});

const limits: fc.Arbitrary<Partial<BatchLimits>> = fc.oneof(
  fc.record({
    maxBatchSize: fc.constant(8),
    maxExecutionBatchSize: fc.constant(8),
    batchTimeoutMs: fc.constantFrom(0, 3),
    maxEnqueuedBatches: fc.constant(1000),
    allowedBatchSizes: fc.constantFrom<readonly number[]>([], [3, 8]),
  }),
  fc.record({
    maxBatchSize: fc.constant(8),
    maxExecutionBatchSize: fc.integer({ min: 1, max: 4 }),
    splitsLargeBatches: fc.constant(true),
    maxEnqueuedBatches: fc.constant(1000),
  }),
);

function tensorOf({ rows, inner, dtype, seed }: Asked): Tensor {
  const shape = [rows, ...inner];
  const count = shape.reduce((product, size) => product * size, 1);
  if (dtype === "string")
    return stringTensor(
      shape,
      Array.from({ length: count }, (_, i) => "x".repeat((seed * (i + 1)) % 7)),
    );
  const { array, width } = ARRAY_TYPES[dtype];
  const data = new array(count * width);
  for (let i = 0; i < data.length; i++) data[i] = (dtype === "int64" ? BigInt(seed + i) : (seed + i) % 251) as never;
  return { dtype, shape, data };
}

test("however requests come and runs end, each gets what it would get alone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { maxLength: 14 }), limits, fc.boolean(), async (tasks, chosen, held) => {
      const { ask, turns, clock, inner } = batchedFake(chosen, { mostRuns: 2 });
      inner.held = held;
      let ended = 0;
      const endRun = async (): Promise<void> => {
        inner.runs[ended++]?.end.resolve();
        await settle();
      };
      const outcomes = [];
      for (const task of tasks) {
        if (task.before === "turn") await turns.end();
        else if (task.before === "run" && ended < inner.runs.length) await endRun();
        else if (task.before === "time") await clock.advance(2);
        outcomes.push(ask({ x: tensorOf(task) }));
      }
      await turns.end();
      await clock.advance(10);
      while (held && ended < inner.runs.length) await endRun();
      await settle();
      expect(outcomes.map(({ outcome }) => (outcome as Map<string, Tensor>).get("x"))).toEqual(tasks.map(tensorOf));
    }),
    { numRuns: 60 },
  );
});

type Step =
  | { readonly kind: "ask"; readonly rows: number; readonly bad: boolean }
  | { readonly kind: "leave"; readonly task: number }
  | { readonly kind: "end"; readonly run: number }
  | { readonly kind: "turn" | "time" };

const BAD = 13;

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant("ask"), rows: fc.integer({ min: 0, max: 7 }), bad: fc.boolean() }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant("leave"), task: fc.nat(9) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant("end"), run: fc.nat(3) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constantFrom("turn", "time") }), weight: 2 },
);

test("however callers leave and runs fail, each is settled by its own fault only, and no run goes on that none waits for", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 24 }), limits, fc.boolean(), async (steps, chosen, wrongRows) => {
    const { ask, turns, clock, inner } = batchedFake(chosen, { mostRuns: 2 });
    inner.held = true;
    inner.answer = (inputs) => {
      const data = inputs.get("x")!.data as Float32Array;
      if (data.includes(BAD)) throw new ServingError("invalid-argument", `bad among ${data.length}`);
      return wrongRows ? new Map([["x", floats([...data, 0])]]) : inputs;
    };
    const open = new Set<(typeof inner.runs)[number]>();
    let seen = 0;
    const tasks: { values: readonly number[]; caller: AbortController; asked: ReturnType<typeof ask> }[] = [];
    const look = (): void => {
      for (; seen < inner.runs.length; seen++) open.add(inner.runs[seen]!);
      if (open.size > 0) expect(tasks.some(({ asked }) => asked.outcome === undefined)).toBe(true);
    };
    const endRun = async (index: number): Promise<void> => {
      const run = [...open][index % open.size]!;
      open.delete(run);
      const { signal } = run.context!;
      if (signal.aborted) run.end.reject(abortError(signal));
      else run.end.resolve();
      await settle();
    };
    const take = async (taken: Step): Promise<void> => {
      if (taken.kind === "ask") {
        const values = Array.from({ length: taken.rows }, (_, row) => 100 * (tasks.length + 1) + row);
        if (taken.bad && taken.rows > 0) values[taken.rows - 1] = BAD;
        const caller = new AbortController();
        tasks.push({ values, caller, asked: ask({ x: floats(values) }, caller) });
      } else if (taken.kind === "leave") tasks[taken.task]?.caller.abort();
      else if (taken.kind === "end" && open.size > 0) await endRun(taken.run);
      else if (taken.kind === "turn") await turns.end();
      else await clock.advance(2);
      await settle();
      look();
    };
    for (const taken of steps) await take(taken);
    await turns.end();
    await clock.advance(10);
    for (look(); open.size > 0; look()) await endRun(0);
    for (const { values, caller, asked } of tasks) {
      const whole = [...values, ...(wrongRows ? [0] : [])];
      const own = values.includes(BAD) ? `invalid-argument: bad among` : whole;
      const outcome = got(asked);
      if (outcome === "cancelled: the call was cancelled") expect(caller.signal.aborted).toBe(true);
      else if (typeof own === "string") expect(outcome).toContain(own);
      else expect(outcome).toEqual(own);
    }
  });
  await fc.assert(property, { numRuns: 300 });
});
