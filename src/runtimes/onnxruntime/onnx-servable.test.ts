import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { type NamedTensors, stringTensor, type Tensor, zeros } from "../../tensor/tensor.ts";
import { RunGate } from "../run-gate.ts";
import { attach, BIG, edge, endAttached, endLater, FIXTURES, floats, list, named, numbers, thrown } from "./attached-fixture.ts";
import { AttachedSession } from "./attached-session.ts";
import { openLibrary } from "./library.ts";
import type { ModelValues } from "./model-values.ts";
import { OnnxRuntime } from "./onnx-runtime.ts";
import { OnnxServable } from "./onnx-servable.ts";
import { PlanCache } from "./plan-cache.ts";

afterEach(endAttached);

describe("inputs are checked before native code sees them", () => {
  test.each<[string, Record<string, Tensor>, string]>([
    ["another dtype", { x: floats([1], [1]), c: floats([1], [1]) }, "Expects arg[1] to be bool but float is provided"],
    [
      "strings",
      { x: stringTensor([1], ["a"]), c: numbers("bool", [1], [1]) },
      "Expects arg[0] to be float but string is provided",
    ],
    [
      "another rank",
      { x: floats([1, 1], [1]), c: numbers("bool", [1], [1]) },
      'input "x" expects shape [N] but [1,1] is provided',
    ],
    ["too little data", { x: floats([3], [1, 2]), c: numbers("bool", [1], [1]) }, 'input "x" of shape [3] needs 3 values, got 2'],
    ["too much data", { x: floats([1], [1, 2]), c: numbers("bool", [1], [1]) }, 'input "x" of shape [1] needs 1 values, got 2'],
    ["a missing input", { x: floats([1], [1]) }, 'input "c" is missing'],
    [
      "a negative size",
      { x: floats([-1], []), c: numbers("bool", [1], [1]) },
      "a dimension must be a whole number of at least 0, got -1 in shape [-1]",
    ],
  ])("%s", async (_, inputs, message) => {
    const servable = await attach(edge("liar"));
    expect(await thrown(() => servable.run("serving_default", named(inputs), ["y"]))).toMatchObject({
      code: "invalid-argument",
      message,
    });
  });

  test("a fixed size that differs is named", async () => {
    const servable = await attach(join(FIXTURES, "onnx/torch_mlp/model.onnx"));
    const run = (): unknown =>
      servable.run(
        "serving_default",
        named({
          x: floats(
            [1, 19],
            Array.from({ length: 19 }, () => 0),
          ),
        }),
        ["output"],
      );
    expect((await thrown(run)).message).toMatch(/^input "x" expects shape \[[^\]]*,20\] but \[1,19\] is provided$/);
  });

  test("data that stops fitting a shape seen before", async () => {
    const servable = await attach(edge("any_rank"));
    await servable.run("serving_default", named({ x: floats([2], [1, 2]) }), ["y"]);
    const run = (): unknown => servable.run("serving_default", named({ x: floats([2], [1, 2, 3]) }), ["y"]);
    expect((await thrown(run)).message).toBe('input "x" of shape [2] needs 2 values, got 3');
  });

  test("string offsets that lie", async () => {
    const servable = await attach(join(FIXTURES, "onnx/strings_label/model.onnx"));
    const data = { length: 1, offsets: Uint32Array.of(0, 1000), bytes: new Uint8Array(3) };
    const run = (): unknown => servable.run("", named({ word: { dtype: "string", shape: [1, 1], data } }), ["echo"]);
    expect(await thrown(run)).toMatchObject({ code: "invalid-argument" });
  });
});

