// Above the usual length of a file: one subject, and every case uses the same small server of made-up runs.
import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { RefusedError } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Servable } from "../model/servable.ts";
import { stringTensor, type Tensor } from "../tensor/tensor.ts";
import { batchedFake, FakeServable, floats, got, shaped } from "./fake-batching.ts";

const repeat = (value: number, count: number): number[] => Array.from({ length: count }, () => value);
const rowsOf = (inner: FakeServable): number[] => inner.runs.map(({ inputs }) => inputs.get("x")!.shape[0]!);

describe("requests of one turn", () => {
  test("run together and each gets its own rows", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake();
    await makeBusy();
    const tasks = [ask({ x: floats([1, 2]) }), ask({ x: floats([3]) }), ask({ x: floats([]) }), ask({ x: floats([4, 5, 6]) })];
    expect(inner.runs).toEqual([]);
    await turns.end();

    expect(rowsOf(inner)).toEqual([6]);
    expect(tasks.map((task) => got(task))).toEqual([[1, 2], [3], [], [4, 5, 6]]);
  });

  test("of which the first came alone in the last turn, run as they came and the rest together", async () => {
    const { ask, turns, inner } = batchedFake();
    const first = ask({ x: floats([1]) });
    expect(got(first)).toEqual([1]);
    const others = [ask({ x: floats([2]) }), ask({ x: floats([3]) })];
    await turns.end();

    expect(rowsOf(inner)).toEqual([1, 2]);
    expect(others.map((task) => got(task))).toEqual([[2], [3]]);
  });

  test("one alone is handed to the engine as it is", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake();
    await makeBusy();
    const x = floats([7]);
    const task = ask({ x });
    await turns.end();
    expect(inner.runs[0]!.inputs.get("x")).toBe(x);
    expect(got(task)).toEqual([7]);
  });

  test("outputs do not share memory", async () => {
    const { ask, turns, makeBusy } = batchedFake();
    await makeBusy();
    const tasks = [ask({ x: shaped([1, 40], repeat(1, 40)) }), ask({ x: shaped([1, 40], repeat(2, 40)) })];
    await turns.end();
    const [first, second] = tasks.map(({ outcome }) => (outcome as Map<string, Tensor>).get("x")!.data as Float32Array);
    expect(first!.buffer).not.toBe(second!.buffer);
  });

  test("outputs that an engine made of its inputs are cut before the inputs' memory is used again", async () => {
    const { ask, turns, makeBusy } = batchedFake();
    await makeBusy();
    const values = [repeat(1, 20_000), repeat(2, 20_000)];
    const tasks = values.map((row) => ask({ x: shaped([1, 20_000], row) }));
    await turns.end();
    expect(tasks.map((task) => got(task))).toEqual(values);
  });

  test("a task of no rows runs as a batch of no rows, without padding", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({ allowedBatchSizes: [4, 1000] });
    await makeBusy();
    const task = ask({ x: floats([]) });
    await turns.end();
    expect(rowsOf(inner)).toEqual([0]);
    expect(got(task)).toEqual([]);
  });
});

