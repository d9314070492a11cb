import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator, type Translate } from "../aten-call.ts";
import { isFloating } from "../element-types.ts";

/** A function of each number, in the type of the output. */
const unary =
  (name: string, attributes?: Readonly<Record<string, { readonly float: number }>>): Translate =>
  (call) =>
    call.add(name, [call.operand("self", call.dtype)], attributes);

/** A function of two, in the type of the output. */
const binary =
  (name: string, first = "self", second = "other"): Translate =>
  (call) =>
    call.add(name, [call.operand(first, call.dtype), call.operand(second, call.dtype)]);

/** A comparison, in the type that both have in common. */
const comparison =
  (name: string, negated = false): Translate =>
  (call) => {
    const dtype = call.commonType("self", "other");
    // ONNX has no order of truths.
    const common = dtype === "bool" && name !== "Equal" ? "int32" : dtype;
    const result = call.add(name, [call.operand("self", common), call.operand("other", common)]);
    return negated ? call.add("Not", [result]) : result;
  };

const logical =
  (name: string): Translate =>
  (call) =>
    call.add(name, [call.operand("self", "bool"), call.operand("other", "bool")]);

/** Bits of truths; of whole numbers ONNX has none before opset 18. */
const bits =
  (name: string): Translate =>
  (call) => {
    if (call.dtype !== "bool") throw call.refuse("it is covered for truths only");
    return logical(name)(call);
  };

/** `self` and a number of times `other`. */
const scaled =
  (name: "Add" | "Sub", turned = false): Translate =>
  (call) => {
    const { dtype } = call;
    const alpha = call.number("alpha", 1);
    const self = call.operand("self", dtype);
    const other = call.operand("other", dtype);
    const [first, second] = turned ? [other, self] : [self, other];
    return call.add(name, [first, alpha === 1 ? second : call.add("Mul", [second, call.scalar(alpha, dtype)])]);
  };

/** Without a number, a plain logarithm or power. */
const logarithm =
  (base: number): Translate =>
  (call) =>
    call.add("Mul", [unary("Log")(call) as GraphValue, call.scalar(1 / Math.log(base), call.dtype)]);

function divide(call: AtenCall): GraphValue {
  const { dtype } = call;
  const mode = call.text("rounding_mode", "");
  const [self, other] = [call.operand("self", dtype), call.operand("other", dtype)];
  if (mode === "") return call.add("Div", [self, other]);
  if (mode !== "floor" && mode !== "trunc") throw call.refuse(`rounding_mode "${mode}" is not covered`);
  if (mode === "floor") return floored(call, self, other);
  if (!isFloating(dtype)) return call.add("Div", [self, other]);
  return truncated(call, call.add("Div", [self, other]));
}

function floored(call: AtenCall, self: GraphValue, other: GraphValue): GraphValue {
  if (isFloating(call.dtype)) {
    // Of the rest, which is exact: a quotient may be rounded up to the next whole number.
    const { rest, isOff } = restOf(call, self, other);
    const whole = call.add("Div", [call.add("Sub", [self, rest]), other]);
    const below = call.add("Round", [call.add("Sub", [whole, call.cast(isOff, call.dtype)])]);
    const byZero = call.add("Equal", [other, call.scalar(0, call.dtype)]);
    return call.add("Where", [byZero, call.add("Div", [self, other]), below]);
  }
  const rest = call.add("Mod", [self, other]);
  return call.add("Div", [call.add("Sub", [self, rest]), other]);
}

/** What is left of a division rounded towards 0, and whether that is on the other side of 0 than the divisor. */
function restOf(call: AtenCall, self: GraphValue, other: GraphValue): { readonly rest: GraphValue; readonly isOff: GraphValue } {
  const zero = call.scalar(0, call.dtype);
  const rest = call.add("Mod", [self, other], { fmod: 1 });
  const differs = call.add("Xor", [call.add("Less", [rest, zero]), call.add("Less", [other, zero])]);
  return { rest, isOff: call.add("And", [differs, call.add("Not", [call.add("Equal", [rest, zero])])]) };
}

function truncated(call: AtenCall, value: GraphValue): GraphValue {
  return call.add("Mul", [call.add("Sign", [value]), call.add("Floor", [call.add("Abs", [value])])]);
}

function remainder(call: AtenCall): GraphValue {
  const { dtype } = call;
  const [self, other] = [call.operand("self", dtype), call.operand("other", dtype)];
  if (!isFloating(dtype)) return call.add("Mod", [self, other]);
  const { rest, isOff } = restOf(call, self, other);
  return call.add("Where", [isOff, call.add("Add", [rest, other]), rest]);
}

