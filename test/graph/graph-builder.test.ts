import { expect, test } from "vitest";
import { encodeModel } from "../../src/graph/encode-model.ts";
import { GraphBuilder } from "../../src/graph/graph-builder.ts";
import { float } from "../../src/graph/graph-node.ts";
import type { GraphShape, GraphValue } from "../../src/graph/graph-value.ts";
import { OnnxRuntime } from "../../src/runtimes/onnxruntime/onnx-runtime.ts";
import type { NamedTensors, Tensor } from "../../src/tensor/tensor.ts";

const { signal } = new AbortController();

/** Runs a graph once with ONNX Runtime. */
async function run(graph: GraphBuilder, inputs: Record<string, Tensor>): Promise<NamedTensors> {
  const runtime = new OnnxRuntime();
  const shared = await runtime.load({ runtime: "onnxruntime", source: "made", ...encodeModel(graph) }, signal);
  const servable = runtime.attach(shared);
  try {
    return await servable.run(
      "serving_default",
      new Map(Object.entries(inputs)),
      graph.outputs.map(({ name }) => name),
    );
  } finally {
    await servable.detach();
    await runtime.unload(shared);
  }
}

function floats(shape: readonly number[], values?: readonly number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { dtype: "float32", shape, data: Float32Array.from({ length: count }, (_, i) => values?.[i] ?? i) };
}

test("constants too large for the model are read from memory, and give the same answers", async () => {
  const graph = new GraphBuilder();
  const input = graph.input("in/put", "float32", ["batch", 1000]);
  const weights = Float32Array.from({ length: 2000 }, (_, i) => i % 7);
  graph.output("out:0", graph.add("MatMul", [input, graph.constant("float32", [1000, 2], weights)]));
  expect([...encodeModel(graph).weights.values()].map(({ length }) => length)).toEqual([8000]);
  const answer = await run(graph, { "in/put": floats([2, 1000], Array(2000).fill(1)) });
  const sums = [0, 1].map((column) => weights.reduce((sum, value, i) => (i % 2 === column ? sum + value : sum), 0));
  expect([...(answer.get("out:0")!.data as Float32Array)]).toEqual([...sums, ...sums]);
});

test("what no output needs is not written, and an input nobody needs is still asked for", async () => {
  const graph = new GraphBuilder();
  const a = graph.input("a", "float32", ["n"]);
  graph.input("unused", "float32", ["n"]);
  graph.add("NoSuchOperator", [a]);
  graph.output("b", graph.add("Neg", [a]));
  const answer = await run(graph, { a: floats([2]), unused: floats([2]) });
  expect([...(answer.get("b")!.data as Float32Array)]).toEqual([-0, -1]);
});

test("an input, a constant and one value under two names can be given out", async () => {
  const graph = new GraphBuilder();
  const a = graph.input("a", "float32", [1]);
  const doubled = graph.add("Add", [a, a]);
  graph.output("same", a);
  graph.output("first", doubled);
  graph.output("second", doubled);
  graph.output("seven", graph.integers([7]));
  const answer = await run(graph, { a: floats([1], [21]) });
  expect([...answer].map(([name, { data }]) => [name, Number((data as Float32Array)[0])])).toEqual([
    ["same", 21],
    ["first", 42],
    ["second", 42],
    ["seven", 7],
  ]);
});

test("names that two inputs or outputs share are refused", () => {
  const graph = new GraphBuilder();
  graph.output("a", graph.input("a", "float32", [1]));
  expect(() => encodeModel(graph)).toThrow('two inputs or outputs are called "a"');
});

test("a loop's body uses values of the graph around it, computed before it", async () => {
  const graph = new GraphBuilder();
  const sequence = graph.input("sequence", "float32", ["time", 2]);
  const scale = graph.add("Mul", [graph.input("scale", "float32", [2]), graph.scalar("float32", 10)]);
  const body = graph.subgraph();
  const state = body.input("state", "float32", [2]);
  const step = body.input("step", "float32", [2]);
  const next = body.add("Add", [state, body.add("Mul", [step, scale])]);
  body.output("next", next);
  body.output("seen", next);
  const start = graph.constant("float32", [2], new Float32Array(2));
  const [last, all] = graph.addMany("Scan", [start, sequence], { body, num_scan_inputs: 1 }, 2);
  graph.output("last", last!);
  graph.output("all", all!);
  const answer = await run(graph, { sequence: floats([3, 2]), scale: floats([2], [1, 2]) });
  expect([...(answer.get("last")!.data as Float32Array)]).toEqual([60, 180]);
  expect([...(answer.get("all")!.data as Float32Array)]).toEqual([0, 20, 20, 80, 60, 180]);
});

