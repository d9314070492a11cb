import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";

type Unary = (call: OperatorCall, x: GraphValue) => GraphValue;
type Binary = (call: OperatorCall, a: GraphValue, b: GraphValue) => GraphValue;

const onnx =
  (name: string): Binary =>
  (call, a, b) =>
    call.add(name, [a, b]);

/** Comparisons give 0 and 1 of the inputs' dtype. */
const comparison =
  (name: string): Binary =>
  (call, a, b) =>
    call.cast(call.add(name, [a, b]), a.dtype);

const unequal: Binary = (call, a, b) => call.cast(call.add("Not", [call.add("Equal", [a, b])]), a.dtype);

const logic =
  (name: string): Binary =>
  (call, a, b) =>
    call.cast(call.add(name, [call.cast(a, "bool"), call.cast(b, "bool")]), a.dtype);

/** The remainder has the divisor's sign, and is 0 for a divisor of 0. */
const modulo: Binary = (call, a, b) => {
  const zero = call.scalar(0, a);
  const rest = call.add("Mod", [a, b], { fmod: 1 });
  const wrong = call.add("And", [
    call.add("Not", [call.add("Equal", [rest, zero])]),
    call.add("Xor", [call.add("Less", [rest, zero]), call.add("Less", [b, zero])]),
  ]);
  const signed = call.add("Where", [wrong, call.add("Add", [rest, b]), rest]);
  return call.add("Where", [call.add("Equal", [b, zero]), zero, signed]);
};

const hypotenuse: Binary = (call, a, b) =>
  call.add("Sqrt", [call.add("Add", [call.add("Mul", [a, a]), call.add("Mul", [b, b])])]);

/** Whole numbers are divided as floats. */
const trueDivision: Binary = (call, a, b) => {
  const float = (x: GraphValue) => (call.isFloat(x) ? x : call.cast(x, "float32"));
  return call.add("Div", [float(a), float(b)]);
};

/** An operation on two tensors, on a tensor and a number, and on a number and a tensor where that is another. */
interface BinaryRow {
  readonly apply: Binary;
  readonly tensors: string;
  readonly scalar: string;
  readonly reversed?: string;
}

