import { ServingError } from "../../base/serving-error.ts";
import type { DType, NumericDType } from "../../tensor/dtype.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import type { NumericTensor, StringTensor, Tensor } from "../../tensor/tensor.ts";
import { newArray, type RealDType, realType, requireRoom } from "../numbers.ts";
import type { Planner } from "../step.ts";
import { describeInfo, knownShape, type ValueInfo } from "../value-info.ts";
import { gather } from "../vocabulary.ts";
import { castTensor } from "./cast.ts";

const REFUSING = { rounding: "truncate", overflow: "refuse" } as const;

/** Columns side by side, in the order that they are named in. */
export const planConcat: Planner<"concat"> = ({ inputs, output, dtype }, scope) => {
  const sources = inputs.map((alias) => scope.read(alias));
  const types = [...new Set(sources.map((source) => source.dtype))];
  if (dtype === undefined && types.length > 1) {
    throw invalid(`its inputs are ${types.join(" and ")}: name the dtype that all become`);
  }
  if (dtype !== undefined || types[0] !== "string") for (const each of types) realType(each);
  const to = dtype ?? types[0]!;
  let width = 0;
  for (const source of sources) {
    const shape = knownShape(source);
    if (shape.length !== 1 && shape.length !== 2) {
      throw invalid(`it takes columns, [-1] or [-1,n], and "${source.alias}" is ${describeInfo(source)}`);
    }
    const columns = shape[1] ?? 1;
    width = columns < 0 || width < 0 ? -1 : width + columns;
  }
  const info = { dtype: to, shape: [sources[0]!.shape![0]!, width] };
  return { reads: inputs, makes: [[output, info]], run: (tensors) => [concatenated(tensors, inputs, to)] };
};

function concatenated(tensors: readonly Tensor[], aliases: readonly string[], to: DType): Tensor {
  const rows = tensors[0]!.shape[0]!;
  let width = 0;
  for (const [i, { shape }] of tensors.entries()) {
    if (shape[0] !== rows) throw invalid(`"${aliases[i]}" has ${shape[0]} rows, and "${aliases[0]}" has ${rows}`);
    width += shape[1] ?? 1;
  }
  const shape = [rows, width];
  if (to === "string") return { dtype: "string", shape, data: joinedStrings(tensors as readonly StringTensor[], rows, width) };
  const data = newArray(to, rows * width);
  let column = 0;
  for (const tensor of tensors) {
    const columns = tensor.shape[1] ?? 1;
    const cast = castTensor(tensor as NumericTensor, to as RealDType, REFUSING).data;
    for (let row = 0, from = 0; row < rows; row++) {
      for (let i = 0; i < columns; i++) data[row * width + column + i] = cast[from++] as never;
    }
    column += columns;
  }
  return { dtype: to, shape, data };
}

function joinedStrings(tensors: readonly StringTensor[], rows: number, width: number): StringArray {
  const offsets = new Uint32Array(rows * width + 1);
  const total = tensors.reduce((sum, { data: { offsets, length } }) => sum + offsets[length]! - offsets[0]!, 0);
  requireRoom(total);
  const bytes = new Uint8Array(total);
  const positions = newArray("uint32", rows * width) as Uint32Array;
  let [count, end, column] = [0, 0, 0];
  for (const { data, shape } of tensors) {
    const columns = shape[1] ?? 1;
    const base = data.offsets[0]!;
    bytes.set(data.bytes.subarray(base, data.offsets[data.length]), end);
    for (let i = 0; i < data.length; i++) {
      positions[Math.floor(i / columns) * width + column + (i % columns)] = count + i;
      offsets[count + i + 1] = end + data.offsets[i + 1]! - base;
    }
    count += data.length;
    end += data.offsets[data.length]! - base;
    column += columns;
  }
  return gather({ length: count, offsets, bytes }, positions);
}

/** A matrix taken apart: a column each, or so many columns each as the sizes say. */
export const planSplit: Planner<"split"> = ({ input, outputs, sizes }, scope) => {
  const source = scope.read(input);
  const shape = knownShape(source);
  if (shape.length !== 2) throw invalid(`it takes a matrix, and "${source.alias}" is ${describeInfo(source)}`);
  if (source.dtype !== "string") realType(source.dtype);
  if (sizes !== undefined && sizes.length !== outputs.length) {
    throw invalid(`there are ${sizes.length} sizes for ${outputs.length} outputs`);
  }
  if (new Set(outputs).size < outputs.length) throw invalid("its outputs need different names");
  const width = sizes?.reduce((sum, size) => sum + size, 0) ?? outputs.length;
  if (shape[1]! >= 0 && shape[1] !== width) {
    throw invalid(`"${source.alias}" has ${shape[1]} columns, and the outputs take ${width}`);
  }
  const makes = outputs.map((alias, i): [string, ValueInfo] => [
    alias,
    { dtype: source.dtype, shape: sizes === undefined ? [shape[0]!] : [shape[0]!, sizes[i]!] },
  ]);
  return {
    reads: [source.alias],
    makes,
    run: ([tensor]) => {
      if (tensor!.shape[1] !== width) throw invalid(`it has ${tensor!.shape[1]} columns, and the outputs take ${width}`);
      let column = 0;
      return outputs.map((_, i) => {
        const columns = sizes?.[i] ?? 1;
        const made = columnsOf(tensor!, column, columns, sizes === undefined);
        column += columns;
        return made;
      });
    },
  };
};

function columnsOf(tensor: Tensor, first: number, columns: number, flat: boolean): Tensor {
  const [rows, width] = tensor.shape as readonly [number, number];
  const shape = flat ? [rows] : [rows, columns];
  const positions = newArray("uint32", rows * columns) as Uint32Array;
  for (let i = 0; i < positions.length; i++) positions[i] = Math.floor(i / columns) * width + first + (i % columns);
  if (tensor.dtype === "string") return { dtype: "string", shape, data: gather(tensor.data, positions) };
  const dtype: NumericDType = realType(tensor.dtype);
  const data = newArray(dtype, positions.length);
  for (let i = 0; i < positions.length; i++) data[i] = tensor.data[positions[i]!] as never;
  return { dtype, shape, data };
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