/** `exp(x) - 1`, of which little is left near 0. */
function exponentialLessOne(call: AtenCall): GraphValue {
  const { dtype } = call;
  const x = call.operand("self", dtype);
  const one = call.scalar(1, dtype);
  const half = call.add("Tanh", [call.add("Mul", [x, call.scalar(0.5, dtype)])]);
  const near = call.add("Div", [call.add("Add", [half, half]), call.add("Sub", [one, half])]);
  return call.add("Where", [isNearZero(call, x), near, call.add("Sub", [call.add("Exp", [x]), one])]);
}

/** `log(1 + x)`, which near 0 makes good what the sum lost. */
function logarithmOfOneMore(call: AtenCall): GraphValue {
  const { dtype } = call;
  const x = call.operand("self", dtype);
  const one = call.scalar(1, dtype);
  const sum = call.add("Add", [x, one]);
  const log = call.add("Log", [sum]);
  const near = call.add("Div", [call.add("Mul", [log, x]), call.add("Sub", [sum, one])]);
  const nearer = call.add("Where", [call.add("Equal", [sum, one]), x, near]);
  return call.add("Where", [isNearZero(call, x), nearer, log]);
}

function isNearZero(call: AtenCall, x: GraphValue): GraphValue {
  return call.add("Less", [call.add("Abs", [x]), call.scalar(0.5, call.dtype)]);
}

function gelu(call: AtenCall): GraphValue {
  const { dtype } = call;
  const x = call.operand("self", dtype);
  const half = call.add("Mul", [x, call.scalar(0.5, dtype)]);
  const approximate = call.text("approximate", "none");
  if (approximate === "none") {
    const erf = call.add("Erf", [call.add("Mul", [x, call.scalar(Math.SQRT1_2, dtype)])]);
    return call.add("Mul", [half, call.add("Add", [erf, call.scalar(1, dtype)])]);
  }
  if (approximate !== "tanh") throw call.refuse(`approximate "${approximate}" is not covered`);
  const cube = call.add("Mul", [call.add("Mul", [call.add("Mul", [x, x]), x]), call.scalar(0.044715, dtype)]);
  const inner = call.add("Mul", [call.add("Add", [x, cube]), call.scalar(Math.sqrt(2 / Math.PI), dtype)]);
  return call.add("Mul", [half, call.add("Add", [call.add("Tanh", [inner]), call.scalar(1, dtype)])]);
}

/** Below, above or between bounds; one may be missing. */
function clamp(call: AtenCall, least: string, most: string): GraphValue {
  const { dtype } = call;
  let value = call.operand("self", dtype);
  if (call.has(least)) value = call.add("Max", [value, call.operand(least, dtype)]);
  if (call.has(most)) value = call.add("Min", [value, call.operand(most, dtype)]);
  return value;
}

function between(call: AtenCall, value: GraphValue, least: number, most: number): GraphValue {
  return call.add("Clip", [value, call.scalar(least, call.dtype), call.scalar(most, call.dtype)]);
}

/** `relu6(x + 3) / 6`. */
function hardSigmoid(call: AtenCall): GraphValue {
  const { dtype } = call;
  const shifted = call.add("Add", [call.operand("self", dtype), call.scalar(3, dtype)]);
  return call.add("Div", [between(call, shifted, 0, 6), call.scalar(6, dtype)]);
}

function softplus(call: AtenCall): GraphValue {
  const { dtype } = call;
  const [beta, threshold] = [call.number("beta", 1), call.number("threshold", 20)];
  const x = call.operand("self", dtype);
  const steep = beta === 1 ? x : call.add("Mul", [x, call.scalar(beta, dtype)]);
  const soft = call.add("Softplus", [steep]);
  const value = beta === 1 ? soft : call.add("Div", [soft, call.scalar(beta, dtype)]);
  return call.add("Where", [call.add("Greater", [steep, call.scalar(threshold, dtype)]), x, value]);
}

function elu(call: AtenCall): GraphValue {
  const { dtype } = call;
  if (call.number("input_scale", 1) !== 1) throw call.refuse("an input_scale is not covered");
  const x = call.add("Elu", [call.operand("self", dtype)], { alpha: float(call.number("alpha", 1)) });
  const scale = call.number("scale", 1);
  return scale === 1 ? x : call.add("Mul", [x, call.scalar(scale, dtype)]);
}