const BINARY: readonly BinaryRow[] = [
  {
    apply: onnx("Add"),
    tensors: "elemwise_add _plus _Plus _add broadcast_add broadcast_plus _grad_add _npi_add",
    scalar: "_plus_scalar _PlusScalar _npi_add_scalar",
  },
  {
    apply: onnx("Sub"),
    tensors: "elemwise_sub _minus _Minus _sub broadcast_sub broadcast_minus _npi_subtract",
    scalar: "_minus_scalar _MinusScalar _npi_subtract_scalar",
    reversed: "_rminus_scalar _RMinusScalar _npi_rsubtract_scalar",
  },
  {
    apply: onnx("Mul"),
    tensors: "elemwise_mul _mul _Mul broadcast_mul _npi_multiply",
    scalar: "_mul_scalar _MulScalar _npi_multiply_scalar",
  },
  {
    apply: onnx("Div"),
    tensors: "elemwise_div _div _Div broadcast_div",
    scalar: "_div_scalar _DivScalar",
    reversed: "_rdiv_scalar _RDivScalar",
  },
  {
    apply: trueDivision,
    tensors: "_npi_true_divide",
    scalar: "_npi_true_divide_scalar",
    reversed: "_npi_rtrue_divide_scalar",
  },
  {
    apply: modulo,
    tensors: "broadcast_mod _mod _Mod _npi_mod",
    scalar: "_mod_scalar _ModScalar _npi_mod_scalar",
    reversed: "_rmod_scalar _RModScalar _npi_rmod_scalar",
  },
  {
    apply: onnx("Pow"),
    tensors: "broadcast_power _power _Power _npi_power",
    scalar: "_power_scalar _PowerScalar _npi_power_scalar",
    reversed: "_rpower_scalar _RPowerScalar _npi_rpower_scalar",
  },
  {
    apply: onnx("Max"),
    tensors: "broadcast_maximum _maximum _Maximum _npi_maximum",
    scalar: "_maximum_scalar _MaximumScalar _npi_maximum_scalar",
  },
  {
    apply: onnx("Min"),
    tensors: "broadcast_minimum _minimum _Minimum _npi_minimum",
    scalar: "_minimum_scalar _MinimumScalar _npi_minimum_scalar",
  },
  {
    apply: hypotenuse,
    tensors: "broadcast_hypot _hypot _Hypot _npi_hypot",
    scalar: "_hypot_scalar _HypotScalar _npi_hypot_scalar",
  },
  { apply: comparison("Equal"), tensors: "broadcast_equal _equal _Equal", scalar: "_equal_scalar _EqualScalar" },
  { apply: unequal, tensors: "broadcast_not_equal _not_equal _Not_Equal", scalar: "_not_equal_scalar _NotEqualScalar" },
  { apply: comparison("Greater"), tensors: "broadcast_greater _greater _Greater", scalar: "_greater_scalar _GreaterScalar" },
  {
    apply: comparison("GreaterOrEqual"),
    tensors: "broadcast_greater_equal _greater_equal _Greater_Equal",
    scalar: "_greater_equal_scalar _GreaterEqualScalar",
  },
  { apply: comparison("Less"), tensors: "broadcast_lesser _lesser _Lesser", scalar: "_lesser_scalar _LesserScalar" },
  {
    apply: comparison("LessOrEqual"),
    tensors: "broadcast_lesser_equal _lesser_equal _Lesser_Equal",
    scalar: "_lesser_equal_scalar _LesserEqualScalar",
  },
  {
    apply: logic("And"),
    tensors: "broadcast_logical_and _logical_and _Logical_And",
    scalar: "_logical_and_scalar _LogicalAndScalar",
  },
  { apply: logic("Or"), tensors: "broadcast_logical_or _logical_or _Logical_Or", scalar: "_logical_or_scalar _LogicalOrScalar" },
  {
    apply: logic("Xor"),
    tensors: "broadcast_logical_xor _logical_xor _Logical_Xor",
    scalar: "_logical_xor_scalar _LogicalXorScalar",
  },
];

const simple =
  (name: string): Unary =>
  (call, x) =>
    call.add(name, [x]);

const fraction = (call: OperatorCall, x: GraphValue): readonly [floor: GraphValue, above: GraphValue] => {
  const floor = call.add("Floor", [x]);
  return [floor, call.add("Sub", [x, floor])];
};

/** Halves go away from zero. */
const round: Unary = (call, x) => {
  const [floor, above] = fraction(call, call.add("Abs", [x]));
  const up = call.cast(call.add("GreaterOrEqual", [above, call.scalar(0.5, x)]), x.dtype);
  return call.add("Mul", [call.add("Sign", [x]), call.add("Add", [floor, up])]);
};

/** Halves go down. */
const roundDown: Unary = (call, x) => {
  const [floor, above] = fraction(call, x);
  return call.add("Add", [floor, call.cast(call.add("Greater", [above, call.scalar(0.5, x)]), x.dtype)]);
};

const truncate: Unary = (call, x) => call.add("Mul", [call.add("Sign", [x]), call.add("Floor", [call.add("Abs", [x])])]);

const scaled =
  (by: number, of: Unary): Unary =>
  (call, x) =>
    call.add("Mul", [of(call, x), call.scalar(by, x)]);

const inverse =
  (of: Unary): Unary =>
  (call, x) =>
    call.add("Reciprocal", [of(call, x)]);

/** With its sign. */
export const cubeRoot: Unary = (call, x) =>
  call.add("Mul", [call.add("Sign", [x]), call.add("Pow", [call.add("Abs", [x]), call.scalar(1 / 3, x)])]);