describe("what the model itself refuses", () => {
  test("is the request's fault when shapes do not go together, without a source path", async () => {
    const servable = await attach(edge("add"));
    const inputs = named({ a: floats([2], [1, 2]), b: floats([3], [1, 2, 3]) });
    const error = await thrown(() => servable.run("serving_default", inputs, ["c"]));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(/^operator Add: .*broadcast.* 2 by 3$/);
    expect(error.message).not.toMatch(/[\\/]|\.h/);
  });

  test("leaves the servable good for the next run", async () => {
    const servable = await attach(join(FIXTURES, "onnx/int64_gather/model.onnx"));
    const run = (id: bigint): unknown => servable.run("", named({ ids: numbers("int64", [1, 1], [id]) }), ["top", "emb"]);
    for (let round = 0; round < 3; round++) {
      expect(await thrown(() => run(10n ** 6n))).toMatchObject({ code: "invalid-argument" });
      expect(await run(3n)).toBeInstanceOf(Map);
    }
  });
});

describe("plans", () => {
  test("give each run its own answer when shapes and wanted outputs alternate", async () => {
    const servable = await attach(edge("direct"));
    for (let round = 0; round < 40; round++) {
      const values = Array.from({ length: 1 + (round % 5) }, (_, i) => i - round);
      const wanted = [["r"], ["r", "w", "x"], ["x", "r"]][round % 3];
      const answer = await servable.run("", named({ x: floats([values.length], values) }), wanted);

      expect([...answer.keys()]).toEqual(wanted);
      const expected: Record<string, number[]> = { r: values.map((value) => Math.max(value, 0)), w: [1, 2, 3], x: values };
      for (const alias of wanted) expect(list(answer.get(alias))).toEqual(expected[alias]);
    }
  });

  test("keep the outputs of earlier runs as they were", async () => {
    const servable = await attach(edge("direct"));
    const answers: NamedTensors[] = [];
    for (const value of [1, 2, 3, 4, 5]) answers.push(await servable.run("", named({ x: floats([1], [value]) }), ["r", "x"]));
    expect(answers.map((answer) => [...list(answer.get("r")), ...list(answer.get("x"))])).toEqual(
      [1, 2, 3, 4, 5].map((v) => [v, v]),
    );
  });

  test("recover when an output turns out to have another shape than it always had", async () => {
    const servable = await attach(edge("liar"));
    const keeps = [
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
      [0, 1, 0],
      [1, 1, 1],
      [0, 0, 0],
      [1, 0, 1],
    ];
    const answers: (number | bigint)[][] = [];
    for (const keep of keeps) {
      const inputs = named({ x: floats([3], [7, 8, 9]), c: numbers("bool", [3], keep) });
      answers.push(list((await servable.run("", inputs, ["y"])).get("y")));
    }
    expect(answers).toEqual([[7, 8, 9], [7, 8, 9], [7, 8, 9], [8], [7, 8, 9], [], [7, 9]]);
  });

  test("outlive more shapes than are kept", async () => {
    const servable = await attach(edge("any_rank"));
    for (let round = 0; round < 3; round++) {
      for (let size = 1; size <= 40; size++) {
        const values = Array.from({ length: size }, (_, i) => i * size + round);
        const answer = await servable.run("", named({ x: floats([size, 1], values) }), ["y"]);
        expect(list(answer.get("y"))).toEqual(values);
      }
    }
  });

  test.each([
    ["none is kept", 0, 64],
    ["one is kept", 1, 2 ** 20],
    ["all are too big to be kept", 16, 64],
  ])("are right when %s", async (_, mostPlans, mostBytes) => {
    const runtime = new OnnxRuntime();
    const model = await runtime.load({ runtime: "onnxruntime", file: edge("every_type") }, new AbortController().signal);
    const { session, values } = model.handle as { readonly session: bigint; readonly values: ModelValues };
    const attached = new AttachedSession(openLibrary(), session, values);
    const servable = new OnnxServable(attached, model.signatures, false, new RunGate(1), new PlanCache(mostPlans, mostBytes));
    endLater(runtime, model, servable);
    for (const rows of [1, 1, 2, 1, 2, 2]) {
      const inputs = new Map<string, Tensor>(
        values.inputs.map(({ name, type }) => [
          name,
          type.dtype === "string"
            ? stringTensor(
                [rows, 2],
                Array.from({ length: rows * 2 }, (_, i) => `${rows} ${i}`),
              )
            : zeros(type.dtype, [rows, 2]),
        ]),
      );
      const answer = await servable.run("", inputs, ["string_out", "float64_out"]);
      expect([...answer.values()]).toEqual([inputs.get("string"), inputs.get("float64")]);
    }
  });

  test("do not take more memory with every run", async () => {
    const [numeric, strings] = [await attach(edge("any_rank")), await attach(join(FIXTURES, "onnx/strings_label/model.onnx"))];
    const x = named({ x: floats([1, 4], [1, 2, 3, 4]) });
    const word = named({ word: stringTensor([2, 1], ["cat", "a somewhat longer string that needs the heap"]) });
    const rounds = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) {
        await numeric.run("", x, ["y"]);
        if (i % 5 === 0) await strings.run("", word, ["id", "echo"]);
      }
      return process.memoryUsage().rss;
    };
    const before = await rounds(20_000);
    const after = await rounds(100_000);
    expect(after - before).toBeLessThan(48 * 2 ** 20);
  });
});

