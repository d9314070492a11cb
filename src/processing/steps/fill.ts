import { ServingError } from "../../base/serving-error.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { StringTensor, Tensor } from "../../tensor/tensor.ts";
import { constantMaker } from "../constant.ts";
import { newArray, realType } from "../numbers.ts";
import { type Planner, unaryPlan } from "../step.ts";
import { around, axisOf, knownShape } from "../value-info.ts";
import { gather } from "../vocabulary.ts";

/** A tensor that is the same for every request, but for the number of its rows. */
export const planConstant: Planner<"constant"> = ({ output, value, dtype, shape }, scope) => {
  const target = scope.target(output);
  const type = dtype ?? target?.dtype;
  const sizes = shape ?? target?.shape;
  if (type === undefined || sizes === undefined) {
    throw invalid(`the model has no input "${output}" that would tell: expected dtype and shape`);
  }
  const make = constantMaker(value, type, sizes);
  return { reads: [], makes: [[output, { dtype: type, shape: sizes }]], run: (_, { rows }) => [make(rows)] };
};

/** One axis made so long: filled up at one side, or cut there. */
export const planPad: Planner<"pad"> = ({ input, output, length, value, side = "right", axis = 1 }, scope) => {
  const source = scope.read(input);
  const shape = knownShape(source);
  const along = axisOf(shape, axis);
  if (source.dtype !== "string") realType(source.dtype);
  const fill = constantMaker(value ?? emptyOf(source.dtype), source.dtype, [1])(1);
  const info = { dtype: source.dtype, shape: shape.with(along, length) };
  return unaryPlan(source, output, info, (tensor) => {
    const [outer, size, inner] = around(tensor.shape, along);
    if (size === length) return tensor;
    const made = tensor.shape.with(along, length);
    const kept = Math.min(size, length);
    const [from, to] = side === "right" ? [0, 0] : [size - kept, length - kept];
    const copy = { outer, inner, size, length, kept, from, to };
    return tensor.dtype === "string"
      ? padStrings(tensor, fill as StringTensor, made, copy)
      : padNumbers(tensor, fill, made, copy);
  });
};

/** What is copied of an axis, and where to. */
interface AxisCopy {
  readonly outer: number;
  readonly inner: number;
  readonly size: number;
  readonly length: number;
  readonly kept: number;
  readonly from: number;
  readonly to: number;
}

function padNumbers(tensor: Tensor, fill: Tensor, shape: readonly number[], copy: AxisCopy): Tensor {
  const { outer, inner, size, length, kept, from, to } = copy;
  if (tensor.dtype === "string" || fill.dtype === "string") throw new TypeError("numbers are padded with numbers");
  const data = newArray(tensor.dtype, elementCount(shape));
  if (kept < length) data.fill(fill.data[0] as never);
  for (let block = 0; block < outer; block++) {
    const start = (block * size + from) * inner;
    data.set(tensor.data.subarray(start, start + kept * inner) as never, (block * length + to) * inner);
  }
  return { dtype: tensor.dtype, shape, data };
}

function padStrings({ data }: StringTensor, fill: StringTensor, shape: readonly number[], copy: AxisCopy): Tensor {
  const { outer, inner, size, length, kept, from, to } = copy;
  // What is filled in is one string more, behind the others.
  const added = fill.data.bytes;
  const offsets = new Uint32Array(data.length + 2);
  offsets.set(data.offsets);
  const end = data.offsets[data.length]!;
  const bytes = new Uint8Array(end + added.length);
  bytes.set(data.bytes.subarray(0, end));
  bytes.set(added, end);
  offsets[data.length + 1] = bytes.length;
  const positions = newArray("uint32", elementCount(shape)) as Uint32Array;
  positions.fill(data.length);
  for (let block = 0; block < outer; block++) {
    for (let i = 0; i < kept * inner; i++) {
      positions[(block * length + to) * inner + i] = (block * size + from) * inner + i;
    }
  }
  return { dtype: "string", shape, data: gather({ length: data.length + 1, offsets, bytes }, positions) };
}

function emptyOf(dtype: string): string | number | boolean {
  if (dtype === "string") return "";
  return dtype === "bool" ? false : 0;
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
