import { describe, expect, test } from "vitest";
import { encodeModel } from "../../graph/encode-model.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import { importNets } from "./import-nets.ts";
import type { Net, Operator } from "./net-def.ts";
import { filled, netOf, op } from "./test-nets.ts";
import { type DeclaredInput, readValueInfo } from "./value-info.ts";

const never = new AbortController().signal;
const NOTHING: ReadonlyMap<string, DeclaredInput> = new Map();
const RELU = op("Relu", ["x"], ["y"]);

async function importing(
  init: readonly Operator[],
  predict: readonly Operator[],
  { declared = NOTHING, ...more }: Partial<Net> & { declared?: ReadonlyMap<string, DeclaredInput> } = {},
): Promise<GraphBuilder> {
  return await importNets(netOf("init_net.pb", init), netOf("predict_net.pb", predict, more), declared, never);
}

/** `NAME:DTYPE[SIZES]` of inputs or outputs. */
function ports(list: GraphBuilder["inputs"]): string[] {
  return list.map(
    ({ name, value: { dtype, shape } }) =>
      `${name}:${dtype}${shape === undefined ? "" : `[${shape.map((size) => size ?? "?").join()}]`}`,
  );
}

describe("an input is", () => {
  test("what is read before it is written, and not made by the first net", async () => {
    const graph = await importing([filled("w", [3])], [op("Mul", ["x", "w"], ["y"]), op("Relu", ["y"], ["y"])]);
    expect([ports(graph.inputs), ports(graph.outputs).length]).toEqual([["x:float32"], 1]);
  });

  test("what mobile_exporter has put a zero into, not the parameter before it that looks the same", async () => {
    const init = [filled("bias", [1, 1], [0]), filled("data", [1, 1], [0]), filled("info", [1, 1], [0])];
    const predict = [op("Mul", ["data", "info"], ["m"]), op("Add", ["m", "bias"], ["y"])];
    const graph = await importing(init, predict, { externalInputs: ["data", "info", "bias"] });
    expect(ports(graph.inputs)).toEqual(["data:float32", "info:float32"]);
  });

  test("what value_info.json names, with its type and shape, whatever the first net puts there", async () => {
    const declared = readValueInfo('{"x": [10, [4, 3]], "nobody": [1, [2]]}');
    const graph = await importing([filled("x", [4, 3])], [RELU], { declared });
    expect(ports(graph.inputs)).toEqual(["x:int64[batch,3]"]);
  });

  test("where there is no other, what the first operator works on and a constant fills", async () => {
    const init = [
      filled("w", [5, 4]),
      op("ConstantFill", [], ["b"], { shape: [5] }),
      op("ConstantFill", [], ["x"], { shape: [1, 4] }),
    ];
    const graph = await importing(init, [op("FC", ["x", "w", "b"], ["y"])]);
    expect(ports(graph.inputs)).toEqual(["x:float32[batch,4]"]);
  });

  test("not what no output needs", async () => {
    const predict = [RELU, op("LabelCrossEntropy", ["y", "label"], ["loss"])];
    expect(ports((await importing([], predict, { externalOutputs: ["y"] })).inputs)).toEqual(["x:float32"]);
  });
});

/** What is known of the input `x` by the operators that read it; `w` and `b` are parameters. */
const NEEDS: readonly (readonly [string, string, readonly Operator[], readonly Operator[]])[] = [
  [
    "a convolution",
    "x:float32[batch,4,?,?]",
    [filled("w", [6, 2, 3, 3])],
    [op("Conv", ["x", "w"], ["y"], { group: 2, kernel: 3 })],
  ],
  [
    "one of channels last",
    "x:float32[batch,?,?,5]",
    [filled("w", [6, 3, 3, 5])],
    [op("Conv", ["x", "w"], ["y"], { kernel: 3, order: "NHWC" })],
  ],
  [
    "one behind others",
    "x:float32[batch,2,?]",
    [filled("w", [6, 2, 3])],
    [RELU, op("Copy", ["y"], ["z"]), op("Conv", ["z", "w"], ["v"], { kernels: [3] })],
  ],
  [
    "a layer of weights in more dimensions",
    "x:float32[batch,8]",
    [filled("w", [5, 2, 4]), filled("b", [5])],
    [op("FC", ["x", "w", "b"], ["y"])],
  ],
  ["indices", "x:int64", [filled("w", [5, 2])], [op("Gather", ["w", "x"], ["y"])]],
  ["lengths", "x:int32[batch]", [filled("w", [5, 2])], [op("LengthsSum", ["w", "x"], ["y"])]],
  ["truths", "x:bool", [], [op("Not", ["x"], ["y"])]],
  [
    "a parameter of its kind",
    "x:int32",
    [op("GivenTensorIntFill", [], ["w"], { shape: [1], values: [7] })],
    [op("Add", ["x", "w"], ["y"])],
  ],
  ["pooling", "x:float32[batch,?,?,?]", [], [op("MaxPool", ["x"], ["y"], { kernel: 2 })]],
  ["a permutation", "x:float32[?,?,?]", [], [op("Transpose", ["x"], ["y"], { axes: [2, 0, 1] })]],
];

