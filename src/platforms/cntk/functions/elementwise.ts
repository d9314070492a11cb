import { elementTypeOf } from "../../../graph/element-type.ts";
import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import { aligned, expanded, joined, type NetworkValue, numberOf, shapeOf, staticParts } from "../network-value.ts";
import { dtypeOfNumber } from "../read-dictionary.ts";

/** CNTK's logarithm of what is smaller than 1e-37. */
const LEAST_LOGARITHM = -85.1;
const LEAST_OF_LOGARITHM = 1e-37;

const unary =
  (operator: string): Translate =>
  (call) =>
    call.unary(operator);

const binary =
  (operator: string): Translate =>
  (call) =>
    call.elementwise(operator, [call.input(0), call.input(1)]);

const passed: Translate = (call) => call.first;

const constant = (call: FunctionCall, value: number): GraphValue => numberOf(call.graph, call.first.value.dtype, value);

/** A truth value as a number of the inputs' dtype. */
const comparison =
  (operator: string, negated = false): Translate =>
  (call) => {
    const { value, dynamic } = call.elementwise(operator, [call.input(0), call.input(1)]);
    const truth = negated ? call.add("Not", [value]) : value;
    return { value: call.add("Cast", [truth], { to: elementTypeOf(call.first.value.dtype) }), dynamic };
  };

const logarithm: Translate = (call) => {
  const { value, dynamic } = call.first;
  const least = call.add("Less", [value, constant(call, LEAST_OF_LOGARITHM)]);
  return { value: call.add("Where", [least, constant(call, LEAST_LOGARITHM), call.add("Log", [value])]), dynamic };
};

const squareRoot: Translate = (call) => {
  const { value, dynamic } = call.first;
  return { value: call.add("Sqrt", [call.add("Max", [value, constant(call, 0)])]), dynamic };
};

const reciprocal: Translate = (call) => {
  const { value, dynamic } = call.first;
  const zero = constant(call, 0);
  return { value: call.add("Where", [call.add("Equal", [value, zero]), zero, call.add("Reciprocal", [value])]), dynamic };
};

const elu: Translate = (call) => call.unary("Elu", { alpha: float(call.attributes.number("alpha", 1)) });

/** log(exp(a) + exp(b)), which does not overflow. */
const logPlus: Translate = (call) => {
  const { values, dynamic } = aligned(call.graph, [call.input(0), call.input(1)]);
  const apart = call.add("Neg", [call.add("Abs", [call.add("Sub", values)])]);
  return { value: call.add("Add", [call.add("Max", values), call.add("Softplus", [apart])]), dynamic };
};

const clip: Translate = (call) => {
  const { values, dynamic } = aligned(call.graph, [call.input(0), call.input(1), call.input(2)]);
  const [value, least, most] = values as [GraphValue, GraphValue, GraphValue];
  if (shapeOf(least).length === 0 && shapeOf(most).length === 0)
    return { value: call.add("Clip", [value, least, most]), dynamic };
  return { value: call.add("Min", [call.add("Max", [value, least]), most]), dynamic };
};

const select: Translate = (call) => {
  const { values, dynamic } = aligned(call.graph, [call.input(0), call.input(1), call.input(2)]);
  return {
    value: call.add("Where", [call.add("Cast", [values[0]], { to: elementTypeOf("bool") }), values[1], values[2]]),
    dynamic,
  };
};

const cast: Translate = (call) => {
  const dtype = dtypeOfNumber(call.attributes.integer("newDataType"));
  if (dtype === undefined) throw call.unimplemented("it casts to a data type that is not covered");
  return call.unary("Cast", { to: elementTypeOf(dtype) });
};

const straightThrough: Translate = (call) => {
  const { value, dynamic } = call.first;
  const positive = call.add("Greater", [value, constant(call, 0)]);
  return { value: call.add("Where", [positive, constant(call, 1), constant(call, -1)]), dynamic };
};

const filled: Translate = (call) => {
  const like = call.first;
  const value = numberOf(call.graph, like.value.dtype, call.attributes.number("fillValue"));
  const parts = shapeOf(like.value).map((_, axis) => ({ of: like.value, axis }));
  return { value: expanded(call.graph, value, parts), dynamic: like.dynamic };
};