describe("what may share a batch", () => {
  const cases: readonly [string, Record<string, Tensor>, Record<string, Tensor>, boolean][] = [
    ["the same inner shape", { x: shaped([1, 2], [1, 2]) }, { x: shaped([2, 2], [1, 2, 3, 4]) }, true],
    ["another inner shape", { x: shaped([1, 2], [1, 2]) }, { x: shaped([1, 3], [1, 2, 3]) }, false],
    ["another rank", { x: floats([1]) }, { x: shaped([1, 1], [1]) }, false],
    ["another dtype", { x: floats([1]) }, { x: { dtype: "int32", shape: [1], data: Int32Array.of(1) } }, false],
    ["another set of inputs", { x: floats([1]) }, { x: floats([1]), y: floats([1]) }, false],
  ];
  test.each(cases)("%s: %#", async (_what, one, other, together) => {
    const { ask, turns, inner, makeBusy } = batchedFake({}, { names: ["x", "y"] });
    await makeBusy();
    const tasks = [ask(one), ask(other)];
    await turns.end();
    expect(inner.runs.length).toBe(together ? 1 : 2);
    expect(tasks.map((task) => got(task))).toEqual([one, other].map(({ x }) => [...(x!.data as Float32Array)]));
  });

  test("requests for other outputs do not share one", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({}, { names: ["x", "y"] });
    await makeBusy();
    const inputs = { x: floats([1]), y: floats([2]) };
    const tasks = [ask(inputs, undefined, ["x"]), ask(inputs, undefined, ["y"]), ask(inputs, undefined, ["y"])];
    await turns.end();
    expect(inner.runs.map(({ wanted }) => wanted)).toEqual([["x"], ["y"]]);
    expect([got(tasks[0]!), got(tasks[2]!, "y")]).toEqual([[1], [2]]);
  });

  test("versions and signatures do not share one", async () => {
    const { servable, wrap, turns, inner, makeBusy } = batchedFake();
    const other = new FakeServable();
    const otherServable = wrap(other);
    await makeBusy();
    const x = new Map([["x", floats([1])]]);
    await Promise.all([servable.run("s", x, ["x"]), servable.run("t", x, ["x"]), otherServable.run("s", x, ["x"]), turns.end()]);
    expect([inner.runs.length, other.runs.length]).toEqual([2, 1]);
  });
});

describe("a batch is closed", () => {
  test("when it is full or the next task does not fit", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({ maxBatchSize: 4 });
    await makeBusy();
    const sizes = [3, 2, 2, 1, 4];
    const tasks = sizes.map((size) => ask({ x: floats(repeat(size, size)) }));
    await turns.end();
    expect(rowsOf(inner)).toEqual([3, 4, 1, 4]);
    expect(tasks.map((task) => got(task))).toEqual(sizes.map((size) => repeat(size, size)));
  });

  test("when its oldest task has waited for the timeout", async () => {
    const { ask, turns, clock, inner } = batchedFake({ batchTimeoutMs: 5 });
    ask({ x: floats([1]) });
    await turns.end();
    await clock.advance(4);
    ask({ x: floats([2]) });
    await turns.end();
    expect(inner.runs).toEqual([]);
    await clock.advance(1);
    expect(rowsOf(inner)).toEqual([2]);
  });

  test("when a timeout of less than a millisecond has passed, which is waited for between turns", async () => {
    const { ask, turns, clock, inner } = batchedFake({ batchTimeoutMs: 0.5 });
    ask({ x: floats([1]) });
    await turns.end();
    await turns.end();
    expect(inner.runs).toEqual([]);
    await clock.advance(0.5);
    await turns.end();
    expect(rowsOf(inner)).toEqual([1]);
  });

  test("by a timeout of nothing as soon as a run may begin: what comes meanwhile merges", async () => {
    const { ask, turns, inner } = batchedFake({}, { mostRuns: 2 });
    inner.held = true;
    for (let turn = 0; turn < 6; turn++) {
      ask({ x: floats([turn]) });
      await turns.end();
    }
    expect(rowsOf(inner)).toEqual([1, 1]);
    inner.runs[0]!.end.resolve();
    await settle();
    expect(rowsOf(inner)).toEqual([1, 1, 4]);
  });
});

test("runs that are over at once do not wait for a long one of another model", async () => {
  const { ask, turns, wrap, inner, makeBusy } = batchedFake();
  const long = new FakeServable();
  long.held = true;
  const longServable = wrap(long);
  await makeBusy();
  const running = longServable.run("s", new Map([["x", floats([1])]]), ["x"]);
  await turns.end();
  const task = ask({ x: floats([2]) });
  await turns.end();
  expect(got(task)).toEqual([2]);
  expect(inner.runs.length).toBe(1);
  long.runs[0]!.end.resolve();
  await running;
});

