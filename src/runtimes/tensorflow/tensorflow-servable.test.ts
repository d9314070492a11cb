import { afterEach, describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { stringAt } from "../../tensor/string-array.ts";
import { type NamedTensors, type NumericTensor, type StringTensor, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { attach, BIG, endAttached, LIBRARY, load, NO_LIBRARY, programOf, thrown } from "./attached-fixture.ts";
import { tensorFromProto } from "./input-tensors.ts";
import { openLibrary } from "./library.ts";
import { TensorFlowRuntime } from "./tensorflow-runtime.ts";

const floats = (shape: number[], ...values: number[]): NumericTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});
const named = (tensors: Record<string, Tensor>): NamedTensors => new Map(Object.entries(tensors));
const numbers = (tensor: Tensor | undefined): number[] => Array.from((tensor as NumericTensor).data as Float32Array);
const texts = (tensor: Tensor | undefined): string[] =>
  Array.from({ length: tensor!.data.length }, (_, i) => stringAt((tensor as StringTensor).data, i));
const count = (n: number): NamedTensors => named({ n: { dtype: "int32", shape: [], data: Int32Array.of(n) } });

afterEach(endAttached);

describe.skipIf(LIBRARY === undefined)(`a SavedModel in this process (${NO_LIBRARY})`, () => {
  test("runs on another thread until its executor is made, and soon on the thread that asks", async () => {
    const servable = await attach("tf2_two_versions/1");
    const run = () => servable.run("serving_default", named({ x: floats([2], 1, 3) }), ["y"]);
    const places: string[] = [];
    // Many, because on a busy machine the second one may seem long.
    while (places.at(-1) !== "here" && places.length < 200) {
      const outputs = run();
      places.push(outputs instanceof Promise ? "elsewhere" : "here");
      expect(numbers((await outputs).get("y"))).toEqual([2.5, 3.5]);
    }
    expect(places.slice(0, 2)).toEqual(["elsewhere", "elsewhere"]);
    expect(places.at(-1)).toBe("here");
  });

  test("a big model's runs stay on other threads while nothing is known of them", async () => {
    const servable = await attach("runtime/loop/1", { bytes: BIG });
    for (let i = 0; i < 2; i++) expect(servable.run("serving_default", count(3), ["n"])).toBeInstanceOf(Promise);
  });

  test("a run that takes long is done on another thread, and does not hold up this one", async () => {
    const servable = await attach("runtime/loop/1");
    for (let i = 0; i < 3; i++) await servable.run("serving_default", count(20_000), ["n"]);
    const outputs = servable.run("serving_default", count(20_000), ["n"]);
    expect(outputs).toBeInstanceOf(Promise);
    expect(numbers((await outputs).get("n"))).toEqual([20_000]);
  });

  test("a graph that may loop for ever is never run on the thread that asks, however short its runs were", async () => {
    const servable = await attach("runtime/loop/1");
    for (let i = 0; i < 70; i++) await servable.run("serving_default", count(1), ["n"]);
    const context = { signal: new AbortController().signal, remainingMs: 1 };
    const outputs = servable.run("serving_default", count(2_000_000_000), ["n"], context);
    expect(outputs).toBeInstanceOf(Promise);
    expect(await thrown(() => outputs)).toMatchObject({ code: "deadline-exceeded" });
  });

  test("requests that fail at once do not make a long run one for the thread that asks", async () => {
    const servable = await attach("tf2_keras_mlp/1");
    const features = (...shape: number[]): NamedTensors =>
      named({ features: { dtype: "float32", shape, data: new Float32Array(800_000) } });
    const run = (inputs: NamedTensors) => servable.run("serving_default", inputs, ["output_0"]);
    const [long, wrong] = [features(100_000, 8), features(8, 100_000)];
    for (let i = 0; i < 4; i++) await run(long);
    for (let i = 0; i < 60; i++) expect(await thrown(() => run(wrong))).toMatchObject({ code: "invalid-argument" });
    const outputs = run(long);
    expect(outputs).toBeInstanceOf(Promise);
    await outputs;
  });

  test("a shape whose sizes overflow before one of 0 is refused, and does not end the process", async () => {
    const servable = await attach("tf2_two_versions/1");
    for (const shape of [
      [2 ** 40, 2 ** 40, 0],
      [1000, 2 ** 52, 0],
    ]) {
      const error = await thrown(() => servable.run("serving_default", named({ x: floats(shape) }), ["y"]));
      expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringContaining("too many elements") as string });
    }
  });

  test("strings of 2 GiB are refused, and do not end the process", async () => {
    const { message, code } = await thrown(() => tensorFromProto(openLibrary(LIBRARY!), new Uint8Array(2 ** 31)));
    expect([code, message]).toEqual(["resource-exhausted", expect.stringContaining("more than 2 GiB")]);
  });

  test("gives the outputs that are wanted, in their order", async () => {
    const servable = await attach("tf2_multi_signature/1");
    const inputs = named({ x: floats([1, 4], 0, 1, 2, 3), bias: floats([1, 3], 1, 1, 1) });
    expect([...(await servable.run("serving_default", inputs, ["y_max", "rows"])).keys()]).toEqual(["y_max", "rows"]);
    expect([...(await servable.run("serving_default", inputs, ["y"])).keys()]).toEqual(["y"]);
  });

  test("an input that a variable keeps is not changed by the next request", async () => {
    const servable = await attach("runtime/keep/1");
    for (let i = 1; i <= 6; i++) {
      const x = floats([3], i, i, i);
      await servable.run("set", named({ x }), ["y"]);
      (x.data as Float32Array).fill(-1);
      await servable.run("set", named({ x: floats([3], 10 * i, 0, 0) }), ["y"]);
      expect(numbers((await servable.run("get", new Map(), ["y"])).get("y"))).toEqual([10 * i, 0, 0]);
    }
  });

  test("strings that a variable keeps are whole at the next request", async () => {
    const servable = await attach("runtime/keep/1");
    let before = ["first"];
    for (const next of [
      ["a", "a long text that does not lie within the string itself"],
      [""],
      ["x".repeat(10_000), "y"],
      ["z"],
    ]) {
      const outputs = await servable.run("strings", named({ x: stringTensor([next.length], next) }), ["before"]);
      expect(texts(outputs.get("before"))).toEqual(before);
      before = next;
    }
  });

  test.each([
    ["no elements", [0], []],
    ["a scalar", [], ["only"]],
    ["empty ones", [2, 1], ["", ""]],
    ["what lies within a string, and one byte more", [4], ["a".repeat(21), "b".repeat(22), "c".repeat(23), "d".repeat(24)]],
    ["zero bytes and what is not UTF-8's business", [1, 3], ["a\0b", "\0", "日本語"]],
    ["a megabyte", [2], ["m".repeat(2 ** 20), "after"]],
  ])("strings go in and come out: %s", async (_, shape, values) => {
    const servable = await attach("runtime/shapes/1");
    for (let i = 0; i < 3; i++) {
      const y = (await servable.run("serving_default", named({ x: stringTensor(shape, values) }), ["y"])).get("y")!;
      expect(y.shape).toEqual(shape);
      expect(texts(y)).toEqual(values);
    }
  });

  test("an input that is left out has the signature's default, also after others were given", async () => {
    const servable = await attach("reading/default_inputs/1");
    const x = floats([2], 1, 2);
    for (let i = 0; i < 4; i++) {
      expect(numbers((await servable.run("serving_default", named({ x }), ["y"])).get("y"))).toEqual([5, 8]);
      expect(numbers((await servable.run("serving_default", named({ x, a: floats([], 1) }), ["y"])).get("y"))).toEqual([3, 4]);
    }
  });

  test.each([
    ["another dtype", "tf2_two_versions/1", { x: { dtype: "int32", shape: [1], data: Int32Array.of(1) } }, "invalid-argument"],
    ["a shape that the kernel refuses", "tf2_keras_mlp/1", { features: floats([1, 3], 1, 2, 3) }, "invalid-argument"],
  ] as const)(
    "a run fails with TensorFlow's code for %s, here and elsewhere, and the next goes well",
    async (_, folder, given, code) => {
      const servable = await attach(folder);
      const [input, output] = folder === "tf2_keras_mlp/1" ? ["features", "output_0"] : ["x", "y"];
      const good = input === "x" ? floats([1], 1) : floats([1, 8], ...Array<number>(8).fill(1));
      const wanted = [servable.signatures.get("serving_default")!.outputs[0]?.alias ?? output];
      for (let i = 0; i < 4; i++) {
        expect(await thrown(() => servable.run("serving_default", named(given), wanted))).toMatchObject({ code });
        await servable.run("serving_default", named({ [input]: good }), wanted);
      }
    },
  );

  test("several signatures are run at once, each with its outputs", async () => {
    const servable = await attach("tf1_classify_regress/1");
    const inputs = named({ inputs: stringTensor([1], [Buffer.from("Cg8KDQoBeBIIEgYKBAAAgD8=", "base64")]) });
    const tasks = [
      { signature: "regress_x_to_y2", wanted: ["outputs"] },
      { signature: "classify", wanted: ["classes", "scores"] },
      { signature: "regress_x_to_y", wanted: ["outputs"] },
    ];
    for (let i = 0; i < 3; i++) {
      const [second, classes, first] = await servable.runTogether!(tasks, inputs);
      expect(numbers(second!.get("outputs"))).toEqual([3]);
      expect(numbers(first!.get("outputs"))).toEqual([2.5]);
      expect([...classes!.keys()]).toEqual(["classes", "scores"]);
      expect(texts(classes!.get("classes"))).toEqual(["pos", "neg", "other"]);
    }
  });

  test("parts of the graph are run by their own names", async () => {
    const servable = await attach("tf1_classify_regress/1");
    const [y] = await servable.runGraph!(named({ "x:0": floats([2, 1], 1, 2) }), ["y:0"], []);
    expect(numbers(y)).toEqual([2.5, 3]);
    expect(await servable.runGraph!(named({ x: floats([1, 1], 1) }), [], ["y"])).toEqual([]);
  });

  test.each([
    ["a fetch", named({}), ["nowhere:0"], []],
    ["a fetch of an output that the operation does not have", named({}), ["x:7"], []],
    ["a feed", named({ nowhere: floats([1], 1) }), ["y:0"], []],
    ["a target", named({}), [], ["nowhere"]],
    ["a name of a zero byte", named({}), ["x\0y:0"], []],
  ])("a part that the graph does not have is not found: %s", async (_, feeds, fetches, targets) => {
    const servable = await attach("tf1_classify_regress/1");
    expect(await thrown(() => servable.runGraph!(feeds, fetches, targets))).toMatchObject({ code: "not-found" });
  });

  test("whoever leaves does not wait for the run, and the version is let go only after it", async () => {
    const { runtime, model } = await load("runtime/loop/1", { bytes: BIG });
    const servable = runtime.attach(model);
    const leaving = new AbortController();
    const outputs = servable.run("serving_default", count(300_000), ["n"], { signal: leaving.signal });
    // The engine has begun by then: the call is given away before the run returns.
    await Promise.resolve();
    leaving.abort(new ServingError("cancelled", "the caller left"));
    expect(await thrown(() => outputs)).toMatchObject({ code: "cancelled", message: "the caller left" });
    const detached = servable.detach();
    expect(detached).toBeInstanceOf(Promise);
    await detached;
  });

  test("TensorFlow ends a run when its time is over", async () => {
    const servable = await attach("runtime/loop/1", { bytes: BIG });
    const context = { signal: new AbortController().signal, remainingMs: 1 };
    expect(await thrown(() => servable.run("serving_default", count(2_000_000_000), ["n"], context))).toMatchObject({
      code: "deadline-exceeded",
    });
  });

  test("two threads' servables of one session answer each for itself", async () => {
    const { runtime, model } = await load("tf1_counter/1");
    const [a, b] = [runtime.attach(model), runtime.attach(model)];
    const run = async (servable: typeof a, signature: string) =>
      numbers((await servable.run(signature, new Map(), ["output"])).get("output"));
    expect(await run(a, "incr_counter")).toEqual([1]);
    expect(await run(b, "incr_counter")).toEqual([2]);
    expect(await run(a, "get_counter")).toEqual([2]);
    await Promise.all([a.detach(), b.detach()]);
  });
});

