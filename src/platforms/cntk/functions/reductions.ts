import { elementTypeOf } from "../../../graph/element-type.ts";
import type { StoredAxis } from "../dictionary.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import { type NetworkValue, staticShape, withStaticShape } from "../network-value.ts";

const REDUCTIONS_BY_NAME: ReadonlyMap<string, string> = new Map([
  ["Sum", "ReduceSum"],
  ["LogSum", "ReduceLogSumExp"],
  ["Mean", "ReduceMean"],
  ["Max", "ReduceMax"],
  ["Min", "ReduceMin"],
  ["Prod", "ReduceProd"],
]);
const PLACES_BY_NAME: ReadonlyMap<string, string> = new Map([
  ["Argmax", "ArgMax"],
  ["Argmin", "ArgMin"],
]);

const reduceElements: Translate = (call) => {
  const { attributes } = call;
  const name = attributes.text("reductionOpName");
  const keeps = attributes.boolean("reductionKeepDimensions", true);
  const axes = attributes.has("axisVec") ? attributes.axes("axisVec") : [attributes.axis("axis")];
  if (axes.some((axis) => call.isBatch(axis)))
    throw call.unimplemented("it reduces over the batch: an answer would depend on other rows");
  const place = PLACES_BY_NAME.get(name);
  if (place !== undefined) return placeOf(call, place, axes, keeps);
  const operator = REDUCTIONS_BY_NAME.get(name);
  if (operator === undefined) throw call.unimplemented(`its reductionOpName is ${JSON.stringify(name.slice(0, 64))}`);
  const all = axes.some((axis) => call.isAllStatic(axis));
  const { first } = call;
  const rank = staticShape(first).length;
  const places = all ? Array.from({ length: rank }, (_, i) => first.dynamic + i) : axes.map((axis) => call.axisOf(axis));
  // Nothing to reduce: a sum, product, mean or extreme of one element.
  if (places.length === 0) return first;
  const keepdims = keeps ? 1 : 0;
  if (operator !== "ReduceSum") return call.unary(operator, { axes: places, keepdims });
  return { value: call.add(operator, [first.value, call.integers(...places)], { keepdims }), dynamic: first.dynamic };
};

/** Where the greatest or least is, as a number; over all static dimensions counted in CNTK's order, which is ours reversed. */
function placeOf(call: FunctionCall, operator: string, axes: readonly StoredAxis[], keeps: boolean): NetworkValue {
  const { first } = call;
  const [axis] = axes;
  if (axes.length !== 1 || axis === undefined) throw call.unimplemented("it looks for a place along several axes");
  const all = call.isAllStatic(axis);
  if (all && keeps) throw call.unimplemented("it keeps the dimensions that it looks through");
  const input = all ? withStaticShape(call.graph, first, [staticShape(first).length === 0 ? 1 : "rest"]) : first;
  const found = call.unary(operator, { axis: all ? first.dynamic : call.axisOf(axis), keepdims: keeps ? 1 : 0 }, input);
  return call.unary("Cast", { to: elementTypeOf(first.value.dtype) }, found);
}

/** Reductions over static dimensions; those over a sequence are unpacked first. */
export const REDUCTIONS: readonly FunctionEntry[] = [
  entry(39, "ReduceElements", reduceElements, "Sum, LogSum, Mean, Max, Min, Prod, Argmax, Argmin; not over the batch"),
];
