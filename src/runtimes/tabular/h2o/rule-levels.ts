import type { LevelTable, RuleGroup } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix } from "../matrix.ts";

/** The numbers that groups of rules give a row: of the last rule that holds, or NaN. */
export function ruleLevels(groups: readonly RuleGroup[], { rows, width, data }: Matrix): Matrix {
  const levels = new Float64Array(rows * groups.length);
  for (let row = 0; row < rows; row++) {
    for (const [i, group] of groups.entries()) levels[row * groups.length + i] = levelOf(group, data, row * width);
  }
  return { rows, width: groups.length, data: levels };
}

function levelOf(group: RuleGroup, data: Matrix["data"], row: number): number {
  for (let rule = group.values.length - 1; rule >= 0; rule--) {
    let holds = true;
    for (let i = group.starts[rule]; holds && i < group.starts[rule + 1]; i++)
      holds = isFulfilled(group, i, data[row + group.columns[i]]);
    if (holds) return group.values[rule];
  }
  return Number.NaN;
}

function isFulfilled({ takesMissing, tests, thresholds, levels }: RuleGroup, condition: number, value: number): boolean {
  if (Number.isNaN(value)) return takesMissing[condition] === 1;
  switch (tests[condition]) {
    case "below":
      return value < thresholds[condition];
    case "from":
      return value >= thresholds[condition];
    case "in":
      return levels[condition].includes(value);
    case "never":
      return false;
  }
}

/** The numbers that tables have for the levels of a row. */
export function levelTable(tables: readonly LevelTable[], { rows, width, data }: Matrix): Matrix {
  const toWidth = tables.reduce((sum, { missing }) => sum + missing.length, 0);
  const numbers = new Float64Array(rows * toWidth);
  for (let row = 0; row < rows; row++) {
    let at = row * toWidth;
    for (const table of tables) {
      const code = codeOf(table, data, row * width);
      const count = table.missing.length;
      for (let i = 0; i < count; i++) numbers[at++] = code < 0 ? table.missing[i] : table.values[code * count + i];
    }
  }
  return { rows, width: toWidth, data: numbers };
}

/** Place of a row's numbers, or -1. */
function codeOf({ columns, sizes, codes, values, missing }: LevelTable, data: Matrix["data"], row: number): number {
  let code = data[row + columns[0]];
  if (codes !== undefined) {
    code = 0;
    let factor = 1;
    for (const [i, column] of columns.entries()) {
      const level = data[row + column];
      code += factor * (Number.isNaN(level) || level >= sizes[i] ? sizes[i] : level);
      factor *= sizes[i] + 1;
    }
    return placeOf(codes, code);
  }
  return code >= 0 && code < values.length / missing.length ? Math.trunc(code) : -1;
}

function placeOf(codes: Float64Array, code: number): number {
  let low = 0;
  let high = codes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (codes[middle] === code) return middle;
    if (codes[middle] < code) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
