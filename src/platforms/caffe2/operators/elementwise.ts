import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, Translation } from "../call.ts";
import { alignedAt, byChannel } from "./layout.ts";

const keeps = (translate: Translation["translate"], note?: string): Translation => ({
  translate,
  inputs: "keeps",
  ...(note !== undefined && { note }),
});

/** ONNX's operator of one tensor. */
const unary = (operator: string): Translation => keeps((call) => call.add(operator, [call.first]));

const UNARY: readonly (readonly [string, string])[] = [
  ["Relu", "Relu"],
  ["Sigmoid", "Sigmoid"],
  ["Tanh", "Tanh"],
  ["Exp", "Exp"],
  ["Log", "Log"],
  ["Sqrt", "Sqrt"],
  ["Abs", "Abs"],
  ["Negative", "Neg"],
  ["Floor", "Floor"],
  ["Ceil", "Ceil"],
  ["Sign", "Sign"],
  ["Reciprocal", "Reciprocal"],
  ["Softplus", "Softplus"],
  ["Softsign", "Softsign"],
  ["Erf", "Erf"],
  ["Sin", "Sin"],
  ["Cos", "Cos"],
  ["Tan", "Tan"],
  ["Asin", "Asin"],
  ["Acos", "Acos"],
  ["Atan", "Atan"],
  ["Sinh", "Sinh"],
  ["Cosh", "Cosh"],
];

/** The other operand of an operator of two, put where broadcasting meets it. */
function second(call: Call): GraphValue {
  const { args } = call;
  const [a, b] = [call.first, call.input(1)];
  if (!args.flag("broadcast")) {
    if (args.integer("axis", -1) !== -1 || args.text("axis_str", "") !== "") {
      throw call.invalid('argument "axis" is of no meaning without "broadcast"');
    }
    return b;
  }
  const axis = args.integer("axis", -1) === -1 && args.has("axis_str") ? namedAxis(call) : args.integer("axis", -1);
  if (axis < -1) throw call.unimplemented(`argument "axis" is ${axis}`);
  // One element, and the last dimensions, meet by themselves.
  if (axis === -1 || (b.shape?.every((size) => size === 1) ?? false)) return b;
  return alignedAt(call, b, a, axis);
}

function namedAxis(call: Call): number {
  const [order, name] = [call.args.text("order", "NCHW"), call.args.text("axis_str", "")];
  const axis = order.indexOf(name);
  if (name.length !== 1 || axis < 0)
    throw call.invalid(`argument "axis_str" is ${JSON.stringify(name)}, not a letter of ${order}`);
  return axis;
}

const binary = (operator: string): Translation =>
  keeps((call) => call.add(operator, [call.first, second(call)]), "`broadcast` with `axis`, or as NumPy does");

function power(call: Call): GraphValue {
  const { args, first } = call;
  if (call.inputs.length > 1) return call.add("Pow", [first, second(call)]);
  const exponent = args.float("exponent", 0);
  if (exponent === 2) return call.add("Mul", [first, first]);
  return call.add("Pow", [first, call.scalarLike(first, exponent)]);
}

/** Of several tensors of one shape. */
const variadic = (operator: string): Translation =>
  keeps((call) => (call.inputs.length === 1 ? call.first : call.add(operator, [call.first, ...call.inputs.slice(1)])));

function weightedSum(call: Call): GraphValue {
  let sum: GraphValue | undefined;
  for (let i = 0; i < call.inputs.length; i += 2) {
    const weight = call.add("Reshape", [call.input(i + 1), call.graph.integers([])]);
    const part = call.add("Mul", [call.input(i), weight]);
    sum = sum === undefined ? part : call.add("Add", [sum, part]);
  }
  return sum ?? call.first;
}

function clip(call: Call): GraphValue {
  const { args, first } = call;
  const bound = (name: string) => (args.has(name) ? call.scalarLike(first, args.float(name, 0)) : undefined);
  return call.add("Clip", [first, bound("min"), bound("max")]);
}

function gelu(call: Call): GraphValue {
  const x = call.first;
  const number = (value: number) => call.scalarLike(x, value);
  const halved = call.add("Mul", [x, number(0.5)]);
  let bent: GraphValue;
  if (call.args.flag("fast_gelu")) {
    const cube = call.add("Mul", [call.add("Mul", [x, x]), x]);
    const inner = call.add("Mul", [
      call.add("Add", [x, call.add("Mul", [cube, number(0.044715)])]),
      number(Math.sqrt(2 / Math.PI)),
    ]);
    bent = call.add("Tanh", [inner]);
  } else bent = call.add("Erf", [call.add("Mul", [x, number(Math.SQRT1_2)])]);
  return call.add("Mul", [halved, call.add("Add", [bent, number(1)])]);
}