test("queues take turns", async () => {
  const { servable, turns, inner } = batchedFake({ maxBatchSize: 1 });
  inner.held = true;
  const order: string[] = [];
  const ask = (signature: string, value: number) =>
    (servable.run(signature, new Map([["x", floats([value])]]), ["x"]) as Promise<unknown>).then(() => order.push(signature));
  const tasks = [ask("s", 0), ask("s", 1), ask("s", 2), ask("t", 3), ask("t", 4)];
  await turns.end();
  for (let index = 0; index < tasks.length; index++) {
    inner.runs[index]!.end.resolve();
    await settle();
  }
  await Promise.all(tasks);
  expect(order).toEqual(["s", "s", "t", "s", "t"]);
});

describe("allowed sizes", () => {
  const cases: readonly [readonly number[], readonly number[], number[]][] = [
    [[1, 2, 8], [3], [1, 2, 3, 3, 3, 3, 3, 3]],
    [[2, 4, 8], [], [1, 2]],
    [[3, 8], [], [1, 2, 2]],
  ];
  test.each(cases)("%j: the first row of the last task fills up", async (allowedBatchSizes, more, expected) => {
    const { ask, turns, inner, makeBusy } = batchedFake({ maxBatchSize: 8, allowedBatchSizes });
    await makeBusy();
    const values = [1, 2, ...more];
    const tasks = values.map((value) => ask({ x: floats([value]) }));
    await turns.end();
    expect([...(inner.runs[0]!.inputs.get("x")!.data as Float32Array)]).toEqual(expected);
    expect(tasks.map((task) => got(task))).toEqual(values.map((value) => [value]));
  });

  test("a lone request is filled up too", async () => {
    const { ask, turns, inner } = batchedFake({ maxBatchSize: 8, allowedBatchSizes: [4, 8] });
    const task = ask({ x: shaped([1, 2], [1, 2]) });
    await turns.end();
    expect(inner.runs[0]!.inputs.get("x")!.shape).toEqual([4, 2]);
    expect(got(task)).toEqual([1, 2]);
  });

  test("a batch larger than all of them is not filled up", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({ allowedBatchSizes: [2] });
    await makeBusy();
    ask({ x: floats([1, 2, 3]) });
    await turns.end();
    expect(rowsOf(inner)).toEqual([3]);
  });
});