/** Gauss's error linear unit, by the error function. */
export const gelu: Unary = (call, x) => {
  const part = call.add("Erf", [call.add("Mul", [x, call.scalar(Math.SQRT1_2, x)])]);
  return call.add("Mul", [call.add("Mul", [x, call.scalar(0.5, x)]), call.add("Add", [part, call.scalar(1, x)])]);
};

const UNARY: readonly (readonly [names: string, apply: Unary])[] = [
  ["abs _npi_absolute", simple("Abs")],
  ["sign _npi_sign", simple("Sign")],
  ["negative _npi_negative", simple("Neg")],
  ["reciprocal _npi_reciprocal", simple("Reciprocal")],
  ["ceil _npi_ceil", simple("Ceil")],
  ["floor _npi_floor", simple("Floor")],
  ["round", round],
  ["rint", roundDown],
  ["trunc fix _npi_trunc _npi_fix", truncate],
  ["square _npi_square", (call, x) => call.add("Mul", [x, x])],
  ["sqrt _npi_sqrt", simple("Sqrt")],
  ["rsqrt", inverse(simple("Sqrt"))],
  ["cbrt _npi_cbrt", cubeRoot],
  ["rcbrt", inverse(cubeRoot)],
  ["exp _npi_exp", simple("Exp")],
  ["expm1 _npi_expm1", (call, x) => call.add("Sub", [call.add("Exp", [x]), call.scalar(1, x)])],
  ["log _npi_log", simple("Log")],
  ["log1p _npi_log1p", (call, x) => call.add("Log", [call.add("Add", [x, call.scalar(1, x)])])],
  ["log2 _npi_log2", scaled(Math.LOG2E, simple("Log"))],
  ["log10 _npi_log10", scaled(Math.LOG10E, simple("Log"))],
  ["degrees _npi_degrees", scaled(180 / Math.PI, (_, x) => x)],
  ["radians _npi_radians", scaled(Math.PI / 180, (_, x) => x)],
  ["sin _npi_sin", simple("Sin")],
  ["cos _npi_cos", simple("Cos")],
  ["tan _npi_tan", simple("Tan")],
  ["arcsin _npi_arcsin", simple("Asin")],
  ["arccos _npi_arccos", simple("Acos")],
  ["arctan _npi_arctan", simple("Atan")],
  ["sinh _npi_sinh", simple("Sinh")],
  ["cosh _npi_cosh", simple("Cosh")],
  ["tanh _npi_tanh", simple("Tanh")],
  ["arcsinh _npi_arcsinh", simple("Asinh")],
  ["arccosh _npi_arccosh", simple("Acosh")],
  ["arctanh _npi_arctanh", simple("Atanh")],
  ["erf", simple("Erf")],
  ["relu _npx_relu", simple("Relu")],
  ["sigmoid _npx_sigmoid", simple("Sigmoid")],
  ["softsign", simple("Softsign")],
  ["logical_not", (call, x) => call.cast(call.add("Not", [call.cast(x, "bool")]), x.dtype)],
  ["zeros_like", (call, x) => call.add("Expand", [call.scalar(0, x), call.shapeOf(x)])],
  ["ones_like", (call, x) => call.add("Expand", [call.scalar(1, x), call.shapeOf(x)])],
];

/** Comparisons with numpy's semantics, which give booleans. */
const NUMPY_COMPARISONS: readonly (readonly [name: string, apply: Binary])[] = [
  ["equal", onnx("Equal")],
  ["not_equal", (call, a, b) => call.add("Not", [call.add("Equal", [a, b])])],
  ["greater", onnx("Greater")],
  ["greater_equal", onnx("GreaterOrEqual")],
  ["less", onnx("Less")],
  ["less_equal", onnx("LessOrEqual")],
];

const onTensors =
  (apply: Binary): Translate =>
  (call) =>
    apply(call, call.input(0), call.input(1));