test.each(NEEDS)("an input's type and shape are told by %s", async (_what, expected, init, predict) => {
  expect(ports((await importing(init, predict)).inputs)).toEqual([expected]);
});

describe("an output is", () => {
  test("what the net lists, the last thing that the blob holds", async () => {
    const predict = [RELU, op("Exp", ["y"], ["y"]), op("Log", ["y"], ["z"])];
    const graph = await importing([], predict, { externalOutputs: ["y", "nowhere"] });
    expect(graph.outputs.map(({ name, value }) => [name, value.node?.operator])).toEqual([["y", "Exp"]]);
  });

  test("what nothing reads, where it lists nothing; by-products aside", async () => {
    const predict = [
      op("Concat", ["x", "x"], ["cat", "_dims"], { axis: 1 }),
      op("Dropout", ["cat"], ["drop", "_mask"], { is_test: 1 }),
      op("Relu", ["drop"], ["a"]),
      op("Exp", ["drop"], ["b"]),
    ];
    expect((await importing([], predict)).outputs.map(({ name }) => name)).toEqual(["a", "b"]);
    const listed = await importing([], predict, { externalOutputs: ["_dims", "_mask", "a"] });
    expect(listed.outputs.map(({ name }) => name)).toEqual(["a"]);
  });

  test("a by-product where there is nothing else", async () => {
    const predict = [op("Concat", ["x", "w"], ["cat", "_dims"], { axis: 0 })];
    const graph = await importing([filled("w", [2])], predict, { externalOutputs: ["_dims"] });
    expect(ports(graph.outputs)).toEqual(["_dims:int32[2]"]);
  });
});

test("names may be anything", async () => {
  const graph = await importing([], [op("Relu", ["gpu_0/data"], ["__proto__"])]);
  expect(encodeModel(graph).model.length).toBeGreaterThan(0);
  expect([ports(graph.inputs), ports(graph.outputs)]).toEqual([["gpu_0/data:float32"], ["__proto__:float32"]]);
});

test("weights are not copied", async () => {
  const floats = new Float32Array(40 * 30);
  const weights = op("GivenTensorFill", [], ["w"], { shape: [40, 5, 6], values: { floats } });
  const graph = await importing([weights, filled("b", [40])], [op("FC", ["x", "w", "b"], ["y"])]);
  const [bytes] = [...encodeModel(graph).weights.values()];
  expect(bytes!.buffer).toBe(floats.buffer);
});

