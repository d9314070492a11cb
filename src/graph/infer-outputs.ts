import { ServingError } from "../base/serving-error.ts";
import type { DType } from "../tensor/dtype.ts";
import { dtypeOfElementType } from "./element-type.ts";
import type { Attributes } from "./graph-node.ts";
import type { GraphShape, GraphValue, Size } from "./graph-value.ts";
import { convolved, pooled, transposeConvolved } from "./infer-windows.ts";
import { knownSizes } from "./known-sizes.ts";
import { constantIntegers, integerOf, integersOf, type NodeView, type ValueType } from "./node-view.ts";
import { broadcast, normalAxis, product } from "./sizes.ts";

/** Types of a node's outputs, as many as it has. */
type Rule = (node: NodeView) => readonly ValueType[];

/**
 * Types of a node's outputs, by the ONNX operator specification (opset 17). What a rule is missing for has the first input's dtype and
 * an unknown shape.
 * @throws ServingError invalid-argument when shapes that are known cannot go together.
 */
export function inferOutputs(
  operator: string,
  inputs: readonly (GraphValue | undefined)[],
  attributes: Attributes,
  count: number,
): readonly ValueType[] {
  const first = inputs[0];
  const rule = RULES.get(operator);
  const found = rule === undefined || first === undefined ? [] : rule({ operator, inputs, attributes, first, count });
  const rest: ValueType = { dtype: first?.dtype ?? "float32", shape: undefined };
  return Array.from({ length: count }, (_, i) => found[i] ?? rest);
}

const like: Rule = ({ first, count }) => Array.from({ length: count }, () => ({ dtype: first.dtype, shape: first.shape }));

const elementwise =
  (dtype?: DType): Rule =>
  ({ inputs, first }) => [
    { dtype: dtype ?? first.dtype, shape: inputs.reduce<GraphShape>((shape, each) => broadcast(shape, each?.shape), []) },
  ];

/** The sizes that axes leave. */
function reducedShape(shape: GraphShape, axes: readonly number[] | undefined, keeps: boolean): GraphShape {
  if (shape === undefined) return undefined;
  const gone = new Set((axes ?? Array.from(shape.keys())).map((axis) => normalAxis(axis, shape.length)));
  return keeps ? shape.map((size, i) => (gone.has(i) ? 1 : size)) : shape.filter((_, i) => !gone.has(i));
}

const reduce: Rule = ({ inputs, attributes, first }) => {
  const axes = integersOf(attributes, "axes") ?? (inputs[1] === undefined ? undefined : constantIntegers(inputs[1]));
  if (inputs[1] !== undefined && axes === undefined) return [];
  const given = axes !== undefined && axes.length > 0 ? axes : undefined;
  return [{ dtype: first.dtype, shape: reducedShape(first.shape, given, integerOf(attributes, "keepdims", 1) !== 0) }];
};

const arg: Rule = ({ attributes, first }) => [
  {
    dtype: "int64",
    shape: reducedShape(first.shape, [integerOf(attributes, "axis", 0)], integerOf(attributes, "keepdims", 1) !== 0),
  },
];

function reshaped({ inputs, attributes, first }: NodeView): GraphShape {
  const wanted = knownSizes(inputs[1]);
  if (wanted === undefined) {
    const rank = inputs[1]?.shape?.[0];
    return typeof rank === "number" ? Array<Size>(rank).fill(undefined) : undefined;
  }
  const copies = integerOf(attributes, "allowzero", 0) === 0;
  const sizes = wanted.map((size, i): Size => (size === 0 && copies ? first.shape?.[i] : size));
  const open = wanted.indexOf(-1);
  if (open < 0) return sizes;
  const others = sizes.filter((_, i) => i !== open);
  return sizes.with(open, quotient(first.shape, others));
}

/** What remains of a shape's elements when they are shared out over other sizes. */
function quotient(shape: GraphShape, others: readonly Size[]): Size {
  if (shape === undefined) return undefined;
  const rest = [...shape];
  const left: number[] = [];
  for (const size of others) {
    if (size === 1) continue;
    const at = size === undefined ? -1 : rest.indexOf(size);
    if (at >= 0) rest.splice(at, 1);
    else if (typeof size === "number") left.push(size);
    else return undefined;
  }
  const total = product(rest);
  const divisor = left.reduce((all, size) => all * size, 1);
  if (divisor === 1) return total;
  if (typeof total !== "number") return undefined;
  if (divisor === 0 || total % divisor !== 0) {
    throw new ServingError("invalid-argument", `${total} elements cannot be shared out over sizes [${others.join(", ")}]`);
  }
  return total / divisor;
}

