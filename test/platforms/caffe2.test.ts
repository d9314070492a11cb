import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodeModel } from "../../src/graph/encode-model.ts";
import type { OnnxGraphProgram } from "../../src/model/program.ts";
import { caffe2Platform } from "../../src/platforms/caffe2/caffe2-platform.ts";
import { importNets } from "../../src/platforms/caffe2/import-nets.ts";
import type { Operator } from "../../src/platforms/caffe2/net-def.ts";
import { OPERATORS } from "../../src/platforms/caffe2/operators.ts";
import { readNet } from "../../src/platforms/caffe2/read-net.ts";
import { filled, netOf, op } from "../../src/platforms/caffe2/test-nets.ts";
import { readValueInfo } from "../../src/platforms/caffe2/value-info.ts";
import { fixture } from "../support/folders.ts";
import { type FrameworkCase, loadProgram, tensorOf, worstDifference } from "../support/run-program.ts";

const TOLERANCE = 1e-5;
const { signal } = new AbortController();

/** Models of others that are no part of the project. */
const SHARED = new URL("../../../shared/fixtures/caffe2/", import.meta.url).pathname;
const MODELS = readdirSync(fixture("caffe2")).filter((name) => existsSync(fixture("caffe2", name, "golden.json")));
const OTHERS = (existsSync(SHARED) ? readdirSync(SHARED) : []).filter(
  (name) => !MODELS.includes(name) && existsSync(join(SHARED, name, "golden.json")),
);

test.each([...MODELS.map((name) => fixture("caffe2", name)), ...OTHERS.map((name) => join(SHARED, name))])(
  "%s answers as Caffe2 did",
  async (folder) => {
    const cases = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as FrameworkCase[];
    expect(await worstDifference(await caffe2Platform.read(folder, signal), cases)).toBeLessThan(TOLERANCE);
  },
);

interface PackedNet {
  readonly name: string;
  /** Both in base64. */
  readonly init: string;
  readonly predict: string;
  readonly declared: object;
  readonly cases: readonly FrameworkCase[];
}

