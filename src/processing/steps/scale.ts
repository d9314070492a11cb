import { ServingError } from "../../base/serving-error.ts";
import type { NumberOrList } from "../../model/processing.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { NumericTensor } from "../../tensor/tensor.ts";
import { floatFor, isFloat, newReals, numbersOf, type PlainArray, packReals, type RealDType, realType } from "../numbers.ts";
import { type NamedInfo, type Planner, type StepPlan, type StepScope, unaryPlan } from "../step.ts";
import { around, axisOf, knownShape } from "../value-info.ts";

/** Numbers of 8 bits are so few that each result is worked out once. */
const TABLED: ReadonlySet<DType> = new Set<DType>(["uint8", "int8", "bool"]);
const BYTE_VALUES = 256;

/** `((x * times / over - less) / by) * factor + more`, computed in float64 and rounded once; `less` and `by` by position of the axis. */
interface Formula {
  readonly times: number;
  readonly over: number;
  readonly less: Float64Array;
  readonly by: Float64Array;
  readonly factor: number;
  readonly more: number;
}

/** `(x * scale - mean) / std`. */
export const planNormalize: Planner<"normalize"> = (step, scope) => {
  const { scale = 1, mean = 0, std = 1 } = step;
  const [times, over] = typeof scale === "number" ? [scale, 1] : (scale.split("/").map(Number) as [number, number]);
  if (over === 0) throw invalid("scale divides by 0");
  if ([std].flat().includes(0)) throw invalid("std must not be 0");
  // Adding -0 changes no number, which adding 0 does to -0.
  const constants = { times, over, factor: 1, more: -0 };
  return perPosition(step, { mean, std }, scope, (positions) => {
    return { ...constants, less: spread(mean, positions), by: spread(std, positions) };
  });
};

/** From `[min, max]` to `[0, 1]` or another range. */
export const planMinMax: Planner<"min_max"> = (step, scope) => {
  const { min, max, to: [low, high] = [0, 1] } = step;
  return perPosition(step, { min, max }, scope, (positions) => {
    const [less, by] = [spread(min, positions), spread(max, positions)];
    for (let i = 0; i < positions; i++) {
      if (!(less[i]! < by[i]!)) throw invalid("each min must be below its max");
      by[i] = by[i]! - less[i]!;
    }
    return { times: 1, over: 1, less, by, factor: high - low, more: low === 0 ? -0 : low };
  });
};

function spread(numbers: NumberOrList, positions: number): Float64Array {
  return typeof numbers === "number" ? new Float64Array(positions).fill(numbers) : Float64Array.from(numbers);
}

interface Scaling {
  readonly input?: string | undefined;
  readonly output?: string | undefined;
  readonly axis?: number;
  readonly dtype?: DType;
}

function perPosition(
  { input, output, axis, dtype }: Scaling,
  lists: Readonly<Record<string, NumberOrList>>,
  scope: StepScope,
  formulaOf: (positions: number) => Formula,
): StepPlan {
  const source = scope.read(input);
  const from = realType(source.dtype);
  const to = dtype === undefined ? floatFor(from) : realType(dtype);
  if (!isFloat(to)) throw invalid(`dtype must be a float type, got ${to}`);
  const listed = Object.values(lists).some((list) => typeof list !== "number");
  if (axis !== undefined) axisOf(knownShape(source), axis);
  const along = listed ? axisOf(knownShape(source), axis ?? -1) : undefined;
  const positions = along === undefined ? 1 : checkLengths(source, along, lists);
  const formula = formulaOf(positions);
  const table = TABLED.has(from) ? tableOf(formula, from, to) : undefined;
  return unaryPlan(source, output, { ...source, dtype: to }, (tensor) => {
    const { shape, data } = tensor as NumericTensor;
    if (along !== undefined && shape[along] !== positions) {
      throw invalid(`axis ${along} has ${shape[along]} positions, and there are ${positions} numbers for it`);
    }
    const run = along === undefined ? data.length : around(shape, along)[2];
    const reals = newReals(to, data.length);
    if (table === undefined) scaleInto(reals, numbersOf(tensor as NumericTensor), formula, run);
    else lookUpInto(reals, new Uint8Array(data.buffer, data.byteOffset, data.length), table, run);
    return { dtype: to, shape, data: packReals(to, reals) };
  });
}

/** How many positions have numbers of their own. */
function checkLengths(source: NamedInfo, along: number, lists: Readonly<Record<string, NumberOrList>>): number {
  let positions: number | undefined;
  for (const [name, list] of Object.entries(lists)) {
    if (typeof list === "number") continue;
    const size = source.shape![along]!;
    if (size >= 0 && list.length !== size) {
      throw invalid(`${name} has ${list.length} numbers, and axis ${along} of "${source.alias}" has ${size} positions`);
    }
    if (positions !== undefined && positions !== list.length) {
      throw invalid(`${name} has ${list.length} numbers, and another list has ${positions}`);
    }
    positions = list.length;
  }
  return positions!;
}

type Reals = Float32Array | Float64Array;

/** The results for every byte, those of a position side by side. */
function tableOf(formula: Formula, from: RealDType, to: RealDType): Reals {
  const positions = formula.less.length;
  const numbers = new Float64Array(BYTE_VALUES * positions);
  for (let i = 0; i < numbers.length; i++) {
    const byte = i % BYTE_VALUES;
    numbers[i] = from === "int8" && byte >= 128 ? byte - BYTE_VALUES : byte;
  }
  const table = newReals(to, numbers.length);
  scaleInto(table, numbers, formula, BYTE_VALUES);
  return table;
}

/** `run`: how many elements in a row have the same position. */
function scaleInto(reals: Reals, numbers: PlainArray, { times, over, less, by, factor, more }: Formula, run: number): void {
  const positions = less.length;
  const count = numbers.length;
  let position = 0;
  if (run === 1) {
    for (let at = 0; at < count; at++) {
      reals[at] = (((numbers[at]! * times) / over - less[position]!) / by[position]!) * factor + more;
      if (++position === positions) position = 0;
    }
    return;
  }
  for (let at = 0; at < count; ) {
    const end = at + run;
    const [subtracted, divisor] = [less[position]!, by[position]!];
    for (; at < end; at++) reals[at] = (((numbers[at]! * times) / over - subtracted) / divisor) * factor + more;
    if (++position === positions) position = 0;
  }
}

function lookUpInto(reals: Reals, bytes: Uint8Array, table: Reals, run: number): void {
  const count = bytes.length;
  let row = 0;
  if (run === 1) {
    for (let at = 0; at < count; at++) {
      reals[at] = table[row + bytes[at]!]!;
      row += BYTE_VALUES;
      if (row === table.length) row = 0;
    }
    return;
  }
  for (let at = 0; at < count; ) {
    const end = at + run;
    for (; at < end; at++) reals[at] = table[row + bytes[at]!]!;
    row += BYTE_VALUES;
    if (row === table.length) row = 0;
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