function flattened({ attributes, first }: NodeView): GraphShape {
  if (first.shape === undefined) return [undefined, undefined];
  const { length } = first.shape;
  const axis = integerOf(attributes, "axis", 1);
  const at = axis < 0 ? axis + length : axis;
  return [product(first.shape.slice(0, at)), product(first.shape.slice(at))];
}

function transposed({ attributes, first }: NodeView): GraphShape {
  const { shape } = first;
  if (shape === undefined) return undefined;
  const order = integersOf(attributes, "perm") ?? shape.map((_, i) => shape.length - 1 - i);
  if (order.length !== shape.length) {
    throw new ServingError(
      "invalid-argument",
      `a tensor of ${shape.length} dimensions cannot be put in the order [${order.join(", ")}]`,
    );
  }
  return order.map((axis) => shape[normalAxis(axis, shape.length)]);
}

function concatenated({ inputs, attributes }: NodeView): GraphShape {
  const shapes = inputs.map((each) => each?.shape);
  const known = shapes.find((shape) => shape !== undefined);
  if (known === undefined) return undefined;
  const axis = normalAxis(integerOf(attributes, "axis", 0), known.length);
  return known.map((_, i) => {
    const sizes = shapes.map((shape) => shape?.[i]);
    if (i !== axis) return sizes.find((size) => typeof size === "number") ?? sizes.find((size) => size !== undefined);
    let sum = 0;
    for (const size of sizes) {
      if (typeof size !== "number") return sizes.length === 1 ? size : undefined;
      sum += size;
    }
    return sum;
  });
}

const split: Rule = ({ inputs, attributes, first, count }) => {
  const { dtype, shape } = first;
  if (shape === undefined) return [];
  const axis = normalAxis(integerOf(attributes, "axis", 0), shape.length);
  const whole = shape[axis];
  const sizes = constantIntegers(inputs[1]);
  return Array.from({ length: count }, (_, i) => {
    const even = typeof whole === "number" && inputs[1] === undefined ? whole / count : undefined;
    return { dtype, shape: shape.with(axis, sizes?.[i] ?? even) };
  });
};

function sliced({ inputs, first }: NodeView): GraphShape {
  const { shape } = first;
  const [starts, ends] = [constantIntegers(inputs[1]), constantIntegers(inputs[2])];
  if (shape === undefined) return undefined;
  const axes = inputs[3] === undefined ? starts?.map((_, i) => i) : constantIntegers(inputs[3]);
  if (starts === undefined || ends === undefined || axes === undefined) return shape.map(() => undefined);
  const steps = inputs[4] === undefined ? starts.map(() => 1) : constantIntegers(inputs[4]);
  const sizes = [...shape];
  for (const [i, each] of axes.entries()) {
    const axis = normalAxis(each, shape.length);
    const size = shape[axis];
    const step = steps?.[i];
    if (size === undefined || step === undefined) sizes[axis] = undefined;
    else if (typeof size === "string") sizes[axis] = starts[i] === 0 && step === 1 && ends[i]! >= 2 ** 31 - 1 ? size : undefined;
    else sizes[axis] = sliceLength(size, starts[i]!, ends[i]!, step);
  }
  return sizes;
}

function sliceLength(size: number, start: number, end: number, step: number): number {
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value < 0 ? value + size : value, low), high);
  const [from, to] =
    step > 0 ? [clamp(start, 0, size), clamp(end, 0, size)] : [clamp(start, 0, size - 1), clamp(end, -1, size - 1)];
  return Math.max(0, Math.ceil((to - from) / step));
}

function squeezed({ inputs, first }: NodeView): GraphShape {
  const { shape } = first;
  if (shape === undefined) return undefined;
  if (inputs[1] === undefined)
    return shape.every((size) => typeof size === "number") ? shape.filter((size) => size !== 1) : undefined;
  const axes = constantIntegers(inputs[1])?.map((axis) => normalAxis(axis, shape.length));
  return axes && shape.filter((_, i) => !axes.includes(i));
}

function unsqueezed({ inputs, first }: NodeView): GraphShape {
  const given = constantIntegers(inputs[1]);
  if (first.shape === undefined || given === undefined) return undefined;
  const rank = first.shape.length + given.length;
  const axes = new Set(given.map((axis) => normalAxis(axis, rank)));
  const rest = first.shape[Symbol.iterator]();
  return Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.next().value));
}