test("a graph of 50,000 nodes in a row is written without recursion", () => {
  const graph = new GraphBuilder();
  let value = graph.input("a", "float32", [1]);
  for (let i = 0; i < 50_000; i++) value = graph.add("Neg", [value]);
  graph.output("b", value);
  expect(encodeModel(graph).model.length).toBeGreaterThan(50_000 * 10);
});

test.each(["LSTM", "GRU"])("%s is not run on nothing, which would end the process", async (operator) => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", ["time", "n", 2]);
  const gates = operator === "LSTM" ? 12 : 9;
  const [y] = graph.addMany(operator, [x, zeros(graph, [1, gates, 2]), zeros(graph, [1, gates, 3])], { hidden_size: 3 }, 2);
  graph.output("y", y!);
  await expect(run(graph, { x: floats([5, 0, 2]) })).rejects.toThrow(
    `input "x" has no elements (shape [5,0,2]); a model with ${operator} needs at least one of each`,
  );
});

test.each([
  ["MaxPool", 0],
  ["AveragePool", -1],
] as const)("%s of a tensor padded with zeros counts them", async (operator, expected) => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", ["n", 1, 2, 2]);
  const pads = graph.integers([0, 0, 1, 1, 0, 0, 1, 1]);
  const padded = graph.add("Pad", [x, pads, graph.scalar("float32", 0)]);
  graph.output("y", graph.add(operator, [padded], { kernel_shape: [2, 2], strides: [2, 2] }));
  const answer = await run(graph, { x: floats([1, 1, 2, 2], [-4, -4, -4, -4]) });
  expect([...(answer.get("y")!.data as Float32Array)]).toEqual(Array(4).fill(expected));
});

test("nodes of one origin have names of their own", async () => {
  const graph = new GraphBuilder();
  let value = graph.at('fc "a"').input("x", "float32", [1]);
  for (const origin of ['fc "a"', 'fc "a" (2)', 'fc "a"', "", ""]) value = graph.at(origin).add("Neg", [value]);
  graph.output("y", value);
  expect([...((await run(graph, { x: floats([1], [1]) })).get("y")!.data as Float32Array)]).toEqual([-1]);
});