const eyeLike: Translate = (call) => {
  const like = call.first;
  call.attributes.ignore("OutputSparse");
  if (like.dynamic > 0) throw call.unimplemented("it is as long as the batch, or as a sequence");
  const { dtype, shape } = like.value;
  const square = call.graph.add(
    "ConstantOfShape",
    [joined(call.graph, staticParts(like))],
    {},
    { outputs: [{ dtype: "float32", shape }] },
  );
  const options = { outputs: [{ dtype, shape }] };
  return { value: call.graph.add("EyeLike", [square], { dtype: elementTypeOf(dtype) }, options), dynamic: 0 };
};

const dropout: Translate = (call) => {
  call.attributes.ignore("dropoutRate", "rngSeed", "rngOffset");
  return call.first;
};

/** The sum of the products over the product of the lengths, each a number for a whole sample. */
const cosine: Translate = (call) => {
  const lengthOf = (each: NetworkValue) =>
    call.add("Max", [call.add("Sqrt", [total(call, [each, each])]), constant(call, 1e-30)]);
  const [a, b] = [call.input(0), call.input(1)];
  const product = total(call, [a, b]);
  return {
    value: call.add("Div", [call.add("Div", [product, lengthOf(a)]), lengthOf(b)]),
    dynamic: Math.max(a.dynamic, b.dynamic),
  };
};

/** The sum over all static dimensions of a product. */
function total(call: FunctionCall, factors: readonly NetworkValue[]): GraphValue {
  const { value, dynamic } = call.elementwise("Mul", factors);
  const axes = shapeOf(value)
    .map((_, axis) => axis)
    .slice(dynamic);
  return axes.length === 0 ? value : call.add("ReduceSum", [value, call.integers(...axes)], { keepdims: 0 });
}

/** Functions that go through their inputs element by element, and those that change nothing. */
export const ELEMENTWISE: readonly FunctionEntry[] = [
  entry(0, "Negate", unary("Neg")),
  entry(1, "Sigmoid", unary("Sigmoid")),
  entry(75, "StableSigmoid", unary("Sigmoid")),
  entry(2, "Tanh", unary("Tanh")),
  entry(3, "ReLU", unary("Relu")),
  entry(65, "ELU", elu),
  entry(4, "Exp", unary("Exp")),
  entry(5, "Log", logarithm, `${LEAST_LOGARITHM} below ${LEAST_OF_LOGARITHM}, as in CNTK`),
  entry(6, "Sqrt", squareRoot, "0 below 0, as in CNTK"),
  entry(7, "Floor", unary("Floor")),
  entry(8, "Abs", unary("Abs")),
  entry(9, "Reciprocal", reciprocal, "0 of 0, as in CNTK"),
  entry(54, "Sin", unary("Sin")),
  entry(55, "Cos", unary("Cos")),
  entry(95, "Tan", unary("Tan")),
  entry(81, "Asin", unary("Asin")),
  entry(82, "Acos", unary("Acos")),
  entry(96, "Atan", unary("Atan")),
  entry(77, "Sinh", unary("Sinh")),
  entry(78, "Cosh", unary("Cosh")),
  entry(86, "Asinh", unary("Asinh")),
  entry(85, "Atanh", unary("Atanh")),
  entry(94, "StraightThrough", straightThrough),
  entry(19, "Plus", binary("Add")),
  entry(20, "Minus", binary("Sub")),
  entry(21, "ElementTimes", binary("Mul")),
  entry(69, "Pow", binary("Pow")),
  entry(52, "LogPlus", logPlus),
  entry(22, "Equal", comparison("Equal")),
  entry(23, "NotEqual", comparison("Equal", true)),
  entry(24, "Less", comparison("Less")),
  entry(25, "LessEqual", comparison("LessOrEqual")),
  entry(26, "Greater", comparison("Greater")),
  entry(27, "GreaterEqual", comparison("GreaterOrEqual")),
  entry(41, "Clip", clip),
  entry(42, "Select", select),
  entry(53, "CosDistance", cosine),
  entry(91, "Cast", cast, "to float, double and float16"),
  entry(89, "ConstantOp", filled),
  entry(92, "EyeLike", eyeLike, "not of a batch or a sequence"),
  entry(15, "Dropout", dropout, "changes nothing"),
  entry(56, "Pass", passed),
  entry(62, "NoOp", passed),
  entry(64, "StopGradient", passed),
];