function prelu(call: Call): GraphValue {
  const slope = call.input(1);
  const single = slope.shape?.every((size) => size === 1) ?? false;
  return call.add("PRelu", [call.first, single ? slope : byChannel(call, slope, call.first)]);
}

function affine(call: Call): GraphValue {
  const [scale, bias] = [call.input(1), call.input(2)].map((value) => byChannel(call, value, call.first));
  return call.add("Add", [call.add("Mul", [call.first, scale]), bias]);
}

function logit(call: Call): GraphValue {
  const eps = call.args.float("eps", 1e-6);
  const x = call.add("Clip", [call.first, call.scalarLike(call.first, eps), call.scalarLike(call.first, 1 - eps)]);
  return call.add("Log", [call.add("Div", [x, call.add("Sub", [call.scalarLike(x, 1), x])])]);
}

function cubeRoot(call: Call): GraphValue {
  const x = call.first;
  return call.add("Mul", [call.add("Sign", [x]), call.add("Pow", [call.add("Abs", [x]), call.scalarLike(x, 1 / 3)])]);
}

/** Two tensors against each other give truths. */
const comparison = (operator: string, negated = false): Translation => ({
  translate: (call) => {
    const found = call.add(operator, [call.first, second(call)]);
    return negated ? call.add("Not", [found]) : found;
  },
});

const truths = (operator: string): Translation => ({
  translate: (call) => call.add(operator, call.type === "Not" ? [call.first] : [call.first, second(call)]),
  inputs: () => [{ dtype: "bool" }, { dtype: "bool" }],
});

/** Operators that compute each element by itself. */
export const ELEMENTWISE_OPERATORS: Readonly<Record<string, Translation>> = {
  ...Object.fromEntries(UNARY.map(([name, operator]) => [name, unary(operator)])),
  ...Object.fromEntries(["Add", "Sub", "Mul", "Div"].map((name) => [name, binary(name)])),
  ...Object.fromEntries(["Sum", "Max", "Min", "Mean"].map((name) => [name, variadic(name)])),
  SumRelu: keeps((call) => call.add("Relu", [call.inputs.length === 1 ? call.first : call.add("Sum", call.inputs)])),
  Sqr: keeps((call) => call.add("Mul", [call.first, call.first])),
  Cube: keeps((call) => call.add("Mul", [call.add("Mul", [call.first, call.first]), call.first])),
  Cbrt: keeps(cubeRoot),
  Rsqrt: keeps((call) => call.add("Reciprocal", [call.add("Sqrt", [call.first])])),
  Pow: keeps(power, "`exponent` as an argument or an input"),
  Swish: keeps((call) => call.add("Mul", [call.first, call.add("Sigmoid", [call.first])])),
  Gelu: keeps(gelu, "also `fast_gelu`"),
  Logit: keeps(logit),
  Elu: keeps((call) => call.add("Elu", [call.first], { alpha: float(call.args.float("alpha", 1)) })),
  LeakyRelu: keeps((call) => call.add("LeakyRelu", [call.first], { alpha: float(call.args.float("alpha", 0.01)) })),
  ThresholdedRelu: keeps((call) => call.add("ThresholdedRelu", [call.first], { alpha: float(call.args.float("alpha", 1)) })),
  ReluN: keeps((call) =>
    call.add("Clip", [call.first, call.scalarLike(call.first, 0), call.scalarLike(call.first, call.args.float("n", 6))]),
  ),
  HardSigmoid: keeps((call) =>
    call.add("HardSigmoid", [call.first], {
      alpha: float(call.args.float("alpha", 0.2)),
      beta: float(call.args.float("beta", 0.5)),
    }),
  ),
  Selu: keeps((call) =>
    call.add("Selu", [call.first], {
      alpha: float(call.args.float("alpha", 1.6732632)),
      gamma: float(call.args.float("scale", 1.050701)),
    }),
  ),
  Clip: keeps(clip),
  PRelu: keeps(prelu, "both orders"),
  AffineChannel: keeps(affine, "both orders"),
  Scale: keeps((call) => call.add("Mul", [call.first, call.scalarLike(call.first, call.args.float("scale", 1))])),
  WeightedSum: keeps(weightedSum),
  EQ: comparison("Equal"),
  NE: comparison("Equal", true),
  LT: comparison("Less"),
  LE: comparison("LessOrEqual"),
  GT: comparison("Greater"),
  GE: comparison("GreaterOrEqual"),
  And: truths("And"),
  Or: truths("Or"),
  Xor: truths("Xor"),
  Not: truths("Not"),
};