/** Each makes one value of the graph's input `x`; its shape is then the answer's. */
const INFERRED: readonly [string, GraphShape, readonly number[], (graph: GraphBuilder, x: GraphValue) => GraphValue][] = [
  ["Flatten", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("Flatten", [x])],
  ["Flatten from axis 2", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("Flatten", [x], { axis: 2 })],
  ["Reshape that keeps and infers", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("Reshape", [x, g.integers([0, -1])])],
  ["Reshape that merges", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("Reshape", [x, g.integers([-1, 6])])],
  ["Transpose", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("Transpose", [x], { perm: [2, 0, 1] })],
  ["Concat", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("Concat", [x, x], { axis: -1 })],
  ["Slice", ["n", 5, 3], [4, 5, 3], (g, x) => g.add("Slice", [x, g.integers([1]), g.integers([-1]), g.integers([1])])],
  [
    "Slice backwards",
    ["n", 5],
    [4, 5],
    (g, x) => g.add("Slice", [x, g.integers([-1]), g.integers([-9]), g.integers([1]), g.integers([-2])]),
  ],
  ["Squeeze", ["n", 1, 3], [4, 1, 3], (g, x) => g.add("Squeeze", [x, g.integers([1])])],
  ["Unsqueeze", ["n", 3], [4, 3], (g, x) => g.add("Unsqueeze", [x, g.integers([0, -1])])],
  ["Gather", ["n", 3], [4, 3], (g, x) => g.add("Gather", [x, g.integers([2, 0])], { axis: 1 })],
  [
    "MatMul of a batch",
    ["n", 2, 3],
    [4, 2, 3],
    (g, x) => g.add("MatMul", [x, g.constant("float32", [3, 5], new Float32Array(15))]),
  ],
  [
    "Gemm",
    ["n", 3],
    [4, 3],
    (g, x) => g.add("Gemm", [x, g.constant("float32", [5, 3], new Float32Array(15))], { transB: 1, alpha: float(2) }),
  ],
  [
    "Conv",
    ["n", 2, 9, 8],
    [1, 2, 9, 8],
    (g, x) =>
      g.add("Conv", [x, g.constant("float32", [4, 1, 3, 2], new Float32Array(24))], {
        group: 2,
        strides: [2, 1],
        dilations: [2, 1],
        pads: [1, 0, 1, 1],
      }),
  ],
  [
    "ConvTranspose",
    ["n", 2, 4, 5],
    [1, 2, 4, 5],
    (g, x) =>
      g.add("ConvTranspose", [x, g.constant("float32", [2, 3, 3, 3], new Float32Array(54))], {
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        output_padding: [1, 0],
      }),
  ],
  [
    "MaxPool, rounded up",
    ["n", 1, 6, 7],
    [1, 1, 6, 7],
    (g, x) => g.add("MaxPool", [x], { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
  ],
  [
    "AveragePool, rounded up, a last window in the padding",
    ["n", 1, 5, 5],
    [1, 1, 5, 5],
    (g, x) => g.add("AveragePool", [x], { kernel_shape: [3, 3], strides: [3, 3], pads: [0, 0, 2, 2], ceil_mode: 1 }),
  ],
  ["GlobalAveragePool", ["n", 2, 3, 4], [1, 2, 3, 4], (g, x) => g.add("GlobalAveragePool", [x])],
  ["ReduceMean", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("ReduceMean", [x], { axes: [1], keepdims: 0 })],
  ["ReduceSum of all", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("ReduceSum", [x])],
  ["ArgMax", ["n", 2, 3], [4, 2, 3], (g, x) => g.add("ArgMax", [x], { axis: -1, keepdims: 0 })],
  ["Pad", ["n", 2], [4, 2], (g, x) => g.add("Pad", [x, g.integers([0, 1, 0, 2])])],
  [
    "Reshape to a shape that is computed",
    ["n", 2, 3],
    [4, 2, 3],
    (g, x) => {
      const shape = g.add("Shape", [x]);
      const rows = g.add("Gather", [shape, g.integers([0])]);
      const rest = g.add("Mul", [
        g.add("Gather", [shape, g.integers([1])]),
        g.add("Slice", [shape, g.integers([2]), g.integers([3])]),
      ]);
      return g.add("Reshape", [x, g.add("Concat", [rows, rest], { axis: 0 })]);
    },
  ],
  ["Expand to another's shape", ["n", 3], [4, 3], (g, x) => g.add("Expand", [g.scalar("float32", 2), g.add("Shape", [x])])],
  [
    "ReverseSequence",
    ["n", 2],
    [4, 2],
    (g, x) => g.add("ReverseSequence", [x, g.integers([1, 2])], { time_axis: 0, batch_axis: 1 }),
  ],
  ["SpaceToDepth", ["n", 1, 4, 2], [1, 1, 4, 2], (g, x) => g.add("SpaceToDepth", [x], { blocksize: 2 })],
  ["Tile", ["n", 2], [4, 2], (g, x) => g.add("Tile", [x, g.integers([1, 3])])],
  ["Expand", ["n", 1], [4, 1], (g, x) => g.add("Expand", [x, g.integers([2, 1, 3])])],
  ["TopK", ["n", 5], [4, 5], (g, x) => g.addMany("TopK", [x, g.integers([2])], {}, 2)[1]!],
  ["Split", ["n", 6], [4, 6], (g, x) => g.addMany("Split", [x, g.integers([1, 5])], { axis: 1 }, 2)[1]!],
  [
    "Resize",
    ["n", 1, 2, 3],
    [1, 1, 2, 3],
    (g, x) => g.add("Resize", [x, undefined, g.constant("float32", [4], Float32Array.of(1, 1, 2, 2.5))]),
  ],
  ["a comparison, cast", ["n", 2], [4, 2], (g, x) => g.add("Cast", [g.add("Greater", [x, g.scalar("float32", 1)])], { to: 7 })],
  ["broadcasting", ["n", 1, 3], [4, 1, 3], (g, x) => g.add("Add", [x, g.constant("float32", [2, 1], new Float32Array(2))])],
  [
    "a recurrent layer",
    ["time", "n", 2],
    [5, 4, 2],
    (g, x) => {
      const weights = (shape: readonly number[]) =>
        g.constant("float32", shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
      return g.addMany("LSTM", [x, weights([1, 12, 2]), weights([1, 12, 3])], { hidden_size: 3 }, 3)[0]!;
    },
  ],
];

test("a tensor filled to a shape of unknown length has an unknown number of dimensions", () => {
  const graph = new GraphBuilder();
  const filled = graph.add("ConstantOfShape", [graph.input("sizes", "int64", ["n"])]);
  expect([filled.dtype, filled.shape]).toEqual(["float32", undefined]);
});

test.each(INFERRED)("the type of %s is the one that it turns out to have", async (_what, declared, shape, make) => {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", declared);
  const value = make(graph, x);
  graph.output("y", value);
  const answer = (await run(graph, { x: floats(shape) })).get("y")!;
  expect(value.dtype).toBe(answer.dtype);
  const sizes = new Map<unknown, number>(declared!.map((size, i) => [size, shape[i]!]));
  expect(
    value.shape!.map((size, i) => (size === undefined ? answer.shape[i] : typeof size === "string" ? sizes.get(size) : size)),
  ).toEqual(answer.shape);
  // Only what depends on a size nobody knows may be left open.
  const open = value.shape!.filter((size) => size === undefined).length;
  expect(open).toBeLessThanOrEqual(declared!.filter((size) => typeof size === "string").length);
});

const FOLDED: readonly [string, (graph: GraphBuilder, x: GraphValue) => GraphValue, readonly number[]][] = [
  ["the shape of a tensor of known sizes", (g, x) => g.add("Shape", [x]), [2, 3]],
  ["a part of it", (g, x) => g.add("Gather", [g.add("Shape", [x]), g.integers([-1])]), [3]],
  ["lists in a row", (g) => g.add("Concat", [g.integers([1, 2]), g.integers([3])], { axis: 0 }), [1, 2, 3]],
  ["a product", (g) => g.add("Mul", [g.integers([2, 3]), g.integers([4])]), [8, 12]],
  [
    "a transposed matrix",
    (g) => g.add("Transpose", [g.constant("int32", [2, 3], Int32Array.of(1, 2, 3, 4, 5, 6))]),
    [1, 4, 2, 5, 3, 6],
  ],
  ["a slice", (g) => g.add("Slice", [g.integers([5, 6, 7, 8]), g.integers([1]), g.integers([-1]), g.integers([0])]), [6, 7]],
];

test.each(FOLDED)("%s is known before the graph runs, as it turns out", async (_what, make, expected) => {
  const graph = new GraphBuilder();
  const value = make(graph, graph.input("x", "float32", [2, 3]));
  expect(Array.from(value.constant as Iterable<number | bigint>, Number)).toEqual(expected);
  graph.output("y", value);
  const answer = (await run(graph, { x: floats([2, 3]) })).get("y")!;
  expect(Array.from(answer.data as Iterable<number | bigint>, Number)).toEqual(expected);
});

const MISFITS: readonly [string, (graph: GraphBuilder) => unknown, string][] = [
  [
    "a constant of another size",
    (g) => g.constant("float32", [2], new Float32Array(3)),
    "a constant of float32 and shape [2] cannot be made of 3 items",
  ],
  [
    "matrices",
    (g) => g.at('FC "fc1"').add("MatMul", [zeros(g, [2, 3]), zeros(g, [4, 2])]),
    'FC "fc1": matrices with inner sizes 3 and 4 cannot be multiplied',
  ],
  ["broadcasting", (g) => g.add("Add", [zeros(g, [2]), zeros(g, [3])]), "sizes 2 and 3 cannot be broadcast to each other"],
  ["an axis", (g) => g.add("Concat", [zeros(g, [2])], { axis: 3 }), "axis 3 does not exist in a tensor of 1 dimensions"],
];

test.each(MISFITS)("%s that cannot be is refused when it is added", (_what, make, message) => {
  expect(() => make(new GraphBuilder())).toThrow(message);
});

function zeros(graph: GraphBuilder, shape: readonly number[]): GraphValue {
  return graph.constant("float32", shape, new Float32Array(shape.reduce((product, size) => product * size, 1)));
}