function gathered({ inputs, attributes, first }: NodeView): GraphShape {
  const indices = inputs[1]?.shape;
  if (first.shape === undefined || indices === undefined) return undefined;
  const axis = normalAxis(integerOf(attributes, "axis", 0), first.shape.length);
  return [...first.shape.slice(0, axis), ...indices, ...first.shape.slice(axis + 1)];
}

function multiplied(a: GraphShape, b: GraphShape): GraphShape {
  if (a === undefined || b === undefined || a.length === 0 || b.length === 0) return undefined;
  const rows = a.length === 1 ? [] : [a.at(-2)];
  const columns = b.length === 1 ? [] : [b.at(-1)];
  const [inner, other] = [a.at(-1), b.length === 1 ? b[0] : b.at(-2)];
  if (typeof inner === "number" && typeof other === "number" && inner !== other) {
    throw new ServingError("invalid-argument", `matrices with inner sizes ${inner} and ${other} cannot be multiplied`);
  }
  return [...(broadcast(a.slice(0, -2), b.slice(0, -2)) ?? []), ...rows, ...columns];
}

function generalMultiplied({ inputs, attributes, first }: NodeView): GraphShape {
  const second = inputs[1]?.shape;
  const rows = first.shape?.[integerOf(attributes, "transA", 0)];
  return [rows, second?.[1 - integerOf(attributes, "transB", 0)]];
}

function padded({ inputs, first }: NodeView): GraphShape {
  const { shape } = first;
  const pads = constantIntegers(inputs[1]);
  return shape?.map((size, i) => {
    const [before, after] = [pads?.[i], pads?.[i + shape.length]];
    if (before === undefined || after === undefined) return undefined;
    if (before === 0 && after === 0) return size;
    return typeof size === "number" ? size + before + after : undefined;
  });
}

function tiled({ inputs, first }: NodeView): GraphShape {
  const repeats = constantIntegers(inputs[1]);
  return first.shape?.map((size, i) => {
    const times = repeats?.[i];
    return times === undefined ? undefined : product([size, times]);
  });
}

function expanded({ inputs, first }: NodeView): GraphShape {
  const wanted = knownSizes(inputs[1]);
  return wanted === undefined ? undefined : broadcast(first.shape, wanted);
}

const topK: Rule = ({ inputs, attributes, first }) => {
  const [k] = constantIntegers(inputs[1]) ?? [];
  const shape = first.shape?.with(normalAxis(integerOf(attributes, "axis", -1), first.shape.length), k);
  return [
    { dtype: first.dtype, shape },
    { dtype: "int64", shape },
  ];
};

/** X, W, R ... of a recurrent layer: Y, Y_h and, for an LSTM, Y_c. */
const recurrent: Rule = ({ attributes, first, inputs }) => {
  const { dtype, shape } = first;
  const directions = attributes.direction === "bidirectional" ? 2 : 1;
  const hidden = integerOf(attributes, "hidden_size", 0) || inputs[2]?.shape?.[2];
  const last = { dtype, shape: [directions, shape?.[1], hidden] };
  return [{ dtype, shape: [shape?.[0], directions, shape?.[1], hidden] }, last, last];
};

const resized: Rule = ({ inputs, first }) => {
  const scales = inputs[2]?.constant as Float32Array | undefined;
  const sizes = constantIntegers(inputs[3]);
  const shape = first.shape?.map((size, i) => {
    if (sizes !== undefined) return sizes[i];
    const scale = scales?.[i];
    if (scale === 1) return size;
    return typeof size === "number" && scale !== undefined ? Math.floor(size * scale) : undefined;
  });
  return [{ dtype: first.dtype, shape }];
};

const cast: Rule = ({ attributes, first }) => [
  { dtype: dtypeOfElementType(integerOf(attributes, "to", 1)) ?? first.dtype, shape: first.shape },
];

const oneHot: Rule = ({ inputs, attributes, first }) => {
  const [depth] = constantIntegers(inputs[1]) ?? [];
  const { shape } = first;
  if (shape === undefined) return [{ dtype: inputs[2]?.dtype ?? "float32", shape }];
  const axis = normalAxis(integerOf(attributes, "axis", -1), shape.length + 1);
  return [{ dtype: inputs[2]?.dtype ?? "float32", shape: [...shape.slice(0, axis), depth, ...shape.slice(axis)] }];
};

const filled: Rule = ({ attributes, first }) => {
  const value = attributes.value;
  const dtype = typeof value === "object" && "dtype" in value ? value.dtype : "float32";
  const rank = first.shape?.[0];
  return [{ dtype, shape: knownSizes(first) ?? (typeof rank === "number" ? Array<Size>(rank).fill(undefined) : undefined) }];
};