const times =
  (factor: (call: AtenCall, x: GraphValue) => GraphValue): Translate =>
  (call) => {
    const x = call.operand("self", call.dtype);
    return call.add("Mul", [x, factor(call, x)]);
  };

function softmax(name: "Softmax" | "LogSoftmax"): Translate {
  return (call) => {
    call.ignore("dtype", "half_to_float");
    const value = call.operand("self", call.dtype);
    const rank = call.rank("self");
    if (rank === 0) return call.scalar(name === "Softmax" ? 1 : 0, call.dtype);
    return call.add(name, [value], { axis: call.axis(call.integer("dim"), rank) });
  };
}

function where(call: AtenCall): GraphValue {
  if (!call.has("self")) throw call.refuse("it is covered with two values only");
  return call.add("Where", [
    call.operand("condition", "bool"),
    call.operand("self", call.dtype),
    call.operand("other", call.dtype),
  ]);
}

function maskedFill(call: AtenCall): GraphValue {
  return call.add("Where", [call.operand("mask", "bool"), call.operand("value", call.dtype), call.operand("self", call.dtype)]);
}

function prelu(call: AtenCall): GraphValue {
  const weight = call.operand("weight", call.dtype);
  const rank = call.rank("self");
  const shaped = rank > 2 && call.rank("weight") === 1 ? call.reshape(weight, [-1, ...Array<number>(rank - 2).fill(1)]) : weight;
  return call.add("PRelu", [call.operand("self", call.dtype), shaped]);
}

function gated(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim", -1), call.rank("self"));
  const [left, right] = call.graph.addMany("Split", [call.tensor("self")], { axis }, 2);
  return call.add("Mul", [left!, call.add("Sigmoid", [right!])]);
}

/** `self` and a number of times a product or quotient. */
const combined =
  (name: "Mul" | "Div"): Translate =>
  (call) => {
    const { dtype } = call;
    const value = call.add(name, [call.operand("tensor1", dtype), call.operand("tensor2", dtype)]);
    const factor = call.number("value", 1);
    return call.add("Add", [
      call.operand("self", dtype),
      factor === 1 ? value : call.add("Mul", [value, call.scalar(factor, dtype)]),
    ]);
  };

function interpolated(call: AtenCall): GraphValue {
  const { dtype } = call;
  const self = call.operand("self", dtype);
  const weight = call.operand("weight", dtype);
  return call.add("Add", [self, call.add("Mul", [weight, call.add("Sub", [call.operand("end", dtype), self])])]);
}

/** Leaves its input as it is, when it is not training. */
function dropout(call: AtenCall): GraphValue {
  call.ignore("p");
  if (call.truth("train", call.truth("training"))) throw call.refuse("it drops at random: export the model after model.eval()");
  // One that changes its input in place calls it otherwise.
  return call.tensor(call.all.has("self") ? "self" : "input");
}

function nativeDropout(call: AtenCall): GraphValue {
  call.ignore("p");
  if (call.truth("train")) throw call.refuse("it drops at random: export the model after model.eval()");
  return call.tensor("input");
}

function finite(call: AtenCall): GraphValue {
  const value = call.tensor("self");
  return call.add("Not", [call.add("Or", [call.add("IsNaN", [value]), call.add("IsInf", [value])])]);
}

/** Functions of a number that go by one name in ONNX. */
const PLAIN: Readonly<Record<string, string>> = {
  relu: "Relu",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  exp: "Exp",
  log: "Log",
  sqrt: "Sqrt",
  abs: "Abs",
  neg: "Neg",
  reciprocal: "Reciprocal",
  sign: "Sign",
  sgn: "Sign",
  floor: "Floor",
  ceil: "Ceil",
  round: "Round",
  erf: "Erf",
  sin: "Sin",
  cos: "Cos",
  tan: "Tan",
  asin: "Asin",
  acos: "Acos",
  atan: "Atan",
  sinh: "Sinh",
  cosh: "Cosh",
  asinh: "Asinh",
  acosh: "Acosh",
  atanh: "Atanh",
};

