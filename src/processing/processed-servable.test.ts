import { describe, expect, test } from "vitest";
import type { ModelProcessing, ProcessingStep } from "../model/processing.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import { PREDICT_METHOD, type Signatures } from "../tensor/signature.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../tensor/tensor.ts";
import { engineModel, withProcessing } from "./processed-servable.ts";

const INNER: Signatures = new Map([
  [
    "serving_default",
    {
      inputs: [{ alias: "x", name: "x", dtype: "float32", shape: [-1, 2] }],
      outputs: [
        { alias: "y", name: "y", dtype: "float32", shape: [-1, 2] },
        { alias: "z", name: "z", dtype: "int64", shape: [-1] },
      ],
      methodName: PREDICT_METHOD,
    },
  ],
  ["other", { inputs: [], outputs: [], methodName: PREDICT_METHOD }],
]);

interface Call {
  readonly signature: string;
  readonly inputs: NamedTensors;
  readonly wanted: readonly string[];
  readonly context: RunContext | undefined;
}

/** An engine that answers `y` with its input and `z` with the numbers of the rows. */
function engine(
  slow = false,
): Servable & { readonly calls: Call[]; detached: number; readonly admitted: (string | undefined)[] } {
  const calls: Call[] = [];
  const admitted: (string | undefined)[] = [];
  return {
    runtime: "onnxruntime",
    signatures: INNER,
    calls,
    admitted,
    detached: 0,
    admit: (signature) => void admitted.push(signature),
    run(signature, inputs, wanted, context) {
      calls.push({ signature, inputs, wanted, context });
      const x = inputs.get("x")!;
      const rows = BigInt64Array.from({ length: x.shape[0] }, (_, row) => BigInt(row));
      const all = new Map<string, Tensor>([
        ["y", x],
        ["z", { dtype: "int64", shape: [rows.length], data: rows }],
      ]);
      const outputs = new Map(wanted.map((alias) => [alias, all.get(alias)!]));
      return slow ? Promise.resolve(outputs) : outputs;
    },
    runGraph: () => [],
    detach() {
      this.detached++;
    },
  };
}

const DOUBLED: readonly ProcessingStep[] = [{ kind: "normalize", scale: 2 }];
const NAMED: readonly ProcessingStep[] = [
  { kind: "labels", input: "z", output: "row", vocabulary: ["first", "second"] },
  { kind: "argmax", input: "y", output: "best" },
];

function model(preprocess = DOUBLED, postprocess = NAMED, more: object = {}): SharedModel {
  const processing: ModelProcessing = {
    file: "processing.yaml",
    inner: INNER,
    vocabularies: new Map(),
    signatures: new Map([["serving_default", { from: "serving_default", inputs: new Map(), preprocess, postprocess, ...more }]]),
  };
  return { runtime: "onnxruntime", signatures: new Map(), handle: 1, processing };
}

const rows = (...values: number[]): NamedTensors =>
  new Map([["x", { dtype: "float32", shape: [values.length / 2, 2], data: Float32Array.from(values) }]]);
const data = (outputs: NamedTensors, alias: string): unknown => outputs.get(alias)?.data;

describe.each([false, true])("with an engine that answers later: %s", (slow) => {
  test("inputs are changed before the run, and outputs after it", async () => {
    const inner = engine(slow);
    const context: RunContext = { signal: new AbortController().signal };
    const answer = withProcessing(model(), inner).run("serving_default", rows(1, 2, 4, 3), ["row", "best", "y"], context);
    expect(answer instanceof Promise).toBe(slow);
    const outputs = await answer;
    expect([...outputs.keys()]).toEqual(["row", "best", "y"]);
    expect(outputs.get("row")).toEqual(stringTensor([2], ["first", "second"]));
    expect(data(outputs, "best")).toEqual(BigInt64Array.of(1n, 0n));
    expect(data(outputs, "y")).toEqual(Float32Array.of(2, 4, 8, 6));
    expect(inner.calls).toMatchObject([{ signature: "serving_default", wanted: ["y", "z"], context }]);
  });

  test("only what is wanted is asked of the engine and worked out", async () => {
    const inner = engine(slow);
    const servable = withProcessing(model(), inner);
    await servable.run("serving_default", rows(1, 2, 3, 4, 5, 6), ["best"]);
    // Three rows have no label, which nobody asked for.
    expect(inner.calls[0].wanted).toEqual(["y"]);
    const all = async () => await servable.run("serving_default", rows(1, 2, 3, 4, 5, 6), ["row"]);
    await expect(all()).rejects.toMatchObject({
      code: "invalid-argument",
      message: 'postprocess step 1 (labels) on "z": element 2 is 2, and the vocabulary has the positions 0 to 1',
    });
  });
});

