import fc from "fast-check";
import { expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import type { BatchLimits } from "../model/batching.ts";
import { ARRAY_TYPES, type NumericDType } from "../tensor/dtype.ts";
import { stringTensor, type Tensor } from "../tensor/tensor.ts";
import { batchedFake } from "./fake-batching.ts";

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