describe("a long run", () => {
  const rounds = (count: bigint, x: number[]): NamedTensors =>
    named({ n: numbers("int64", [], [count]), x: floats([x.length], x) });

  test("leaves the thread, and many at once are right", async () => {
    const servable = await attach(edge("rounds"), BIG);
    const row = (i: number): number[] => Array.from({ length: 1 + (i % 3) }, () => i);
    const answers = Array.from({ length: 40 }, (_, i) => servable.run("", rounds(2000n, row(i)), ["y"]));
    expect(answers.every((answer) => answer instanceof Promise)).toBe(true);

    const alone = await Promise.all(answers.map((answer) => Promise.resolve(answer)));
    for (let i = 0; i < alone.length; i++) {
      const again = await servable.run("", rounds(2000n, row(i)), ["y"]);
      expect(list(alone[i].get("y"))).toEqual(list(again.get("y")));
      expect(alone[i].get("y")!.shape).toEqual([1 + (i % 3)]);
    }
  });

  test("is expected of a shape never seen with many times the elements, so that the thread is not held up to find out", async () => {
    const servable = await attach(edge("any_rank"));
    const run = (length: number) => servable.run("", named({ x: zeros("float32", [length]) }), ["y"]);
    for (let i = 0; i < 4; i++) expect(run(1)).toBeInstanceOf(Map);
    const long = run(2 ** 22);
    expect(long).toBeInstanceOf(Promise);
    expect((await long).get("y")!.shape).toEqual([2 ** 22]);
    expect(run(1)).toBeInstanceOf(Map);
  });

  test.each([
    ["the signal's reason", new ServingError("deadline-exceeded", "too late"), "deadline-exceeded"],
    ["cancelled, for a reason of another kind", new Error("gone"), "cancelled"],
  ])("ends early with %s", async (_, reason, code) => {
    const servable = await attach(edge("rounds"), BIG);
    // More than may run at once, so that some are stopped while they wait.
    const controllers = Array.from({ length: 20 }, () => new AbortController());
    const ended = Promise.allSettled(
      controllers.map(async ({ signal }) => servable.run("", rounds(10n ** 12n, [1]), ["y"], { signal })),
    );
    setTimeout(() => {
      for (const controller of controllers) controller.abort(reason);
    }, 20);
    for (const end of await ended) expect(end).toMatchObject({ status: "rejected", reason: { name: "ServingError", code } });
    expect(await servable.run("", rounds(1n, [0]), ["y"])).toBeInstanceOf(Map);
  });

  test("is not begun when it was cancelled before", async () => {
    const servable = await attach(edge("rounds"), BIG);
    const run = servable.run("", rounds(10n ** 12n, [1]), ["y"], { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: "cancelled" });
  });

  test("that fails says why and what comes after is right", async () => {
    const servable = await attach(edge("add"), BIG);
    const run = async (b: number[]): Promise<NamedTensors> =>
      servable.run("", named({ a: floats([2], [1, 2]), b: floats([b.length], b) }), ["c"]);
    await expect(run([1, 2, 3])).rejects.toMatchObject({ code: "invalid-argument" });
    expect(list((await run([1, 2])).get("c"))).toEqual([2, 4]);
  });
});