describe("padding of variable lengths", () => {
  const limits = { padsVariableLengthInputs: true };

  test("gives shorter rows their tensor's first element behind them, and leaves outputs as long as the longest", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake(limits);
    await makeBusy();
    const tasks = [ask({ x: shaped([1, 1], [5]) }), ask({ x: shaped([2, 3], [1, 2, 3, 4, 5, 6]) })];
    await turns.end();
    expect([...(inner.runs[0]!.inputs.get("x")!.data as Float32Array)]).toEqual([5, 5, 5, 1, 2, 3, 4, 5, 6]);
    expect(tasks.map((task) => got(task))).toEqual([
      [5, 5, 5],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  test("runs requests by themselves when one long row would make many times of the others", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({ padsVariableLengthInputs: true });
    await makeBusy();
    const sizes = [2 ** 20, ...repeat(1, 31)];
    const tasks = sizes.map((size) =>
      ask({ x: { dtype: "float32", shape: [1, size], data: new Float32Array(size).fill(size) } }),
    );
    await turns.end();
    expect(inner.runs.map(({ inputs }) => inputs.get("x")!.shape)).toEqual(sizes.map((size) => [1, size]));
    expect(tasks.slice(1).map((task) => got(task))).toEqual(repeat(1, 31).map((value) => [value]));
  });

  test("leaves rows without elements, and those of more than six dimensions, to batches of their like", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake(limits);
    await makeBusy();
    const many = [1, 1, 1, 1, 1, 1, 2];
    const tasks = [
      ask({ x: shaped([1, 0], []) }),
      ask({ x: shaped([1, 2], [1, 2]) }),
      ask({ x: shaped(many, [1, 2]) }),
      ask({ x: shaped([1, 1, 1, 1, 1, 1, 1], [1]) }),
      ask({ x: shaped(many, [3, 4]) }),
    ];
    await turns.end();
    expect(inner.runs.length).toBe(4);
    expect(tasks.map((task) => got(task))).toEqual([[], [1, 2], [1, 2], [1], [3, 4]]);
  });
});

describe("splitting", () => {
  const limits = { maxBatchSize: 10, maxExecutionBatchSize: 4, splitsLargeBatches: true };

  test("fills the open batch, goes on in further ones, and joins what comes out", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake(limits);
    await makeBusy();
    const tasks = [ask({ x: floats([1, 2, 3]) }), ask({ x: floats([4, 5, 6, 7, 8, 9, 10]) }), ask({ x: floats([11]) })];
    await turns.end();
    expect(rowsOf(inner)).toEqual([4, 4, 3]);
    expect(tasks.map((task) => got(task))).toEqual([[1, 2, 3], [4, 5, 6, 7, 8, 9, 10], [11]]);
  });

  test("a task fails with the first error of its pieces, and nothing more of it is run", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake(limits);
    await makeBusy();
    inner.answer = (inputs) => {
      if ((inputs.get("x")!.data as Float32Array).includes(1)) throw new ServingError("invalid-argument", "no ones");
      return inputs;
    };
    const task = ask({ x: floats([1, 2, 3, 4, 5, 6, 7, 8, 9]) });
    await turns.end();
    expect(got(task)).toBe("invalid-argument: no ones");
    expect(inner.runs.length).toBe(1);
  });

  test("a lone request that fits is not split", async () => {
    const { ask, inner } = batchedFake(limits);
    expect(got(ask({ x: floats([1, 2, 3, 4]) }))).toEqual([1, 2, 3, 4]);
    expect(rowsOf(inner)).toEqual([4]);
  });
});

