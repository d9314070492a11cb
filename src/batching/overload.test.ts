import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { RefusedError } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import { batchedFake, floats, got } from "./fake-batching.ts";

describe("a thread that is asked to run more batches than it can", () => {
  test("looks at its sockets after some milliseconds of short runs, and goes on then", async () => {
    const { ask, turns, inner, work, makeBusy } = batchedFake({ maxBatchSize: 1 });
    await makeBusy();
    inner.answer = (inputs) => {
      work(3);
      return inputs;
    };
    const tasks = [1, 2, 3, 4, 5].map((value) => ask({ x: floats([value]) }));
    await turns.end();
    expect(inner.runs.length).toBe(4);
    await turns.end();
    expect(tasks.map((task) => got(task))).toEqual([[1], [2], [3], [4], [5]]);
  });

  test("refuses what does not fit into the queue although short runs make room for a while", async () => {
    const { ask, turns, inner, work, makeBusy } = batchedFake({ maxBatchSize: 1, maxEnqueuedBatches: 2 });
    await makeBusy();
    inner.answer = (inputs) => {
      work(3);
      return inputs;
    };
    const tasks = Array.from({ length: 40 }, (_, value) => ask({ x: floats([value]) }));
    for (let turn = 0; turn < 3; turn++) await turns.end();
    const refused = tasks.filter((task) => String(got(task)).startsWith("unavailable: The batch scheduling queue"));
    expect(refused.length).toBe(40 - inner.runs.length);
    expect(inner.runs.length).toBeLessThan(20);
  });

  test("refuses what would wait too long, of the signature that it is, and no more once the queue is short", async () => {
    const runLimits = { maxDelayMs: 20, alwaysWaiting: 2 };
    const { ask, turns, clock, inner, servable, makeBusy } = batchedFake(
      { maxBatchSize: 1, maxEnqueuedBatches: 100 },
      { runLimits },
    );
    await makeBusy();
    inner.held = true;
    const tasks = Array.from({ length: 9 }, (_, value) => ask({ x: floats([value]) }));
    await turns.end();
    const endOne = async (): Promise<void> => {
      await clock.advance(10);
      inner.runs.at(-1)!.end.resolve();
      await settle();
    };
    for (let run = 0; run < 3; run++) await endOne();
    expect(got(ask({ x: floats([10]) }))).toBe(
      "resource-exhausted: the model run would wait 40 ms, longer than 20 ms; try again later",
    );
    expect(() => servable.admit!("s")).toThrow(RefusedError);
    servable.admit!("t");

    for (let run = 0; run < 3; run++) await endOne();
    servable.admit!("s");
    while (inner.runs.length < 9) await endOne();
    await endOne();
    expect(tasks.map((task) => got(task))).toEqual(tasks.map((_, value) => [value]));
  });

  test("is not one that gathers a large batch from many callers at once", async () => {
    const { ask, turns, makeBusy } = batchedFake({}, { runLimits: { maxDelayMs: 1, alwaysWaiting: 2 } });
    await makeBusy();
    const tasks = Array.from({ length: 500 }, (_, value) => ask({ x: floats([value]) }));
    await turns.end();
    expect(tasks.map((task) => got(task))).toEqual(tasks.map((_, value) => [value]));
  });

  test("looks at its sockets while a failed batch is done again task by task", async () => {
    const { ask, turns, inner, work, makeBusy } = batchedFake();
    await makeBusy();
    inner.answer = (inputs) => {
      work(3);
      if ((inputs.get("x")!.data as Float32Array).includes(13)) throw new ServingError("invalid-argument", "a 13");
      return inputs;
    };
    const tasks = Array.from({ length: 20 }, (_, value) => ask({ x: floats([value]) }));
    await turns.end();
    expect(inner.runs.length).toBeLessThan(10);
    for (let turn = 0; turn < 20; turn++) await turns.end();
    expect(tasks.map((task) => got(task))).toEqual(tasks.map((_, value) => (value === 13 ? "invalid-argument: a 13" : [value])));
  });
});
