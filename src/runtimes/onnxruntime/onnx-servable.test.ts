import { join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { Servable } from "../../model/servable.ts";
import { ARRAY_TYPES, type DType, type NumericDType } from "../../tensor/dtype.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import { type NamedTensors, type NumericTensor, type StringTensor, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { OnnxRuntime } from "./onnx-runtime.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures");
const edge = (name: string): string => join(FIXTURES, "onnx_runtime", `${name}.onnx`);

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** `bytes` above 4 MiB make the first run go to another thread. */
async function attach(file: string, bytes?: number): Promise<Servable> {
  const runtime = new OnnxRuntime();
  const model = await runtime.load({ runtime: "onnxruntime", file, bytes }, new AbortController().signal);
  const servable = runtime.attach(model);
  ends.push(() => {
    servable.detach();
    return runtime.unload(model);
  });
  return servable;
}

const BIG = 2 ** 30;

function numbers(dtype: NumericDType, shape: number[], values: readonly (number | bigint)[]): NumericTensor {
  const data = new ARRAY_TYPES[dtype].array(values.length);
  values.forEach((value, i) => {
    data[i] = value as never;
  });
  return { dtype, shape, data };
}

const floats = (shape: number[], values: readonly number[]): NumericTensor => numbers("float32", shape, values);
const named = (tensors: Record<string, Tensor>): NamedTensors => new Map(Object.entries(tensors));
const list = (tensor: Tensor | undefined): (number | bigint)[] => Array.from((tensor as NumericTensor).data as Float32Array);

function thrown(act: () => unknown): ServingError {
  try {
    act();
  } catch (error) {
    return error as ServingError;
  }
  return expect.unreachable("nothing was thrown");
}

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
    expect(thrown(() => servable.run("serving_default", named(inputs), ["y"]))).toMatchObject({
      code: "invalid-argument",
      message,
    });
  });

  test("a fixed size that differs is named", async () => {
    const servable = await attach(join(FIXTURES, "onnx/torch_mlp/model.onnx"));
    const run = (): unknown => servable.run("serving_default", named({ x: floats([1, 19], new Array(19).fill(0)) }), ["output"]);
    expect(thrown(run).message).toMatch(/^input "x" expects shape \[[^\]]*,20\] but \[1,19\] is provided$/);
  });

  test("data that stops fitting a shape seen before", async () => {
    const servable = await attach(edge("any_rank"));
    await servable.run("serving_default", named({ x: floats([2], [1, 2]) }), ["y"]);
    const run = (): unknown => servable.run("serving_default", named({ x: floats([2], [1, 2, 3]) }), ["y"]);
    expect(thrown(run).message).toBe('input "x" of shape [2] needs 2 values, got 3');
  });

  test("string offsets that lie", async () => {
    const servable = await attach(join(FIXTURES, "onnx/strings_label/model.onnx"));
    const data = { length: 1, offsets: Uint32Array.of(0, 1000), bytes: new Uint8Array(3) };
    const run = (): unknown => servable.run("", named({ word: { dtype: "string", shape: [1, 1], data } }), ["echo"]);
    expect(thrown(run)).toMatchObject({ code: "invalid-argument" });
  });
});

describe("what the model itself refuses", () => {
  test("is the request's fault when shapes do not go together, without a source path", async () => {
    const servable = await attach(edge("add"));
    const inputs = named({ a: floats([2], [1, 2]), b: floats([3], [1, 2, 3]) });
    const error = thrown(() => servable.run("serving_default", inputs, ["c"]));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(/^operator Add: .*broadcast.* 2 by 3$/);
    expect(error.message).not.toMatch(/[\\/]|\.h/);
  });

  test("leaves the servable good for the next run", async () => {
    const servable = await attach(join(FIXTURES, "onnx/int64_gather/model.onnx"));
    const run = (id: bigint): unknown => servable.run("", named({ ids: numbers("int64", [1, 1], [id]) }), ["top", "emb"]);
    for (let round = 0; round < 3; round++) {
      expect(thrown(() => run(10n ** 6n))).toMatchObject({ code: "invalid-argument" });
      expect(run(3n)).toBeInstanceOf(Map);
    }
  });
});

