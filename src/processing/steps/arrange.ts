import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import { type DeclaredShape, elementCount, type Shape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { newArray } from "../numbers.ts";
import { type NamedInfo, type Planner, type StepPlan, unaryPlan } from "../step.ts";
import { describeInfo, knownShape } from "../value-info.ts";
import { gather } from "../vocabulary.ts";

/** Another name. */
export const planRename: Planner<"rename"> = ({ input, output }, scope) => {
  const { alias, ...info } = scope.read(input);
  if (output === undefined) throw invalid("output is missing");
  if (output === alias) throw invalid(`"${alias}" has this name already`);
  return { reads: [alias], makes: [[output, info]], removes: alias, run: (tensors) => tensors };
};

/** The same rows in another shape. */
export const planReshape: Planner<"reshape"> = ({ input, output, shape }, scope) => {
  const source = scope.read(input);
  const [rows, ...row] = shape as readonly [number, ...number[]];
  const given = source.shape?.[0];
  if (source.shape?.length === 0) throw invalid("a scalar has no rows");
  if (rows !== -1 && rows !== given) {
    throw invalid(`the first size is that of the rows: write ${given === undefined || given < 0 ? -1 : given}, not ${rows}`);
  }
  if (row.filter((size) => size < 0).length > 1) throw invalid("more than one size besides the first is -1");
  const elements = elementsOfRow(source.shape);
  const sized = sizedRow(row, elements);
  if (sized === undefined) throw doesNotFit(source.shape!, shape);
  const made = [given ?? -1, ...sized];
  return unaryPlan(source, output, { dtype: source.dtype, shape: made }, (tensor) => {
    const actual = sizedRow(row, elementsOfRow(tensor.shape));
    if (tensor.shape.length === 0 || actual === undefined) throw doesNotFit(tensor.shape, shape);
    return { ...tensor, shape: [tensor.shape[0]!, ...actual] } as Tensor;
  });
};

/** Elements of a row; undefined while that is open. */
function elementsOfRow(shape: DeclaredShape): number | undefined {
  const row = shape?.slice(1);
  return row === undefined || row.some((size) => size < 0) ? undefined : elementCount(row);
}

/** The sizes of a row of so many elements, -1 worked out where that can be; undefined when they do not fit. */
function sizedRow(row: Shape, elements: number | undefined): Shape | undefined {
  if (elements === undefined) return row;
  const known = row.reduce((product, size) => (size < 0 ? product : product * size), 1);
  if (!row.includes(-1)) return known === elements ? row : undefined;
  if (known === 0 || elements % known !== 0) return undefined;
  return row.map((size) => (size < 0 ? elements / known : size));
}

/** Axes in another order; the first stays. */
export const planTranspose: Planner<"transpose"> = ({ input, output, axes }, scope) => {
  const source = scope.read(input);
  if (axes[0] !== 0) throw invalid("the first axis, that of the rows, stays the first: axes begin with 0");
  if (new Set(axes).size !== axes.length || axes.some((axis) => axis >= axes.length)) {
    throw invalid(`axes are each number from 0 to ${axes.length - 1} once, got ${axes.join(", ")}`);
  }
  return transposed(source, output, axes);
};

/** Images from one layout to the other. */
export const planLayout: Planner<"layout"> = ({ input, output, to }, scope) => {
  const source = scope.read(input);
  return transposed(source, output, to === "NCHW" ? [0, 3, 1, 2] : [0, 2, 3, 1]);
};

function transposed(source: NamedInfo, output: string | undefined, axes: readonly number[]): StepPlan {
  const shape = knownShape(source);
  if (shape.length !== axes.length) {
    throw invalid(`it takes ${axes.length} axes, and "${source.alias}" is ${describeInfo(source)}`);
  }
  const info = { dtype: source.dtype, shape: axes.map((axis) => shape[axis]!) };
  return unaryPlan(source, output, info, (tensor) => transposeTensor(tensor, axes));
}

function transposeTensor(tensor: Tensor, axes: readonly number[]): Tensor {
  const { shape } = tensor;
  const made = axes.map((axis) => shape[axis]!);
  const sources = sourcesOf(shape, axes);
  if (tensor.dtype === "string") return { dtype: "string", shape: made, data: gather(tensor.data, sources) };
  const { dtype, data } = tensor;
  const { width } = ARRAY_TYPES[dtype];
  const moved = newArray(dtype, data.length);
  if (width === 1) for (let i = 0; i < sources.length; i++) moved[i] = data[sources[i]!] as never;
  else {
    for (let i = 0; i < sources.length; i++) {
      moved[2 * i] = data[2 * sources[i]!] as never;
      moved[2 * i + 1] = data[2 * sources[i]! + 1] as never;
    }
  }
  return { dtype, shape: made, data: moved };
}

/** Where each element of the transposed tensor is taken from. */
function sourcesOf(shape: Shape, axes: readonly number[]): Uint32Array {
  const count = elementCount(shape);
  const sources = newArray("uint32", count) as Uint32Array;
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  const sizes = axes.map((axis) => shape[axis]!);
  const steps = axes.map((axis) => strides[axis]!);
  const last = sizes.length - 1;
  const position = sizes.map(() => 0);
  const [inner, step] = [sizes[last]!, steps[last]!];
  let start = 0;
  for (let i = 0; i < count; ) {
    for (let j = 0; j < inner; j++) sources[i++] = start + j * step;
    for (let axis = last - 1; axis >= 0; axis--) {
      start += steps[axis]!;
      if (++position[axis]! < sizes[axis]!) break;
      start -= steps[axis]! * sizes[axis]!;
      position[axis] = 0;
    }
  }
  return sources;
}

function doesNotFit(from: Shape, to: Shape): ServingError {
  return invalid(`rows of [${from.join(",")}] do not have the elements of [${to.join(",")}]`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