describe.skipIf(LIBRARY === undefined)(`loading a SavedModel (${NO_LIBRARY})`, () => {
  const never = new AbortController().signal;
  const runtime = new TensorFlowRuntime({}, async () => LIBRARY!);

  test("a config that is none is refused", async () => {
    const engine = { tensorflow: { sessionConfig: Uint8Array.of(0xff, 0xff) } };
    expect(await thrown(() => load("tf2_two_versions/1", { engine }))).toMatchObject({ code: "internal" });
  });

  test("an aborted load gives the signal's reason and leaves nothing behind", async () => {
    const stopping = new AbortController();
    stopping.abort(new ServingError("cancelled", "stopping"));
    const program = await programOf("tf2_two_versions/1");
    expect(await thrown(() => runtime.load(program, stopping.signal))).toMatchObject({ message: "stopping" });
  });

  test("a graph without its variables names the file and no path", async () => {
    const program = { ...(await programOf("tf2_two_versions/1")), folder: `${import.meta.dirname}/nowhere` };
    const error = await thrown(() => runtime.load(program, never));
    expect(error.message).toContain("the SavedModel cannot be loaded");
    expect(error.message).not.toContain(import.meta.dirname);
  });

  test("a graph with ops that nobody has names all of them", async () => {
    const program = await programOf("reading/odd_signatures/1");
    expect(program.opTypes).toContain("CustomOp1");
    const opTypes = [...program.opTypes!, "AnotherOp"];
    expect(await thrown(() => runtime.load({ ...program, opTypes }, never))).toMatchObject({
      code: "unimplemented",
      message: expect.stringContaining("the graph uses the ops AnotherOp, CustomOp1, which TensorFlow 2.") as string,
    });
  });

  test("a library of custom ops that is not there is named", async () => {
    const engine = { tensorflow: { customOpPaths: ["/nowhere/twice.so"] } };
    expect(await thrown(() => load("tf2_two_versions/1", { engine }))).toMatchObject({
      code: "not-found",
      message: 'there is no library of custom ops "twice.so" (--custom_op_paths)',
    });
  });

  test("a file that is no library of custom ops is refused by its name", async () => {
    const engine = { tensorflow: { customOpPaths: [import.meta.filename] } };
    const error = await thrown(() => load("tf2_two_versions/1", { engine }));
    expect(error.code).toBe("failed-precondition");
    expect(error.message).toContain('"tensorflow-servable.test.ts" cannot be loaded');
    expect(error.message).not.toContain(import.meta.dirname);
  });

  test("a default value that is no tensor fails the request that needs it", async () => {
    const program = await programOf("reading/default_inputs/1");
    const defaults = new Map([["serving_default", new Map([["a", Uint8Array.of(0xff)]])]]);
    const model = await runtime.load({ ...program, defaults }, never);
    const servable = runtime.attach(model);
    const error = await thrown(() => servable.run("serving_default", named({ x: floats([1], 1) }), ["y"]));
    expect(error.code).toBe("invalid-argument");
    await servable.detach();
    await runtime.unload(model);
  });
});