describe("plans", () => {
  test("give each run its own answer when shapes and wanted outputs alternate", async () => {
    const servable = await attach(edge("direct"));
    for (let round = 0; round < 40; round++) {
      const values = Array.from({ length: 1 + (round % 5) }, (_, i) => i - round);
      const wanted = [["r"], ["r", "w", "x"], ["x", "r"]][round % 3];
      const answer = (await servable.run("", named({ x: floats([values.length], values) }), wanted)) as NamedTensors;

      expect([...answer.keys()]).toEqual(wanted);
      const expected: Record<string, number[]> = { r: values.map((value) => Math.max(value, 0)), w: [1, 2, 3], x: values };
      for (const alias of wanted) expect(list(answer.get(alias))).toEqual(expected[alias]);
    }
  });

  test("keep the outputs of earlier runs as they were", async () => {
    const servable = await attach(edge("direct"));
    const answers = [1, 2, 3, 4, 5].map(
      (value) => servable.run("", named({ x: floats([1], [value]) }), ["r", "x"]) as NamedTensors,
    );
    expect(answers.map((answer) => [...list(answer.get("r")), ...list(answer.get("x"))])).toEqual(
      [1, 2, 3, 4, 5].map((v) => [v, v]),
    );
  });

  test("recover when an output turns out to have another shape than it always had", async () => {
    const servable = await attach(edge("liar"));
    const run = (keep: number[]): (number | bigint)[] => {
      const inputs = named({ x: floats([3], [7, 8, 9]), c: numbers("bool", [3], keep) });
      return list((servable.run("", inputs, ["y"]) as NamedTensors).get("y"));
    };
    const keeps = [
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
      [0, 1, 0],
      [1, 1, 1],
      [0, 0, 0],
      [1, 0, 1],
    ];
    expect(keeps.map(run)).toEqual([[7, 8, 9], [7, 8, 9], [7, 8, 9], [8], [7, 8, 9], [], [7, 9]]);
  });

  test("outlive more shapes than are kept", async () => {
    const servable = await attach(edge("any_rank"));
    for (let round = 0; round < 3; round++) {
      for (let size = 1; size <= 40; size++) {
        const values = Array.from({ length: size }, (_, i) => i * size + round);
        const answer = (await servable.run("", named({ x: floats([size, 1], values) }), ["y"])) as NamedTensors;
        expect(list(answer.get("y"))).toEqual(values);
      }
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

describe("every element type", () => {
  const cases: Record<Exclude<DType, "string" | "complex64" | "complex128">, (number | bigint)[]> = {
    float32: [1.5, -0],
    float64: [Math.PI, Number.MIN_VALUE],
    float16: [0x3c00, 0xfc00],
    bfloat16: [0x3f80, 0xff80],
    int8: [-128, 127],
    int16: [-32768, 32767],
    int32: [-(2 ** 31), 2 ** 31 - 1],
    int64: [-(2n ** 63n), 2n ** 63n - 1n],
    uint8: [0, 255],
    uint16: [0, 65535],
    uint32: [0, 2 ** 32 - 1],
    uint64: [0n, 2n ** 64n - 1n],
    bool: [0, 1],
  };
  const names = Object.keys(cases) as (keyof typeof cases)[];

  test("goes in and comes out bit for bit, rows or none", async () => {
    const servable = await attach(edge("every_type"));
    const words = ["\u{1f600}", "nul \0 inside", "", "plain"];
    const wanted = [...names, "string"].map((name) => `${name}_out`);
    for (const rows of [1, 0, 2, 1, 2, 2]) {
      const inputs = new Map<string, Tensor>(
        names.map((name) => [name, numbers(name, [rows, 2], new Array(rows).fill(cases[name]).flat())]),
      );
      inputs.set("string", stringTensor([rows, 2], words.slice(0, rows * 2)));
      const answer = (await servable.run("", inputs, wanted)) as NamedTensors;
      for (const name of names) expect(answer.get(`${name}_out`)).toEqual(inputs.get(name));
      const { data, shape } = answer.get("string_out") as StringTensor;
      expect(shape).toEqual([rows, 2]);
      const texts = Array.from({ length: data.length }, (_, i) => Buffer.from(stringBytes(data, i)).toString());
      expect(texts).toEqual(words.slice(0, rows * 2));
    }
  });

  test("strings that are not UTF-8 keep their bytes", async () => {
    const servable = await attach(join(FIXTURES, "onnx/strings_label/model.onnx"));
    const bytes = Uint8Array.of(0xff, 0, 0xc0, 0x80);
    const answer = (await servable.run("", named({ word: stringTensor([1, 1], [bytes]) }), ["echo"])) as NamedTensors;
    expect(stringBytes((answer.get("echo") as StringTensor).data, 0)).toEqual(bytes);
  });
});

describe("sequences and maps", () => {
  test("of different shapes are padded, with the true shapes beside", async () => {
    const servable = await attach(edge("sequence_ragged"));
    const inputs = named({ x: floats([3, 2], [1, 2, 3, 4, 5, 6]) });
    const answer = (await servable.run("", inputs, ["parts.shapes", "parts"])) as NamedTensors;
    expect([...answer]).toEqual([
      ["parts.shapes", numbers("int64", [2, 2], [1n, 2n, 2n, 2n])],
      ["parts", floats([2, 2, 2], [1, 2, 0, 0, 3, 4, 5, 6])],
    ]);
  });

  test("of strings are padded with empty ones", async () => {
    const servable = await attach(edge("sequence_strings"));
    const inputs = named({ a: stringTensor([2], ["eins", "zwei"]), b: stringTensor([3], ["un", "deux", "trois"]) });
    const answer = (await servable.run("", inputs, ["s"])) as NamedTensors;
    expect(answer.get("s")).toEqual(stringTensor([2, 3], ["eins", "zwei", "", "un", "deux", "trois"]));
  });

  test("that are empty keep their rank", async () => {
    const servable = await attach(edge("sequence_empty"));
    const answer = (await servable.run("", new Map(), ["s", "s.shapes"])) as NamedTensors;
    expect([...answer.values()]).toEqual([floats([0, 0, 0], []), numbers("int64", [0, 2], [])]);
  });

  test("of different ranks are refused by name", async () => {
    const servable = await attach(edge("sequence_ranks"));
    const inputs = named({ a: floats([2], [1, 2]), b: floats([1, 2], [1, 2]) });
    expect(thrown(() => servable.run("", inputs, ["s"]))).toMatchObject({
      code: "unimplemented",
      message: 'the tensors of output "s" have different ranks',
    });
  });

  test("give a map's keys beside its values", async () => {
    const servable = await attach(edge("zipmap_strings"));
    const answer = (await servable.run("", named({ x: floats([2, 2], [1, 2, 3, 4]) }), ["p", "p.keys"])) as NamedTensors;
    expect([...answer.values()]).toEqual([floats([2, 2], [1, 2, 3, 4]), stringTensor([2, 2], ["no", "yes", "no", "yes"])]);
  });
});

describe("a long run", () => {
  const rounds = (count: bigint, x: number[]): NamedTensors =>
    named({ n: numbers("int64", [], [count]), x: floats([x.length], x) });

  test("leaves the thread, and many at once are right", async () => {
    const servable = await attach(edge("rounds"), BIG);
    const answers = Array.from({ length: 40 }, (_, i) => servable.run("", rounds(2000n, new Array(1 + (i % 3)).fill(i)), ["y"]));
    expect(answers.every((answer) => answer instanceof Promise)).toBe(true);

    const alone = await Promise.all(answers);
    for (let i = 0; i < alone.length; i++) {
      const again = (await servable.run("", rounds(2000n, new Array(1 + (i % 3)).fill(i)), ["y"])) as NamedTensors;
      expect(list(alone[i].get("y"))).toEqual(list(again.get("y")));
      expect(alone[i].get("y")!.shape).toEqual([1 + (i % 3)]);
    }
  });

  test.each([
    ["the signal's reason", new ServingError("deadline-exceeded", "too late"), "deadline-exceeded"],
    ["cancelled, for a reason of another kind", new Error("gone"), "cancelled"],
  ])("ends early with %s", async (_, reason, code) => {
    const servable = await attach(edge("rounds"), BIG);
    const controller = new AbortController();
    const run = servable.run("", rounds(10n ** 12n, [1]), ["y"], { signal: controller.signal });
    const waiting = Array.from({ length: 20 }, () =>
      servable.run("", rounds(10n ** 12n, [1]), ["y"], { signal: controller.signal }),
    );
    setTimeout(() => controller.abort(reason), 20);
    for (const each of [run, ...waiting]) await expect(each).rejects.toMatchObject({ name: "ServingError", code });
    expect(await servable.run("", rounds(1n, [0]), ["y"])).toBeInstanceOf(Map);
  });

  test("is not begun when it was cancelled before", async () => {
    const servable = await attach(edge("rounds"), BIG);
    const run = servable.run("", rounds(10n ** 12n, [1]), ["y"], { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: "cancelled" });
  });

  test("that fails says why and what comes after is right", async () => {
    const servable = await attach(edge("add"), BIG);
    const good = (): unknown => servable.run("", named({ a: floats([2], [1, 2]), b: floats([2], [1, 2]) }), ["c"]);
    const bad = async (): Promise<unknown> =>
      servable.run("", named({ a: floats([2], [1, 2]), b: floats([3], [1, 2, 3]) }), ["c"]);
    const first = bad();
    await expect(first).rejects.toMatchObject({ code: "invalid-argument" });
    expect(list(((await good()) as NamedTensors).get("c"))).toEqual([2, 4]);
  });
});
