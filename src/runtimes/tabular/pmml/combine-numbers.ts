import type { PmmlSegmentation } from "../../../model/tabular/pmml-models.ts";

/** A number that one of several models predicts. */
export interface NumberPart {
  readonly number: number;
  readonly weight: number;
}

type Combine = (parts: readonly NumberPart[], round: (value: number) => number) => number;

const COMBINE: ReadonlyMap<PmmlSegmentation, Combine> = new Map<PmmlSegmentation, Combine>([
  ["sum", (parts, round) => parts.reduce((sum, { number }) => round(sum + number), 0)],
  ["average", (parts, round) => round(parts.reduce((sum, { number }) => round(sum + number), 0) / parts.length)],
  ["weightedSum", weightedSum],
  [
    "weightedAverage",
    (parts, round) => {
      const weights = parts.reduce((sum, { weight }) => round(sum + round(weight)), 0);
      return round(weightedSum(parts, round) / weights);
    },
  ],
  ["median", (parts, round) => round(median(parts.map(({ number }) => number)))],
  ["weightedMedian", (parts, round) => round(weightedMedian(parts))],
]);

/**
 * Makes one number of several.
 * @param round what is done to each step: nothing, or a rounding to float32
 * @throws Error for a method that is not of numbers, which the reader lets not through
 */
export function combineNumbers(method: PmmlSegmentation, parts: readonly NumberPart[], round: (value: number) => number): number {
  const combine = COMBINE.get(method);
  if (combine === undefined) throw new Error(`there is no ${method} of numbers`);
  return combine(parts, round);
}

function weightedSum(parts: readonly NumberPart[], round: (value: number) => number): number {
  return parts.reduce((sum, { number, weight }) => round(sum + round(round(weight) * number)), 0);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The number at which half of the weight is reached. */
function weightedMedian(parts: readonly NumberPart[]): number {
  const sorted = parts.toSorted((a, b) => a.number - b.number);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let until = 0;
  for (const { number, weight } of sorted) {
    until += weight;
    if (until >= half) return number;
  }
  return sorted[sorted.length - 1].number;
}