const CONV = { kernel: 3 };
const WEIGHTS = [filled("w", [4, 2, 3, 3])];
/** What is not covered or cannot be; errors name the file, the operator and what it gives. */
const REFUSED: readonly (readonly [string, string, readonly Operator[], readonly Operator[]])[] = [
  [
    "a fraction for a whole number",
    "it fills int64 with 0.5",
    [op("ConstantFill", [], ["w"], { shape: [2], value: 0.5, dtype: 10 })],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  [
    "floats for bounds",
    'Slice "y": an input that holds whole numbers is float32',
    [filled("w", [2])],
    [op("Slice", ["x", "w", "w"], ["y"])],
  ],
  [
    "a fraction on whole numbers",
    "it computes with 0.5 on tensors of int64",
    [],
    [op("Shape", ["x"], ["s"]), op("Scale", ["s"], ["y"], { scale: 0.5 })],
  ],
  [
    "an operator nobody knows",
    'predict_net.pb: Nonesuch "y": operator "Nonesuch" is not covered',
    [],
    [op("Nonesuch", ["x"], ["y"])],
  ],
  ["quantised operators", 'predict_net.pb: Int8Relu "y": operator "Int8Relu" is not covered', [], [op("Int8Relu", ["x"], ["y"])]],
  [
    "random parameters",
    'init_net.pb: XavierFill "w": operator "XavierFill" is not covered',
    [op("XavierFill", [], ["w"], { shape: [2] })],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  [
    "what nobody needs and has nets inside",
    'predict_net.pb: If "z": operator "If" is not covered',
    [],
    [RELU, op("If", ["x"], ["z"], { then_net: { nested: true } }), op("Copy", ["y"], ["v"])],
  ],
  [
    "what gives nothing, and is not known to do nothing",
    'predict_net.pb: Save "": operator "Save" is not covered',
    [],
    [RELU, op("Save", ["y"], [])],
  ],
  ["batch normalization as in training", "it has no is_test=1", [], [op("SpatialBN", ["x", "x", "x", "x", "x"], ["y"])]],
  ["dropout as in training", "it has no is_test=1", [], [op("Dropout", ["x"], ["y", "m"])]],
  [
    "a by-product",
    '"m" is a by-product that has no value here',
    [],
    [op("Dropout", ["x"], ["y", "m"], { is_test: 1 }), op("Mul", ["y", "m"], ["z"])],
  ],
  [
    "memory that two blobs share, written to",
    'Relu "x" writes to "x", which predict_net.pb: Alias "y" shares',
    [],
    [op("Alias", ["x"], ["y"]), op("Relu", ["x"], ["x"]), op("Add", ["x", "y"], ["z"])],
  ],
  [
    "a kernel that is not the weights'",
    'Conv "y": its kernel is [5, 5] and its weights are for [3, 3]',
    WEIGHTS,
    [op("Conv", ["x", "w"], ["y"], { kernel: 5 })],
  ],
  ["an order", 'Conv "y": argument "order" is "CHWN"', WEIGHTS, [op("Conv", ["x", "w"], ["y"], { ...CONV, order: "CHWN" })]],
  [
    "pads below 0",
    "its kernel, strides, pads and dilations do not go together",
    WEIGHTS,
    [op("Conv", ["x", "w"], ["y"], { ...CONV, pad: -1 })],
  ],
  [
    "strides of 0",
    "its kernel, strides, pads and dilations do not go together",
    WEIGHTS,
    [op("Conv", ["x", "w"], ["y"], { ...CONV, stride: 0 })],
  ],
  [
    "a padding rule",
    'Conv "y": argument "legacy_pad" is 7',
    WEIGHTS,
    [op("Conv", ["x", "w"], ["y"], { ...CONV, legacy_pad: 7 })],
  ],
  [
    "a text for a number",
    'Conv "y": argument "group" is not an integer',
    WEIGHTS,
    [op("Conv", ["x", "w"], ["y"], { ...CONV, group: "two" })],
  ],
  [
    "windows that miss the input, rounded up",
    "with strides beyond the kernel is not covered",
    [],
    [op("MaxPool", ["x"], ["y"], { kernel: 1, stride: 2, legacy_pad: 3 })],
  ],
  [
    "dilated pooling",
    'MaxPool "y": pooling with dilation is not covered',
    [],
    [op("MaxPool", ["x"], ["y"], { kernel: 2, dilation: 2 })],
  ],
  [
    "fewer values than the shape says",
    "shape [3] is of 3 values, and it has 2",
    [op("GivenTensorFill", [], ["w"], { shape: [3], values: { floats: new Float32Array(2) } })],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  [
    "a shape beyond all bounds",
    "has too many elements",
    [op("ConstantFill", [], ["w"], { shape: [2 ** 40, 2 ** 40] })],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  [
    "a constant beyond all bounds",
    "it fills 1099511627776 elements, more than 1073741824",
    [op("ConstantFill", [], ["w"], { shape: [2 ** 40] })],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  [
    "a size below 0",
    'argument "shape" is [-3]',
    [op("ConstantFill", [], ["w"], { shape: [-3] })],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  [
    "what the first net lacks",
    'init_net.pb: Copy "w" reads "v", which nothing before it makes',
    [op("Copy", ["v"], ["w"])],
    [op("Mul", ["x", "w"], ["y"])],
  ],
  ["no operators", "predict_net.pb gives nothing", [], []],
  ["missing inputs", 'predict_net.pb: FC "y": it has 1 inputs, and needs 2', [], [op("FC", ["x"], ["y"])]],
];

test.each(REFUSED)("%s: the load is refused", async (_what, message, init, predict) => {
  await expect(importing(init, predict)).rejects.toMatchObject({
    code: expect.stringMatching(/^(unimplemented|invalid-argument)$/) as string,
    message: expect.stringContaining(message) as string,
  });
});

test.each([
  ["[]", "value_info.json is not a JSON object"],
  ["{", "value_info.json is not JSON"],
  ['{"x": [99, [1]]}', 'value_info.json gives "x" no type and shape such as'],
  ['{"x": [1, [-1, 3]]}', 'value_info.json gives "x" no type and shape such as'],
])("value_info.json may not be %s", (text, message) => {
  expect(() => readValueInfo(text)).toThrow(message);
});
