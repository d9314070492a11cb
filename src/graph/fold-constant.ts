import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../tensor/dtype.ts";
import { elementCount, type Shape } from "../tensor/shape.ts";
import type { Attributes } from "./graph-node.ts";
import { GraphValue } from "./graph-value.ts";
import { integerOf, integersOf, type ValueType } from "./node-view.ts";

/** Constants of more elements are left to the engine. */
const MOST_ELEMENTS = 4096;

type Constant = Omit<GraphValue, "shape"> & { readonly constant: NumericArray; readonly shape: Shape };

/**
 * What a node gives, where that can be told now: shapes of known tensors, and small constants put in another form or computed with.
 * Undefined for everything else.
 */
export function foldConstant(
  operator: string,
  inputs: readonly (GraphValue | undefined)[],
  attributes: Attributes,
  type: ValueType,
): GraphValue | undefined {
  const [first] = inputs;
  if (operator === "Shape" && first?.shape?.every((size) => typeof size === "number")) {
    const data = BigInt64Array.from(first.shape, (size) => BigInt(size as number));
    return new GraphValue("int64", [data.length], { constant: data });
  }
  const constants = inputs.filter((each) => each !== undefined);
  if (constants.length === 0 || !constants.every(isSmallConstant)) return undefined;
  const shape = type.shape;
  if (type.dtype === "string" || !shape?.every((size): size is number => typeof size === "number")) return undefined;
  const data = compute(operator, constants, attributes, type.dtype);
  if (data === undefined || data.length !== elementCount(shape)) return undefined;
  return new GraphValue(type.dtype, shape, { constant: data });
}

function isSmallConstant(value: GraphValue): value is GraphValue & Constant {
  const { constant, dtype, shape } = value;
  if (constant === undefined || dtype === "string" || ARRAY_TYPES[dtype as NumericDType].width !== 1) return false;
  return constant.length <= MOST_ELEMENTS && (shape?.every((size) => typeof size === "number") ?? false);
}

function compute(
  operator: string,
  inputs: readonly Constant[],
  attributes: Attributes,
  dtype: NumericDType,
): NumericArray | undefined {
  const [first, second] = inputs;
  switch (operator) {
    case "Identity":
    case "Reshape":
    case "Flatten":
    case "Squeeze":
    case "Unsqueeze":
      return first!.constant;
    case "Transpose":
      return transposed(first!, integersOf(attributes, "perm"));
    case "Cast":
      return cast(first!, dtype);
    case "Concat":
      return first!.shape.length === 1 ? joined(inputs, dtype) : undefined;
    case "Gather":
      return first!.shape.length === 1 && integerOf(attributes, "axis", 0) === 0 ? gathered(first!, second!, dtype) : undefined;
    case "Slice":
      return inputs.length <= 4 && first!.shape.length === 1 ? sliced(first!, inputs) : undefined;
    case "Add":
    case "Sub":
    case "Mul":
      return integral(dtype) ? combined(operator, first!, second!, dtype) : undefined;
    default:
      return undefined;
  }
}

function transposed({ constant, shape, dtype }: Constant, order: readonly number[] | undefined): NumericArray {
  const axes = order ?? shape.map((_, i) => shape.length - 1 - i);
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const result = new ARRAY_TYPES[dtype as NumericDType].array(constant.length);
  const index = axes.map(() => 0);
  for (let to = 0; to < result.length; to++) {
    const from = axes.reduce((sum, axis, i) => sum + index[i]! * strides[axis]!, 0);
    result[to] = constant[from]!;
    for (let i = axes.length - 1; i >= 0; i--) {
      if (++index[i]! < shape[axes[i]!]!) break;
      index[i] = 0;
    }
  }
  return result;
}

const INTEGERS: ReadonlySet<NumericDType> = new Set(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]);
const FLOATS: ReadonlySet<string> = new Set(["float32", "float64"]);

function integral(dtype: NumericDType): boolean {
  return INTEGERS.has(dtype);
}

/** Exact casts only: what rounds or wraps is the engine's to do in its own way. */
function cast({ constant, dtype }: Constant, to: NumericDType): NumericArray | undefined {
  const known = (each: string) => INTEGERS.has(each as NumericDType) || FLOATS.has(each);
  if (!known(dtype) || !known(to)) return undefined;
  const result = new ARRAY_TYPES[to].array(constant.length);
  for (let i = 0; i < constant.length; i++) {
    const value = constant[i]!;
    if (typeof value === "number" && !Number.isInteger(value) && integral(to)) return undefined;
    result[i] = result instanceof BigInt64Array || result instanceof BigUint64Array ? BigInt(value) : Number(value);
    if (Number(result[i]) !== Number(value)) return undefined;
  }
  return result;
}

function joined(inputs: readonly Constant[], dtype: NumericDType): NumericArray {
  const result = new ARRAY_TYPES[dtype].array(inputs.reduce((sum, { constant }) => sum + constant.length, 0));
  let at = 0;
  for (const { constant } of inputs) {
    for (const value of constant) result[at++] = value;
  }
  return result;
}

function gathered({ constant }: Constant, indices: Constant, dtype: NumericDType): NumericArray | undefined {
  const result = new ARRAY_TYPES[dtype].array(indices.constant.length);
  for (let i = 0; i < result.length; i++) {
    const index = Number(indices.constant[i]);
    const value = constant[index < 0 ? index + constant.length : index];
    if (value === undefined) return undefined;
    result[i] = value;
  }
  return result;
}

function sliced({ constant }: Constant, [, starts, ends]: readonly Constant[]): NumericArray {
  return constant.slice(Number(starts!.constant[0]), Number(ends!.constant[0])) as NumericArray;
}

function combined(operator: "Add" | "Sub" | "Mul", a: Constant, b: Constant, dtype: NumericDType): NumericArray | undefined {
  const length = Math.max(a.constant.length, b.constant.length);
  if (![a, b].every(({ constant }) => constant.length === length || constant.length === 1)) return undefined;
  const result = new ARRAY_TYPES[dtype].array(length);
  for (let i = 0; i < length; i++) {
    const [left, right] = [a, b].map(({ constant }) => BigInt(constant[constant.length === 1 ? 0 : i]!)) as [bigint, bigint];
    const value = operator === "Add" ? left + right : operator === "Sub" ? left - right : left * right;
    result[i] = result instanceof BigInt64Array || result instanceof BigUint64Array ? value : Number(value);
  }
  return result;
}
