import { ServingError } from "../base/serving-error.ts";
import type { ConstantValue } from "../model/processing.ts";
import type { DType, NumericArray } from "../tensor/dtype.ts";
import { elementCount, type Shape } from "../tensor/shape.ts";
import { packStrings } from "../tensor/string-array.ts";
import type { NumericTensor, Tensor } from "../tensor/tensor.ts";
import { integerRange, isBig, isFloat, newArray, realType } from "./numbers.ts";
import { castTensor } from "./steps/cast.ts";
import { gather } from "./vocabulary.ts";

const MOST_ELEMENTS = 16 * 1024 * 1024;

/**
 * A maker of tensors that hold a value that the file gives: the same for every element, or the elements of a row, which is all but the
 * first size where that is -1.
 * @param shape only the first size may be -1: it is the number of rows that the maker is told
 * @throws ServingError invalid-argument for a value that the type does not have, or too many or few of them.
 */
export function constantMaker(value: ConstantValue, dtype: DType, shape: Shape): (rows: number) => Tensor {
  if (shape.slice(1).some((size) => size < 0)) {
    throw invalid(`only the first size of a constant may be -1, got [${shape.join(",")}]`);
  }
  const byRow = shape[0] === -1;
  const row = byRow ? shape.slice(1) : shape;
  const count = elementCount(row);
  if (count > MOST_ELEMENTS) throw invalid(`a constant may have ${MOST_ELEMENTS} elements, got ${count}`);
  const values = Array.isArray(value) ? (value.flat(32) as ConstantValue[]) : undefined;
  if (values !== undefined && values.length !== count) {
    throw invalid(`the value has ${values.length} elements, and ${byRow ? "a row" : "the shape"} has ${count}`);
  }
  const one = tensorOf(values ?? [value], dtype);
  const repeat = values === undefined ? count : 1;
  return (rows) => ({ ...repeated(one, byRow ? rows * repeat : repeat), shape: byRow ? [rows, ...row] : row }) as Tensor;
}

function tensorOf(values: readonly ConstantValue[], dtype: DType): Tensor {
  const shape = [values.length];
  if (dtype === "string") {
    return { dtype, shape, data: packStrings(values.map((value) => scalarOf(value, ["string"], dtype) as string)) };
  }
  const real = realType(dtype);
  if (real === "bool") {
    return { dtype: real, shape, data: Uint8Array.from(values, (value) => Number(scalarOf(value, ["boolean"], dtype))) };
  }
  const numbers = values.map((value) => scalarOf(value, ["number", "bigint"], dtype) as number | bigint);
  if (isFloat(real)) {
    const given: NumericTensor = { dtype: "float64", shape, data: Float64Array.from(numbers, Number) };
    return castTensor(given, real, { rounding: "nearest", overflow: "refuse" });
  }
  const [least, most] = integerRange(real);
  const data = newArray(real, numbers.length);
  for (const [i, number] of numbers.entries()) {
    const whole = typeof number === "bigint" || Number.isSafeInteger(number) ? BigInt(number) : undefined;
    if (whole === undefined || whole < least || whole > most) throw invalid(`${number} is no ${dtype}`);
    data[i] = (isBig(real) ? whole : Number(whole)) as never;
  }
  return { dtype: real, shape, data };
}

function scalarOf(value: ConstantValue, types: readonly string[], dtype: DType): ConstantValue {
  if (types.includes(typeof value)) return value;
  throw invalid(`${JSON.stringify(String(value)).slice(0, 100)} is no ${dtype}`);
}

/** The elements of a tensor so many times, one after the other. */
function repeated(tensor: Tensor, times: number): Tensor {
  const { length } = tensor.data;
  if (tensor.dtype === "string") {
    const positions = newArray("uint32", length * times) as Uint32Array;
    for (let i = 0; i < positions.length; i++) positions[i] = i % length;
    return { ...tensor, data: gather(tensor.data, positions) };
  }
  const data: NumericArray = newArray(tensor.dtype, length * times);
  if (length === 1) data.fill(tensor.data[0] as never);
  else for (let i = 0; i < times; i++) data.set(tensor.data as never, i * length);
  return { ...tensor, data };
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
