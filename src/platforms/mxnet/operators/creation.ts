import type { GraphValue } from "../../../graph/graph-value.ts";
import { elementCount } from "../../../tensor/shape.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";
import { range } from "./normalization.ts";

/** Most elements of a tensor that is made of nothing but settings. */
const MOST_ELEMENTS = 2 ** 20;

/**
 * A tensor of one value. A size of 0 or less was left to MXNet to find, mostly the batch; as 1 it fits any by broadcasting.
 */
const filled =
  (value: (call: OperatorCall) => number): Translate =>
  (call) => {
    const dtype = call.attributes.dtype("dtype") ?? "float32";
    const shape = (call.attributes.integers("shape") ?? [1]).map((size) => (size <= 0 ? 1 : size));
    if (elementCount(shape) > MOST_ELEMENTS) throw call.refuse(`a tensor of shape (${shape.join(", ")}) is too large`);
    return call.add("Expand", [call.scalar(value(call), { dtype }), call.graph.integers(shape)]);
  };

function sequence(call: OperatorCall, values: readonly number[]): GraphValue {
  const dtype = call.attributes.dtype("dtype") ?? "float32";
  return call.cast(call.graph.constant("float64", [values.length], Float64Array.from(values)), dtype);
}

const arange: Translate = (call) => {
  const { attributes } = call;
  const given = attributes.number("start", 0);
  const stop = attributes.maybeNumber("stop");
  const step = attributes.number("step", 1);
  const times = attributes.integer("repeat", 1);
  if (attributes.boolean("infer_range", false)) throw call.refuse("infer_range is not covered");
  const [start, end] = stop === undefined ? [0, given] : [given, stop];
  const count = Math.ceil((end - start) / step);
  if (!(times > 0 && count * times <= MOST_ELEMENTS && count >= 0))
    throw call.refuse("it gives no list, or one that is too long");
  return sequence(
    call,
    Array.from({ length: count * times }, (_, i) => start + Math.floor(i / times) * step),
  );
};

/** As many numbers as a tensor has elements, or as it is long along an axis. */
const arangeLike: Translate = (call) => {
  const { attributes, data } = call;
  const start = attributes.number("start", 0);
  const step = attributes.number("step", 1);
  if (attributes.integer("repeat", 1) !== 1) throw call.refuse("repeat is not covered");
  const axis = attributes.maybeInteger("axis");
  const count = axis === undefined ? call.reshape(call.add("Size", [data]), [1]) : call.sizeOf(data, axis);
  const numbers = call.cast(range(call, count), data.dtype);
  const values = call.add("Add", [call.add("Mul", [numbers, call.scalar(step, data)]), call.scalar(start, data)]);
  return axis === undefined ? call.reshape(values, call.shapeOf(data)) : values;
};

const eye: Translate = (call) => {
  const { attributes } = call;
  const rows = attributes.integer("N");
  const columns = attributes.integer("M", 0) || rows;
  const above = attributes.integer("k", 0);
  const dtype = attributes.dtype("dtype") ?? "float32";
  if (!(rows > 0 && columns > 0 && rows * columns <= MOST_ELEMENTS))
    throw call.refuse(`a matrix of ${rows} x ${columns} is not covered`);
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const column = row + above;
    if (column >= 0 && column < columns) values[row * columns + column] = 1;
  }
  return call.cast(call.graph.constant("float32", [rows, columns], values), dtype);
};

/** Tensors made of settings. */
export const CREATION: readonly OperatorEntry[] = [
  operator(
    "_zeros _npi_zeros",
    filled(() => 0),
  ),
  operator(
    "_ones _npi_ones",
    filled(() => 1),
  ),
  operator(
    "_full _npi_full",
    filled((call) => call.attributes.number("value", 0)),
  ),
  operator("_arange _npi_arange", arange),
  operator("_contrib_arange_like", arangeLike, "not: repeat"),
  operator("_eye", eye),
];
