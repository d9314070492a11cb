import { ServingError } from "../../../base/serving-error.ts";
import type { EstimatorOperation } from "../../../model/tabular/estimator-operations.ts";
import type { Matrix } from "../matrix.ts";

type KnownCategories = Pick<Extract<EstimatorOperation, { kind: "known-categories" }>, "starts" | "lengths" | "words">;
type CategorySums = Pick<
  Extract<EstimatorOperation, { kind: "category-sums" }>,
  "starts" | "sizes" | "width" | "values" | "bias"
>;

/** Makes NaN of what is no category in the columns that have a set of them, and whole numbers of the others. */
export function knownCategories({ starts, lengths, words }: KnownCategories, { rows, width, data }: Matrix): Matrix {
  const known = Float64Array.from(data);
  for (let i = 0; i < known.length; i++) {
    const column = i % width;
    const length = lengths[column];
    if (length === 0) continue;
    const category = Math.trunc(known[i]);
    const isKnown = known[i] >= 0 && category < length * 32 && (words[starts[column] + (category >> 5)] >>> (category & 31)) & 1;
    known[i] = isKnown ? category : Number.NaN;
  }
  return { rows, width, data: known };
}

/** Sums of the numbers that each column's category has. @throws ServingError invalid-argument for what is no category */
export function categorySums(
  { starts, sizes, width: groups, values, bias }: CategorySums,
  { rows, width, data }: Matrix,
): Matrix {
  const sums = new Float64Array(rows * groups);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    const category = Math.trunc(data[i]);
    if (!(category >= 0 && category < sizes[column])) {
      const what = `has ${data[i]}, which is none of the ${sizes[column]} categories that the model knows`;
      throw new ServingError("invalid-argument", `column ${column} ${what}`);
    }
    const from = (starts[column] + category) * groups;
    const to = Math.floor(i / width) * groups;
    for (let group = 0; group < groups; group++) sums[to + group] += values[from + group];
  }
  for (let i = 0; i < sums.length; i++) sums[i] += bias[i % groups];
  return { rows, width: groups, data: sums };
}