test("an output that a step puts something else in place of is not asked of the engine", async () => {
  const inner = engine();
  const replaced: ProcessingStep = { kind: "labels", input: "z", output: "y", vocabulary: ["first"] };
  const outputs = await withProcessing(model(DOUBLED, [replaced]), inner).run("serving_default", rows(1, 2), ["y"]);
  expect(outputs).toEqual(new Map([["y", stringTensor([1], ["first"])]]));
  expect(inner.calls[0].wanted).toEqual(["z"]);
});

test("an input of another type or shape is refused before the engine sees it", () => {
  const inner = engine();
  const servable = withProcessing(model(), inner);
  const run = (x: Tensor) => () => servable.run("serving_default", new Map([["x", x]]), ["y"]);
  const wrong = { dtype: "int32", shape: [1, 2], data: Int32Array.of(1, 2) } as const;
  expect(run(wrong)).toThrow('input "x" is float32 [-1,2], got int32 [1,2]');
  expect(run({ ...rows(1, 2).get("x")!, shape: [2] } as Tensor)).toThrow('input "x" is float32 [-1,2], got float32 [2]');
  expect(run({ ...rows(1, 2).get("x")!, shape: [2, 1] } as Tensor)).toThrow('input "x" is float32 [-1,2], got float32 [2,1]');
  expect(inner.calls).toEqual([]);
});

test("what a caller leaves out is filled in for as many rows as there are", async () => {
  const inputs = new Map([
    ["a", { dtype: "float32", shape: [-1] } as const],
    ["b", { dtype: "float32", shape: [-1], default: 7 } as const],
  ]);
  const inner = engine();
  const concat: ProcessingStep = { kind: "concat", inputs: ["a", "b"], output: "x" };
  const servable = withProcessing(model([concat], [], { inputs }), inner);
  const a: Tensor = { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) };
  const outputs = await servable.run("serving_default", new Map([["a", a]]), ["y"]);
  expect(outputs.get("y")).toEqual({ dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 7, 2, 7) });
});

test("an engine is asked for something even where only constants are wanted", async () => {
  const inner = engine();
  const constant: ProcessingStep = { kind: "constant", output: "version", value: "v1", dtype: "string", shape: [-1] };
  const outputs = await withProcessing(model([], [constant]), inner).run("serving_default", rows(1, 2, 3, 4), ["version"]);
  expect(outputs).toEqual(new Map([["version", stringTensor([2], ["v1", "v1"])]]));
  expect(inner.calls[0].wanted).toEqual(["y"]);
});

test("an answer that is not what the model declares is the server's error", () => {
  const inner = engine();
  const wrong: Servable = { ...inner, run: () => new Map([["y", stringTensor([1], ["a"])]]), detach: () => undefined };
  expect(() => withProcessing(model(), wrong).run("serving_default", rows(1, 2), ["best"])).toThrow(
    expect.objectContaining({
      code: "internal",
      message: `the model's output "y" is string [1], and the model declares float32 [-1,2]`,
    }),
  );
});

test("signatures that nothing is declared for, admission, graph runs and the end are the engine's", async () => {
  const inner = engine();
  const derived = {
    ...model().processing!,
    signatures: new Map([["best", { from: "serving_default", inputs: new Map(), preprocess: [], postprocess: [] }]]),
  };
  const servable = withProcessing({ ...model(), processing: derived }, inner);
  const inputs = rows(1, 2);
  await servable.run("other", inputs, ["y"]);
  await servable.run("best", inputs, ["z"]);
  expect(inner.calls.map(({ signature }) => signature)).toEqual(["other", "serving_default"]);
  expect(inner.calls[0].inputs).toBe(inputs);
  for (const name of ["best", "other", undefined]) servable.admit!(name);
  expect(inner.admitted).toEqual(["serving_default", "other", undefined]);
  expect("runTogether" in servable).toBe(false);
  expect(servable.runGraph!(new Map(), [], [])).toEqual([]);
  await servable.detach();
  expect(inner.detached).toBe(1);
});

test("a model without a file is left as it is", () => {
  const inner = engine();
  const { processing: _, ...plain } = model();
  expect(withProcessing(plain, inner)).toBe(inner);
  expect(engineModel(plain)).toBe(plain);
  expect(engineModel(model()).signatures).toBe(INNER);
});

test("what would be too large to make is refused", () => {
  const servable = withProcessing(model([], [{ kind: "one_hot", input: "z", depth: 100_000_000 }]), engine());
  expect(() => servable.run("serving_default", rows(1, 2, 3, 4), ["z"])).toThrow(
    expect.objectContaining({
      code: "resource-exhausted",
      message: 'postprocess step 1 (one_hot) on "z": it would make 800000000 bytes or more, of at most 536870912',
    }),
  );
});
