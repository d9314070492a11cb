import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";
import { isFloating } from "../element-types.ts";

/** Numbers that are made one by one. */
const MOST_STEPS = 2 ** 22;

function ignorePlacement(call: AtenCall): void {
  call.ignore("dtype", "layout", "device", "pin_memory", "memory_format", "requires_grad", "names");
}

function filled(call: AtenCall, shape: GraphValue, value: GraphValue): GraphValue {
  return call.add("Expand", [value, shape]);
}

/** Of sizes that are an argument. */
const ofSize =
  (value: (call: AtenCall) => GraphValue) =>
  (call: AtenCall): GraphValue => {
    ignorePlacement(call);
    call.ignore("self");
    return filled(call, call.list(call.symbolicIntegers("size")), value(call));
  };

/** As large as another. */
const alike =
  (value: (call: AtenCall) => GraphValue) =>
  (call: AtenCall): GraphValue => {
    ignorePlacement(call);
    return filled(call, call.shapeOf(call.tensor("self")), value(call));
  };

const number =
  (value: number) =>
  (call: AtenCall): GraphValue =>
    call.scalar(value, call.dtype);

const given = (call: AtenCall): GraphValue => call.operand(call.all.has("fill_value") ? "fill_value" : "value", call.dtype);

/** Numbers a step apart. As torch, each is counted from the start: sums of steps would drift, and one more might fit in. */
function range(call: AtenCall): GraphValue {
  ignorePlacement(call);
  const { dtype } = call;
  if (isFloating(dtype)) return floatRange(call);
  const part = (name: string, otherwise: number) => (call.has(name) ? call.operand(name, dtype) : call.scalar(otherwise, dtype));
  if (dtype !== "int64" && dtype !== "int32") {
    throw call.refuse(`of ${dtype} it is not covered`);
  }
  return call.add("Range", [part("start", 0), part("end", 0), part("step", 1)]);
}

function floatRange(call: AtenCall): GraphValue {
  const { dtype } = call;
  const parts = { start: 0, end: 0, step: 1 };
  const names = ["start", "end", "step"] as const;
  if (names.some((name) => call.all.get(name)?.kind === "symbol")) {
    const whole = (name: (typeof names)[number]) => {
      const part = call.symbolicInteger(name) ?? parts[name];
      if (typeof part !== "number") return part;
      if (!Number.isInteger(part)) throw call.refuse("steps that are no whole numbers up to a dynamic size are not covered");
      return call.graph.scalar("int64", part);
    };
    return call.cast(call.add("Range", names.map(whole)), dtype);
  }
  for (const name of names) parts[name] = call.number(name, parts[name]);
  const count = Math.max(0, Math.ceil((parts.end - parts.start) / parts.step));
  if (!(count <= MOST_STEPS)) throw call.refuse(`${count} steps are not covered`);
  return call.floats(
    Array.from({ length: count }, (_, i) => parts.start + i * parts.step),
    dtype,
  );
}

function linearSpace(call: AtenCall): GraphValue {
  ignorePlacement(call);
  const { dtype } = call;
  const [start, end, steps] = [call.number("start"), call.number("end"), call.integer("steps")];
  if (steps < 0 || steps > MOST_STEPS) throw call.refuse(`${steps} steps are not covered`);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // From both ends, as torch counts.
  const values = Array.from({ length: steps }, (_, i) => (i < steps / 2 ? start + step * i : end - step * (steps - 1 - i)));
  return call.floats(values, dtype);
}

function eye(call: AtenCall): GraphValue {
  ignorePlacement(call);
  const rows = call.integer("n");
  const columns = call.integer("m", rows);
  const zeros = filled(call, call.integers(rows, columns), call.scalar(0, "float32"));
  return call.cast(call.add("EyeLike", [zeros]), call.dtype);
}

/** New tensors. */
export const CREATION: readonly OperatorEntry[] = [
  operator("zeros new_zeros empty.memory_format new_empty", ofSize(number(0)), "what is empty is 0"),
  operator("ones new_ones", ofSize(number(1))),
  operator("full new_full", ofSize(given)),
  operator("zeros_like empty_like", alike(number(0)), "what is empty is 0"),
  operator("ones_like", alike(number(1))),
  operator("full_like", alike(given)),
  operator("fill fill_", alike(given)),
  operator("zero zero_", alike(number(0))),
  operator("copy copy_", (call) => {
    call.ignore("non_blocking");
    const self = call.tensor("self");
    return filled(call, call.shapeOf(self), call.cast(call.tensor("src"), call.dtype));
  }),
  operator("arange", range),
  operator("linspace", linearSpace),
  operator("eye", eye),
  operator("scalar_tensor", (call) => {
    ignorePlacement(call);
    return call.operand("s", call.dtype);
  }),
];