const PACKED = readFileSync(fixture("caffe2", "operators.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as PackedNet);

const kinds = new Map<string, PackedNet[]>();
for (const packed of PACKED) {
  const kind = packed.name.replace(/_\d+$/, "");
  kinds.set(kind, [...(kinds.get(kind) ?? []), packed]);
}

async function programOf({ init, predict, declared }: PackedNet): Promise<OnnxGraphProgram> {
  const nets = await Promise.all(
    [init, predict].map((net, i) => readNet(Buffer.from(net, "base64"), i === 0 ? "init_net.pb" : "predict_net.pb", signal)),
  );
  const graph = await importNets(nets[0]!, nets[1]!, readValueInfo(JSON.stringify(declared)), signal);
  return { runtime: "onnxruntime", source: "predict_net.pb", ...encodeModel(graph) };
}

describe("operators give what they do in Caffe2", () => {
  test.each([...kinds])("%s", async (_kind, nets) => {
    for (const net of nets) expect(await worstDifference(await programOf(net), net.cases), net.name).toBeLessThan(TOLERANCE);
  });
});

/** What the Caffe2 that made the fixtures cannot run alone, or gives nothing to compare. */
const UNCOMPARED = [
  "AliasWithName",
  "Assert",
  "CopyCPUToGPU",
  "CopyFromCPUInput",
  "CopyGPUToCPU",
  "EnforceFinite",
  "FloatToHalf",
  "GivenTensorBoolFill",
  "GivenTensorByteStringToUInt8Fill",
  "GivenTensorFP16Fill",
  "GivenTensorFill",
  "GivenTensorInt64Fill",
  "GivenTensorIntFill",
  "HalfToFloat",
  "Print",
];

test("every operator that is covered has been compared with Caffe2's", () => {
  expect([...OPERATORS.keys()].filter((name) => !kinds.has(name)).sort()).toEqual(UNCOMPARED);
});

/** Nets of which no fixture is, and what they give for x = [[-1, 2.5]]. */
const PLAIN: readonly (readonly [string, readonly Operator[], readonly Operator[], readonly number[]])[] = [
  [
    "a blob written in place, three times",
    [],
    [op("Exp", ["x"], ["x2"]), op("Log", ["x2"], ["x2"]), op("Relu", ["x2"], ["x2"])],
    [0, 2.5],
  ],
  [
    "a blob read before and after it is written anew",
    [],
    [op("Copy", ["x"], ["a"]), op("Relu", ["a"], ["b"]), op("Copy", ["b"], ["a"]), op("Sub", ["a", "x"], ["y"])],
    [1, 0],
  ],
  [
    "parameters computed by the first net",
    [filled("v", [2], [3, 4]), op("Sqr", ["v"], ["w"])],
    [op("Mul", ["x", "w"], ["y"])],
    [-9, 40],
  ],
  [
    "16-bit floats",
    [op("GivenTensorFP16Fill", [], ["h"], { shape: [2], values: { floats: Float32Array.of(0.1, 2) } })],
    [op("HalfToFloat", ["h"], ["w"]), op("Mul", ["x", "w"], ["y"])],
    [-0.0999755859375, 5],
  ],
  ["there and back", [], [op("FloatToHalf", ["x"], ["h"]), op("HalfToFloat", ["h"], ["y"])], [-1, 2.5]],
  [
    "bytes in a string",
    [op("GivenTensorByteStringToUInt8Fill", [], ["b"], { shape: [2], values: { texts: [Uint8Array.of(7, 255)] } })],
    [op("Cast", ["b"], ["w"], { to: 1 }), op("Add", ["x", "w"], ["y"])],
    [6, 257.5],
  ],
  [
    "a large constant",
    [op("ConstantFill", [], ["w"], { shape: [2, 50_000], value: 0.5 })],
    [op("MatMul", ["x", "w"], ["m"]), op("ReduceBackMean", ["m"], ["y"])],
    [0.75],
  ],
  [
    "what only copies and looks",
    [],
    [
      op("CopyCPUToGPU", ["x"], ["a"]),
      op("CopyGPUToCPU", ["a"], ["b"]),
      op("Print", ["b"], []),
      op("AliasWithName", ["b"], ["c"]),
      op("NanCheck", ["c"], ["d"]),
      op("EnsureDense", ["d"], ["y"]),
    ],
    [-1, 2.5],
  ],
];

test.each(PLAIN)("%s", async (_what, init, predict, expected) => {
  const graph = await importNets(netOf("init_net.pb", init), netOf("predict_net.pb", predict), new Map(), signal);
  const loaded = await loadProgram({ runtime: "onnxruntime", source: "made", ...encodeModel(graph) });
  try {
    const answer = await loaded.run(
      new Map([["x", tensorOf({ dtype: "float32", shape: [1, 2], data: [-1, 2.5] })]]),
      graph.outputs.map(({ name }) => name),
    );
    const values = [...([...answer.values()][0]!.data as Float32Array)];
    expect(values.map((value) => Number(value.toFixed(6)))).toEqual(expected.map((value) => Number(value.toFixed(6))));
  } finally {
    await loaded.close();
  }
});

test.each([
  ["convnet", ["data batch,3,?,?"], ["softmax batch,5"]],
  ["embedding", ["indices indices", "lengths batch", "ids ?", "dense batch,3"], ["prob batch,1"]],
  ["nhwc", ["data batch,?,?,3"], ["pred batch,4"]],
])("the batch of %s is free, and its inputs have the shapes that its operators take", async (name, inputs, outputs) => {
  const loaded = await loadProgram(await caffe2Platform.read(fixture("caffe2", name), signal));
  const { signature } = loaded;
  await loaded.close();
  const shown = (list: typeof signature.inputs) =>
    list.map(({ alias, shape, dimensionNames }) => {
      const sizes = shape?.map((size, i) => (size === -1 ? dimensionNames?.[i] || "?" : size));
      return `${alias} ${sizes?.join() ?? "?"}`;
    });
  expect(shown(signature.inputs)).toEqual(inputs);
  expect(shown(signature.outputs)).toEqual(outputs);
});
