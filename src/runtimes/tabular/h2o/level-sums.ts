import { ServingError } from "../../../base/serving-error.ts";
import type { LevelSpread, LevelSums } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix } from "../matrix.ts";

/**
 * Adds up the weights of a row's levels and numbers, in the order of the columns, and the bias.
 * @throws ServingError invalid-argument for a missing level where the model refuses it
 */
export function levelSums(sums: LevelSums, { rows, width, data }: Matrix): Matrix {
  const { groups, starts, firstLevel, weights, bias, missing } = sums;
  const levels = starts.length - 1;
  const added = new Float64Array(rows * groups);
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let group = 0; group < groups; group++) {
      let sum = 0;
      for (let i = 0; i < levels; i++) {
        const level = data[from + i];
        if (Number.isNaN(level)) {
          if (missing === "refused") throw refused(i);
          if (missing === "nan") sum = Number.NaN;
          continue;
        }
        const at = starts[i] + Math.trunc(level) - firstLevel;
        if (at >= starts[i] && at < starts[i + 1]) sum += weights[at * groups + group];
      }
      for (let i = levels; i < width; i++) sum += weights[(starts[levels] + i - levels) * groups + group] * data[from + i];
      added[row * groups + group] = sum + bias[group];
    }
  }
  return { rows, width: groups, data: added };
}

/** Makes a column of each level, and numbers of numbers, as a {@link LevelSpread} says. */
export function spreadLevels(spread: LevelSpread, { rows, width, data }: Matrix): Matrix {
  const { starts, withFirst, none, scale, missing, zeroIsMissing, precision } = spread;
  const levels = starts.length - 1;
  const spreadWidth = starts[levels] + width - levels;
  const spreadOut = precision === "float32" ? new Float32Array(rows * spreadWidth) : new Float64Array(rows * spreadWidth);
  for (let row = 0; row < rows; row++) {
    const to = row * spreadWidth;
    spreadOut.fill(none, to, to + starts[levels]);
    for (let i = 0; i < levels; i++) {
      const column = columnOf(data[row * width + i], starts[i], starts[i + 1], withFirst);
      if (column >= 0) spreadOut[to + column] = 1;
    }
    for (let i = levels; i < width; i++) {
      const given = data[row * width + i];
      const number = scale === undefined ? given : (given - scale.subtract[i - levels]) * scale.multiply[i - levels];
      const absent = Number.isNaN(number) || (zeroIsMissing && Math.fround(number) === 0);
      spreadOut[to + starts[levels] + i - levels] = absent ? missing : number;
    }
  }
  return { rows, width: spreadWidth, data: spreadOut };
}

function columnOf(level: number, start: number, end: number, withFirst: boolean): number {
  if (Number.isNaN(level)) return end - 1;
  const code = Math.trunc(level);
  if (!withFirst && code === 0) return -1;
  return Math.min(withFirst ? code + start : code - 1 + start, end - 1);
}

function refused(column: number): ServingError {
  return new ServingError(
    "invalid-argument",
    `column ${column} of levels is missing or not known in a row, for which the model was trained to skip`,
  );
}