const gatherNd: Rule = ({ inputs, attributes, first }) => {
  const indices = inputs[1]?.shape;
  const last = indices?.at(-1);
  const batch = integerOf(attributes, "batch_dims", 0);
  if (first.shape === undefined || indices === undefined || typeof last !== "number") return [];
  return [{ dtype: first.dtype, shape: [...indices.slice(0, -1), ...first.shape.slice(batch + last)] }];
};

const shaped =
  (shape: (node: NodeView) => GraphShape): Rule =>
  (node) => [{ dtype: node.first.dtype, shape: shape(node) }];

const named = (names: string, rule: Rule): [string, Rule][] => names.split(" ").map((name) => [name, rule]);

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...named("Add Sub Mul Div Pow Min Max Sum Mean Mod BitShift PRelu", elementwise()),
  ...named("And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual", elementwise("bool")),
  ...named(
    "Relu LeakyRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Softplus Softsign ThresholdedRelu Exp Log Sqrt Abs Neg Reciprocal " +
      "Sign Floor Ceil Round Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Clip Softmax LogSoftmax Hardmax Identity Not " +
      "InstanceNormalization LRN LpNormalization MeanVarianceNormalization CumSum ScatterND ScatterElements Trilu Dropout ReverseSequence",
    like,
  ),
  ...named(
    "BatchNormalization LayerNormalization",
    shaped(({ first }) => first.shape),
  ),
  ...named("IsNaN IsInf", ({ first }) => [{ dtype: "bool", shape: first.shape }]),
  ...named(
    "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp",
    reduce,
  ),
  ...named("ArgMax ArgMin", arg),
  ...named("MaxPool AveragePool LpPool", pooled),
  ...named(
    "GlobalMaxPool GlobalAveragePool GlobalLpPool",
    shaped(({ first }) => first.shape?.map((size, i) => (i < 2 ? size : 1))),
  ),
  ...named("LSTM GRU RNN", recurrent),
  ["Conv", convolved],
  ["ConvTranspose", transposeConvolved],
  ["Reshape", shaped(reshaped)],
  ["Flatten", shaped(flattened)],
  ["Transpose", shaped(transposed)],
  ["Concat", shaped(concatenated)],
  ["Split", split],
  ["Slice", shaped(sliced)],
  ["Squeeze", shaped(squeezed)],
  ["Unsqueeze", shaped(unsqueezed)],
  ["Gather", shaped(gathered)],
  ["GatherElements", ({ inputs, first }) => [{ dtype: first.dtype, shape: inputs[1]?.shape }]],
  ["GatherND", gatherNd],
  ["MatMul", shaped(({ inputs, first }) => multiplied(first.shape, inputs[1]?.shape))],
  ["Gemm", shaped(generalMultiplied)],
  ["Pad", shaped(padded)],
  ["Tile", shaped(tiled)],
  ["Expand", shaped(expanded)],
  ["Resize", resized],
  ["TopK", topK],
  ["Cast", cast],
  ["Shape", ({ first }) => [{ dtype: "int64", shape: [first.shape?.length] }]],
  ["Size", () => [{ dtype: "int64", shape: [] }]],
  ["NonZero", ({ first }) => [{ dtype: "int64", shape: [first.shape?.length, undefined] }]],
  ["OneHot", oneHot],
  ["ConstantOfShape", filled],
  ["Range", ({ first }) => [{ dtype: first.dtype, shape: [undefined] }]],
  [
    "Where",
    ({ inputs: [condition, yes, no] }) => [
      { dtype: yes?.dtype ?? "float32", shape: broadcast(condition?.shape, broadcast(yes?.shape, no?.shape)) },
    ],
  ],
  [
    "SpaceToDepth",
    shaped(({ first: { shape }, attributes }) => {
      const block = integerOf(attributes, "blocksize", 1);
      const scaled = (size: Size, by: number) => (typeof size === "number" ? size * by : undefined);
      return shape && [shape[0], scaled(shape[1], block ** 2), scaled(shape[2], 1 / block), scaled(shape[3], 1 / block)];
    }),
  ],
  [
    "DepthToSpace",
    shaped(({ first: { shape }, attributes }) => {
      const block = integerOf(attributes, "blocksize", 1);
      const scaled = (size: Size, by: number) => (typeof size === "number" ? size * by : undefined);
      return shape && [shape[0], scaled(shape[1], 1 / block ** 2), scaled(shape[2], block), scaled(shape[3], block)];
    }),
  ],
]);