/** Functions of each element. */
export const ELEMENTWISE: readonly OperatorEntry[] = [
  ...Object.entries(PLAIN).map(([name, onnx]) => operator(name, unary(onnx))),
  operator("rsqrt", (call) => call.add("Reciprocal", [unary("Sqrt")(call) as GraphValue])),
  operator("square", (call) => call.add("Mul", [call.operand("self", call.dtype), call.operand("self", call.dtype)])),
  operator("expm1", exponentialLessOne),
  operator("log1p", logarithmOfOneMore),
  operator("log2", logarithm(2)),
  operator("log10", logarithm(10)),
  operator("trunc", (call) => truncated(call, call.operand("self", call.dtype))),
  operator("relu6", (call) => between(call, call.operand("self", call.dtype), 0, 6)),
  operator("hardtanh", (call) =>
    between(call, call.operand("self", call.dtype), call.number("min_val", -1), call.number("max_val", 1)),
  ),
  operator("hardsigmoid", hardSigmoid),
  operator("hardswish", (call) => call.add("Mul", [call.operand("self", call.dtype), hardSigmoid(call)])),
  operator(
    "silu",
    times((call, x) => call.add("Sigmoid", [x])),
  ),
  operator(
    "mish",
    times((call, x) => call.add("Tanh", [call.add("Softplus", [x])])),
  ),
  operator("gelu", gelu),
  operator("leaky_relu", (call) =>
    call.add("LeakyRelu", [call.operand("self", call.dtype)], { alpha: float(call.number("negative_slope", 0.01)) }),
  ),
  operator("elu", elu),
  operator("celu", (call) => call.add("Celu", [call.operand("self", call.dtype)], { alpha: float(call.number("alpha", 1)) })),
  operator("selu", unary("Selu")),
  operator("softplus", softplus),
  operator("log_sigmoid", (call) =>
    call.add("Neg", [call.add("Softplus", [call.add("Neg", [call.operand("self", call.dtype)])])]),
  ),
  operator("prelu _prelu_kernel", prelu),
  operator("glu", gated),
  operator("softmax _softmax _safe_softmax", softmax("Softmax")),
  operator("log_softmax _log_softmax", softmax("LogSoftmax")),
  operator("add", (call) => (call.dtype === "bool" ? logical("Or")(call) : scaled("Add")(call))),
  operator("sub subtract", scaled("Sub")),
  operator("rsub", scaled("Sub", true)),
  operator("mul multiply", (call) => (call.dtype === "bool" ? logical("And")(call) : binary("Mul")(call))),
  operator("div true_divide divide", divide),
  operator("floor_divide", (call) => floored(call, call.operand("self", call.dtype), call.operand("other", call.dtype))),
  operator("remainder", remainder),
  operator("fmod", (call) => call.add("Mod", [call.operand("self", call.dtype), call.operand("other", call.dtype)], { fmod: 1 })),
  operator("pow", binary("Pow", "self", "exponent")),
  operator("maximum max.other", binary("Max")),
  operator("minimum min.other", binary("Min")),
  operator("eq", comparison("Equal")),
  operator("ne not_equal", comparison("Equal", true)),
  operator("lt less", comparison("Less")),
  operator("le less_equal", comparison("LessOrEqual")),
  operator("gt greater", comparison("Greater")),
  operator("ge greater_equal", comparison("GreaterOrEqual")),
  operator("logical_and", logical("And")),
  operator("logical_or", logical("Or")),
  operator("logical_xor", logical("Xor")),
  operator("bitwise_and __and__", bits("And"), "of truths only"),
  operator("bitwise_or __or__", bits("Or"), "of truths only"),
  operator("bitwise_xor __xor__", bits("Xor"), "of truths only"),
  operator("logical_not", (call) => call.add("Not", [call.operand("self", "bool")])),
  operator(
    "bitwise_not",
    (call) => {
      if (call.dtype !== "bool") throw call.refuse("it is covered for truths only");
      return call.add("Not", [call.tensor("self")]);
    },
    "of truths only",
  ),
  operator("isnan", (call) => call.add("IsNaN", [call.tensor("self")])),
  operator("isinf", (call) => call.add("IsInf", [call.tensor("self")])),
  operator("isfinite", finite),
  operator("clamp clip", (call) => clamp(call, "min", "max")),
  operator("clamp_min", (call) => clamp(call, "min", "none")),
  operator("clamp_max", (call) => clamp(call, "none", "max")),
  operator("where", where, "with two values"),
  operator("masked_fill", maskedFill),
  operator("addcmul", combined("Mul")),
  operator("addcdiv", combined("Div")),
  operator("lerp", interpolated),
  operator("dropout feature_dropout alpha_dropout feature_alpha_dropout", dropout, "outside of training"),
  operator("native_dropout", nativeDropout, "outside of training"),
];