const onScalar =
  (apply: Binary, reversed = false): Translate =>
  (call) => {
    // Whether it was written as a whole number in Python.
    call.attributes.ignore("is_int");
    const scalar = call.scalar(call.attributes.number("scalar", 1), call.data);
    return reversed ? apply(call, scalar, call.data) : apply(call, call.data, scalar);
  };

const dropout: Translate = (call) => {
  call.attributes.choice("mode", "training", ["training"]);
  call.attributes.ignore("p", "axes");
  return call.data;
};

const identity: Translate = ({ data, attributes }) => {
  attributes.ignore("valid_thresh", "normalization", "margin", "regularization_coefficient", "use_linear");
  return data;
};

/** Quadratic near zero, of width 1 / scalar². */
const smoothL1: Translate = (call) => {
  const { data } = call;
  const squared = call.attributes.number("scalar", 1) ** 2;
  const size = call.add("Abs", [data]);
  const near = call.add("Mul", [call.add("Mul", [data, data]), call.scalar(squared / 2, data)]);
  const far = call.add("Sub", [size, call.scalar(0.5 / squared, data)]);
  return call.add("Where", [call.add("Less", [size, call.scalar(1 / squared, data)]), near, far]);
};

const clip: Translate = (call) =>
  call.add("Clip", [
    call.data,
    ...(["a_min", "a_max"] as const).map((name) => {
      const bound = call.attributes.maybeNumber(name);
      return bound === undefined ? undefined : call.scalar(bound, call.data);
    }),
  ]);

const castTo: Translate = (call) => {
  const dtype = call.attributes.dtype("dtype");
  if (dtype === undefined) throw call.invalid("it has no dtype");
  return call.cast(call.data, dtype);
};

/** A condition for each element, or for each row. */
const where: Translate = (call) => {
  const [condition, yes, no] = [call.input(0), call.input(1), call.input(2)];
  const rows = call.rank(condition) === 1 && call.rank(yes) > 1;
  const shaped = rows ? call.reshape(condition, [-1, ...Array<number>(call.rank(yes) - 1).fill(1)]) : condition;
  return call.add("Where", [call.cast(shaped, "bool"), yes, no]);
};

/** Operators that go element by element. */
export const ELEMENTWISE: readonly OperatorEntry[] = [
  ...BINARY.flatMap(({ apply, tensors, scalar, reversed }) => [
    operator(tensors, onTensors(apply)),
    operator(scalar, onScalar(apply)),
    ...(reversed === undefined ? [] : [operator(reversed, onScalar(apply, true))]),
  ]),
  ...NUMPY_COMPARISONS.flatMap(([name, apply]) => [
    operator(`_npi_${name}`, onTensors(apply)),
    operator(`_npi_${name}_scalar`, onScalar(apply)),
  ]),
  ...UNARY.map(([names, apply]) => operator(names, (call) => apply(call, call.data))),
  operator("add_n ElementWiseSum _sum", (call) => call.add("Sum", call.inputs)),
  operator("_copy identity _np_copy BlockGrad stop_gradient _CrossDeviceCopy MakeLoss", identity),
  operator("make_loss", identity, "", ["loss"]),
  operator("Dropout", dropout, "does nothing; not: mode always", ["output", "mask"]),
  operator("LinearRegressionOutput MAERegressionOutput SVMOutput IdentityAttachKLSparseReg", identity, "the label is left out"),
  operator("LogisticRegressionOutput", (call) => call.add("Sigmoid", [call.data]), "the label is left out"),
  operator("hard_sigmoid", (call) =>
    call.add("HardSigmoid", [call.data], {
      alpha: float(call.attributes.number("alpha", 0.2)),
      beta: float(call.attributes.number("beta", 0.5)),
    }),
  ),
  operator("smooth_l1", smoothL1),
  operator("clip _npi_clip", clip),
  operator("Cast cast amp_cast", castTo),
  operator("where _npi_where", where),
];