describe("errors", () => {
  const scalar: Tensor = { dtype: "float32", shape: [], data: Float32Array.of(1) };
  const cases: readonly [string, Record<string, Tensor>, string][] = [
    ["a scalar", { x: scalar }, "invalid-argument: Batching Run() input tensors must have at least one dimension"],
    [
      "unequal first dimensions",
      { x: floats([1]), y: floats([1, 2]) },
      "invalid-argument: Batching Run() input tensors must have equal 0th-dimension size",
    ],
    ["too many rows", { x: floats(repeat(0, 9)) }, "invalid-argument: Task size 9 is larger than maximum input batch size 8"],
  ];
  test.each(cases)("%s", (_what, inputs, expected) => {
    const { ask, inner } = batchedFake({ maxBatchSize: 8 }, { names: ["x", "y"] });
    expect(got(ask(inputs))).toBe(expected);
    expect(inner.runs).toEqual([]);
  });

  test("a request without inputs, which TensorFlow Serving refuses, is run by itself", () => {
    const { ask, inner } = batchedFake();
    expect(got(ask({}))).toBeUndefined();
    expect(inner.runs.length).toBe(1);
  });

  test("a full queue refuses, and does not count batches on their way", async () => {
    const { ask, turns, inner } = batchedFake({ maxBatchSize: 2, maxEnqueuedBatches: 2 });
    inner.held = true;
    ask({ x: floats([0, 0]) });
    await turns.end();
    const tasks = [1, 2, 3].map((value) => ask({ x: floats([value, value]) }));
    expect(got(tasks[2]!)).toBe(
      "unavailable: The batch scheduling queue to which this task was submitted is full; currently 2 batches enqueued and " +
        "max_enqueued_batches is 2",
    );
    await turns.end();
    inner.held = false;
    inner.runs[0]!.end.resolve();
    await settle();
    expect(tasks.slice(0, 2).map((task) => got(task))).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  test("batches that could be run already refuse nobody", async () => {
    const { ask, turns, makeBusy } = batchedFake({ maxBatchSize: 2, maxEnqueuedBatches: 1 });
    await makeBusy();
    const tasks = [1, 2, 3, 4].map((value) => ask({ x: floats([value, value]) }));
    await turns.end();
    expect(tasks.map((task) => got(task))).toEqual([1, 2, 3, 4].map((value) => [value, value]));
  });

  test("an optional input that has no rows makes its request run by itself", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({}, { names: ["x", "k"], unbatchedInputs: ["k"] });
    await makeBusy();
    const tasks = [ask({ x: floats([1]) }), ask({ x: floats([2]), k: scalar }), ask({ x: floats([3]) })];
    await turns.end();
    expect(inner.runs.map(({ inputs }) => inputs.size)).toEqual([2, 1]);
    expect(tasks.map((task) => got(task))).toEqual([[1], [2], [3]]);
  });
});

describe("one bad request in a batch", () => {
  const bad = (inputs: ReadonlyMap<string, Tensor>): boolean => (inputs.get("x")!.data as Float32Array).includes(13);

  test.each([false, true])("of 32 fails alone, with its own error (runs elsewhere: %s)", async (held) => {
    const { ask, turns, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.answer = (inputs) => {
      if (bad(inputs)) throw new ServingError("invalid-argument", `${inputs.get("x")!.shape[0]} rows with a 13`);
      return inputs;
    };
    inner.held = held;
    const tasks = Array.from({ length: 32 }, (_, value) => ask({ x: floats([value]) }));
    await turns.end();
    for (let index = 0; held && index < inner.runs.length; index++) {
      inner.runs[index]!.end.resolve();
      await settle();
    }
    expect(tasks.map((task) => got(task))).toEqual(
      tasks.map((_, value) => (value === 13 ? "invalid-argument: 1 rows with a 13" : [value])),
    );
    expect(inner.runs.length).toBe(33);
  });

  test("a batch refused for lack of room is not tried again task by task", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.answer = () => {
      throw new RefusedError("queue_length", "too many");
    };
    const tasks = [ask({ x: floats([1]) }), ask({ x: floats([2]) })];
    await turns.end();
    expect(tasks.map((task) => got(task))).toEqual(["resource-exhausted: too many", "resource-exhausted: too many"]);
    expect(inner.runs.length).toBe(1);
  });

  test("an error that is nobody's ServingError reaches all as internal", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.answer = () => {
      throw new TypeError("bug");
    };
    const tasks = [ask({ x: floats([1]) }), ask({ x: floats([2]) })];
    await turns.end();
    expect(tasks.map((task) => got(task))).toEqual(["internal: internal error", "internal: internal error"]);
  });
});

describe("a model whose outputs have not the rows of its inputs", () => {
  const cases: readonly [string, Tensor, string][] = [
    ["a scalar", { dtype: "float32", shape: [], data: Float32Array.of(9) }, "Batched output tensor has 0 dimensions"],
    [
      "another number of rows",
      floats([9, 9, 9, 9, 9]),
      "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors",
    ],
  ];
  test.each(cases)("%s: is run unbatched from then on, and that is logged once", async (_what, output, reason) => {
    const { ask, turns, inner, logged, makeBusy } = batchedFake();
    await makeBusy();
    inner.answer = (inputs) => new Map([["x", inputs.get("x")!.shape[0] === 1 ? inputs.get("x")! : output]]);
    const tasks = [ask({ x: floats([1]) }), ask({ x: floats([2]) })];
    await turns.end();
    const later = [ask({ x: floats([3]) }), ask({ x: floats([4]) })];

    expect([...tasks, ...later].map((task) => got(task))).toEqual([[1], [2], [3], [4]]);
    expect(rowsOf(inner)).toEqual([2, 1, 1, 1, 1]);
    expect(logged).toEqual([
      { event: "signature_not_batched", fields: { model: "m", version: "1", signature: "s", output: "x", reason } },
    ]);
  });

  test("a split task is run whole", async () => {
    const { ask, turns, inner, makeBusy } = batchedFake({
      maxBatchSize: 10,
      maxExecutionBatchSize: 2,
      splitsLargeBatches: true,
    });
    await makeBusy();
    inner.answer = () => new Map([["x", floats([1, 2, 3])]]);
    const task = ask({ x: floats([5, 6, 7, 8, 9]) });
    await turns.end();
    expect(got(task)).toEqual([1, 2, 3]);
    expect(rowsOf(inner)).toEqual([2, 5]);
  });

  test("a split task that is run whole breaks off what else runs for it, and keeps the version until that has ended", async () => {
    const limits = { maxBatchSize: 10, maxExecutionBatchSize: 2, splitsLargeBatches: true };
    const { ask, turns, inner, makeBusy } = batchedFake(limits, { mostRuns: 2 });
    await makeBusy();
    inner.held = true;
    inner.answer = () => new Map([["x", floats([1, 2, 3])]]);
    const task = ask({ x: floats([5, 6, 7, 8]) });
    await turns.end();
    const [first, second] = inner.runs;
    first!.end.resolve();
    await settle();
    expect(rowsOf(inner)).toEqual([2, 2, 4]);
    expect(second!.context!.signal.aborted).toBe(true);
    inner.runs[2]!.end.resolve();
    await settle();
    expect(got(task)).toBeUndefined();

    second!.end.reject(second!.context!.signal.reason);
    await settle();
    expect(got(task)).toEqual([1, 2, 3]);
  });
});

