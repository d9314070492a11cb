import { ServingError } from "../../base/serving-error.ts";
import type { NumericArray } from "../../tensor/dtype.ts";
import type { NumericTensor, Tensor } from "../../tensor/tensor.ts";
import { isBig, newArray, numbersOf, realType } from "../numbers.ts";
import type { Planner } from "../step.ts";
import { unaryPlan } from "../step.ts";
import { around, axisOf, knownShape, type ValueInfo } from "../value-info.ts";
import { gather } from "../vocabulary.ts";

/** Up to so many, those found so far are kept in order; beyond, positions are sorted. */
const FEW = 64;

/** The position of the largest number along an axis, which goes: int64, the first of equals; of NaNs, the first. */
export const planArgmax: Planner<"argmax"> = ({ input, output, axis = -1 }, scope) => {
  const source = scope.read(input);
  realType(source.dtype);
  const shape = knownShape(source);
  const along = axisOf(shape, axis);
  if (shape[along] === 0) throw invalid(`axis ${along} has no positions`);
  return unaryPlan(source, output, { dtype: "int64", shape: shape.toSpliced(along, 1) }, (tensor) => {
    const numbers = comparable(tensor as NumericTensor);
    const [outer, size, inner] = around(tensor.shape, along);
    if (size === 0) throw invalid(`axis ${along} has no positions`);
    const data = newArray("int64", outer * inner) as BigInt64Array;
    for (let i = 0; i < data.length; i++) {
      const start = Math.floor(i / inner) * size * inner + (i % inner);
      data[i] = BigInt(positionOfLargest(numbers, start, size, inner));
    }
    return { dtype: "int64", shape: tensor.shape.toSpliced(along, 1), data };
  });
};

function positionOfLargest(numbers: NumericArray, start: number, size: number, stride: number): number {
  let found = 0;
  let most = numbers[start]!;
  for (let i = 1; i < size && !Number.isNaN(most); i++) {
    const number = numbers[start + i * stride]!;
    if (number > most || Number.isNaN(number)) {
      most = number;
      found = i;
    }
  }
  return found;
}

/** The k largest of the last axis, the largest first and of equals the first; NaNs come last. */
export const planTopK: Planner<"top_k"> = (step, scope) => {
  const { input, k, values = "values", indices = "indices", labels = "labels", vocabulary } = step;
  const source = scope.read(input);
  realType(source.dtype);
  const shape = knownShape(source);
  const along = axisOf(shape, -1);
  const size = shape[along]!;
  if (size >= 0 && k > size) throw invalid(`k is ${k}, and the last axis has ${size} positions`);
  const names = vocabulary === undefined ? undefined : scope.vocabulary(vocabulary);
  if (step.labels !== undefined && names === undefined) throw invalid("labels need a vocabulary");
  if (names !== undefined && size >= 0 && names.entries.length !== size) {
    throw invalid(
      `${names.name} has ${names.entries.length} entries, and the last axis of "${source.alias}" has ${size} positions`,
    );
  }
  const made = [...shape.slice(0, -1), k];
  const makes: [string, ValueInfo][] = [
    [values, { dtype: source.dtype, shape: made }],
    [indices, { dtype: "int64", shape: made }],
  ];
  if (names !== undefined) makes.push([labels, { dtype: "string", shape: made }]);
  if (new Set(makes.map(([alias]) => alias)).size < makes.length)
    throw invalid("values, indices and labels need different names");
  return {
    reads: [source.alias],
    makes,
    run: ([tensor]) => {
      const { dtype, data } = tensor as NumericTensor;
      const found = largestPositions(tensor as NumericTensor, k);
      const actual = [...tensor!.shape.slice(0, -1), k];
      const width = tensor!.shape.at(-1)!;
      const most = newArray(dtype, found.length);
      for (let i = 0; i < found.length; i++) most[i] = data[Math.floor(i / k) * width + found[i]!] as never;
      const results: Tensor[] = [
        { dtype, shape: actual, data: most },
        { dtype: "int64", shape: actual, data: BigInt64Array.from(found, BigInt) },
      ];
      if (names !== undefined) {
        if (width !== names.entries.length) {
          throw invalid(`${names.name} has ${names.entries.length} entries, and the last axis has ${width} positions`);
        }
        results.push({ dtype: "string", shape: actual, data: gather(names.entries, found) });
      }
      return results;
    },
  };
};

/** For each row of the last axis, where its k largest are. */
function largestPositions(tensor: NumericTensor, k: number): Uint32Array {
  const size = tensor.shape.at(-1)!;
  if (k > size) throw invalid(`k is ${k}, and the last axis has ${size} positions`);
  const rows = tensor.data.length / size;
  const found = newArray("uint32", rows * k) as Uint32Array;
  const numbers = comparable(tensor);
  for (let row = 0; row < rows; row++) {
    const taken = found.subarray(row * k, (row + 1) * k);
    if (k <= FEW) keepLargest(numbers, row * size, size, taken);
    else taken.set(sortedPositions(numbers, row * size, size).subarray(0, k));
  }
  return found;
}

function keepLargest(numbers: NumericArray, start: number, size: number, taken: Uint32Array): void {
  const k = taken.length;
  let count = 0;
  for (let i = 0; i < size; i++) {
    const number = numbers[start + i]!;
    if (count === k && !isBefore(number, numbers[start + taken[k - 1]!]!)) continue;
    let at = count < k ? count++ : k - 1;
    for (; at > 0 && isBefore(number, numbers[start + taken[at - 1]!]!); at--) taken[at] = taken[at - 1]!;
    taken[at] = i;
  }
}

function sortedPositions(numbers: NumericArray, start: number, size: number): Uint32Array {
  const positions = Uint32Array.from({ length: size }, (_, i) => i);
  return positions.sort((a, b) => {
    const [one, other] = [numbers[start + a]!, numbers[start + b]!];
    return isBefore(one, other) ? -1 : isBefore(other, one) ? 1 : a - b;
  });
}

/** Whether a number comes before another: it is larger, or the other is NaN and it is not. */
function isBefore(number: number | bigint, other: number | bigint): boolean {
  return number > other || (Number.isNaN(other) && !Number.isNaN(number));
}

/** The numbers with their own order: 64-bit integers exactly. */
function comparable(tensor: NumericTensor): NumericArray {
  return isBig(tensor.dtype) ? tensor.data : numbersOf(tensor);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
