import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, Results, Translation } from "../call.ts";

function reduce(call: Call, operator: string, x: GraphValue, axes: readonly number[] | undefined, keepdims: boolean): GraphValue {
  const attributes = { keepdims: keepdims ? 1 : 0 };
  // Since opset 13 the axes of this one alone are an input.
  if (operator === "ReduceSum") return call.add(operator, [x, axes && call.graph.integers(axes)], attributes);
  return call.add(operator, [x], { ...attributes, axes });
}

function givenAxes(call: Call): readonly number[] | undefined {
  const axes = call.args.integers("axes");
  return axes?.length === 0 ? undefined : axes;
}

const byAxes: Translation = {
  translate: (call) => reduce(call, call.type, call.first, givenAxes(call), call.args.flag("keepdims", true)),
};

/** `ReduceBackMean`: the last dimensions, or the first ones. */
function reduceSide(call: Call): GraphValue {
  const [, side, what] = /^Reduce(Front|Back)(\w+)$/.exec(call.type)!;
  if (call.inputs.length > 1) throw call.unimplemented("lengths as a second input are not covered");
  const count = call.args.integer("num_reduce_dim", 1);
  if (count < 0 || count > 64) throw call.invalid(`argument "num_reduce_dim" is ${count}`);
  if (count === 0) return call.first;
  const axes = Array.from({ length: count }, (_, i) => (side === "Front" ? i : i - count));
  return reduce(call, `Reduce${what}`, call.first, axes, false);
}

function moments(call: Call): Results {
  const [axes, keeps, x] = [givenAxes(call), call.args.flag("keepdims", true), call.first];
  const centered = call.add("Sub", [x, reduce(call, "ReduceMean", x, axes, true)]);
  return [
    reduce(call, "ReduceMean", x, axes, keeps),
    reduce(call, "ReduceMean", call.add("Mul", [centered, centered]), axes, keeps),
  ];
}

function sumElements(call: Call): GraphValue {
  const x = call.type === "SumSqrElements" ? call.add("Mul", [call.first, call.first]) : call.first;
  return reduce(call, call.args.flag("average") ? "ReduceMean" : "ReduceSum", x, undefined, false);
}

/** Of two tensors with as many rows; one number by row. */
function byRow(call: Call): GraphValue {
  const [a, b] = [call.first, call.input(1)].map((each) => call.add("Flatten", [each], { axis: 1 })) as [GraphValue, GraphValue];
  const sum = (x: GraphValue) => reduce(call, "ReduceSum", x, [1], false);
  switch (call.type) {
    case "SquaredL2Distance": {
      const difference = call.add("Sub", [a, b]);
      return call.add("Mul", [sum(call.add("Mul", [difference, difference])), call.scalarLike(a, 0.5)]);
    }
    case "L1Distance":
      return sum(call.add("Abs", [call.add("Sub", [a, b])]));
    default:
      return sum(call.add("Mul", [a, b]));
  }
}

const SIDES = ["Front", "Back"].flatMap((side) => ["Sum", "Mean", "Max"].map((what) => `Reduce${side}${what}`));

/** Operators that make fewer elements of many. */
export const REDUCING_OPERATORS: Readonly<Record<string, Translation>> = {
  ...Object.fromEntries(["Sum", "Mean", "Max", "Min", "L1", "L2"].map((what) => [`Reduce${what}`, byAxes])),
  ...Object.fromEntries(SIDES.map((name) => [name, { translate: reduceSide, note: "without lengths" }])),
  ReduceTailSum: { translate: (call) => reduce(call, "ReduceSum", call.add("Flatten", [call.first], { axis: 1 }), [1], false) },
  RowwiseMax: { translate: (call) => reduce(call, "ReduceMax", call.first, [-1], false) },
  ColwiseMax: { translate: (call) => reduce(call, "ReduceMax", call.first, [-2], false) },
  Moments: { translate: moments },
  SumElements: { translate: sumElements },
  SumSqrElements: { translate: sumElements },
  DotProduct: { translate: byRow },
  SquaredL2Distance: { translate: byRow },
  L1Distance: { translate: byRow },
};