describe("a caller that leaves", () => {
  const late = new ServingError("deadline-exceeded", "too late");

  test("while queued gets its signal's reason at once, and no work is begun for it", async () => {
    const { ask, turns, clock, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.held = true;
    ask({ x: floats([1]) });
    await turns.end();
    const leaving = new AbortController();
    const tasks = [ask({ x: floats([2]) }, leaving), ask({ x: floats([3]) })];
    await turns.end();
    await clock.advance(2);
    leaving.abort(late);
    await settle();
    expect(got(tasks[0]!)).toBe("deadline-exceeded: too late");

    for (const { end } of inner.runs) end.resolve();
    await settle();
    inner.runs[1]!.end.resolve();
    await settle();
    expect(got(tasks[1]!)).toEqual([3]);
    expect(rowsOf(inner)).toEqual([1, 1]);
  });

  test("that had left before it was queued is not run either", async () => {
    const { ask, turns, clock, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.held = true;
    ask({ x: floats([1]) });
    await turns.end();
    const task = ask({ x: floats([2]) }, { signal: AbortSignal.abort() });
    await turns.end();
    await clock.advance(2);
    expect(got(task)).toBe("cancelled: the call was cancelled");
    inner.runs[0]!.end.resolve();
    await settle();
    expect(inner.runs.length).toBe(1);
  });

  test("in the middle of a batch is answered at once; the others are not disturbed", async () => {
    const { ask, turns, clock, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.held = true;
    const leaving = new AbortController();
    const tasks = [ask({ x: floats([1]) }, leaving), ask({ x: floats([2]) })];
    await turns.end();
    await clock.advance(2);
    leaving.abort(late);
    await settle();
    expect(tasks.map((task) => got(task))).toEqual(["deadline-exceeded: too late", undefined]);
    expect(inner.runs[0]!.context!.signal.aborted).toBe(false);

    inner.runs[0]!.end.resolve();
    await settle();
    expect(got(tasks[1]!)).toEqual([2]);
  });

  test("as the last of a batch aborts its run, and waits for the end of it: the version is in use until then", async () => {
    const { ask, turns, clock, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.held = true;
    const callers = [new AbortController(), new AbortController()];
    const tasks = callers.map((caller, index) => ask({ x: floats([index]) }, caller));
    await turns.end();
    const { signal } = inner.runs[0]!.context!;
    await clock.advance(2);
    for (const caller of callers) caller.abort(late);
    await settle();
    expect(signal.aborted).toBe(true);
    expect(tasks.map((task) => got(task))).toEqual(["deadline-exceeded: too late", undefined]);

    inner.runs[0]!.end.reject(signal.reason);
    await settle();
    expect(got(tasks[1]!)).toBe("deadline-exceeded: too late");
    expect(inner.runs.length).toBe(1);
  });

  test("frees its place in the queue", async () => {
    const { ask, turns, clock, inner, makeBusy } = batchedFake({ maxBatchSize: 2, maxEnqueuedBatches: 1 });
    await makeBusy();
    inner.held = true;
    ask({ x: floats([0]) });
    await turns.end();
    const leaving = new AbortController();
    ask({ x: floats([1, 1]) }, leaving);
    await turns.end();
    await clock.advance(2);
    leaving.abort(late);
    const task = ask({ x: floats([2, 2]) });
    inner.runs[0]!.end.resolve();
    await turns.end();
    inner.runs[1]!.end.resolve();
    await settle();
    expect(got(task)).toEqual([2, 2]);
  });
});

test("strings are batched", async () => {
  const { ask, turns, inner, makeBusy } = batchedFake();
  await makeBusy();
  const tasks = [ask({ x: stringTensor([1], ["a"]) }), ask({ x: stringTensor([2], ["", "bcd"]) })];
  await turns.end();
  expect(rowsOf(inner)).toEqual([3]);
  expect(tasks.map(({ outcome }) => (outcome as Map<string, Tensor>).get("x"))).toEqual([
    stringTensor([1], ["a"]),
    stringTensor([2], ["", "bcd"]),
  ]);
});

test("is detached with what it wraps", () => {
  const { servable, inner } = batchedFake();
  void servable.detach();
  expect(inner.detached).toBe(true);
});

describe("the time that is left for a batch", () => {
  const context = (remainingMs?: number) => ({ signal: new AbortController().signal, remainingMs });

  test.each([
    ["is that of the request that has the most", [50, 900, 10], 900],
    ["is unlimited when one request's is", [50, undefined], undefined],
  ])("%s", async (_, times, expected) => {
    const { ask, turns, inner, makeBusy } = batchedFake();
    await makeBusy();
    inner.held = true;
    for (const remainingMs of times) ask({ x: floats([1]) }, context(remainingMs));
    await turns.end();
    expect(rowsOf(inner)).toEqual([times.length]);
    expect(inner.runs[0]!.context!.remainingMs).toBe(expected);
    inner.runs[0]!.end.resolve();
  });

  test("is not that of a request which has gone meanwhile", async () => {
    const { ask, turns, inner, clock, makeBusy } = batchedFake();
    await makeBusy();
    inner.held = true;
    const caller = new AbortController();
    ask({ x: floats([1]) }, { signal: caller.signal, remainingMs: 900 });
    ask({ x: floats([2]) }, context(50));
    await turns.end();
    await clock.advance(1000);
    const [run] = inner.runs;
    expect(run!.context!.remainingMs).toBe(900);
    caller.abort(new ServingError("cancelled", "gone"));
    expect(run!.context!.remainingMs).toBe(50);
    run!.end.resolve();
  });
});

describe("runs that are not of one signature", () => {
  test("go past the batches to an engine that has them", () => {
    const { wrap } = batchedFake();
    const asked: unknown[] = [];
    const inner: Servable = Object.assign(new FakeServable(), {
      runTogether: (...given: unknown[]) => {
        asked.push(given);
        return [];
      },
      runGraph: (...given: unknown[]) => {
        asked.push(given);
        return [];
      },
    });
    const tasks = [{ signature: "s", wanted: ["x"] }];
    const inputs = new Map([["x", floats([1])]]);
    const servable = wrap(inner);
    expect(servable.runTogether!(tasks, inputs)).toEqual([]);
    expect(servable.runGraph!(inputs, ["y:0"], ["init"])).toEqual([]);
    expect(asked).toEqual([
      [tasks, inputs],
      [inputs, ["y:0"], ["init"]],
    ]);
  });

  test("are not to be had where the engine does not have them", () => {
    const { servable } = batchedFake();
    expect(servable).toMatchObject({ runTogether: undefined, runGraph: undefined });
  });
});
