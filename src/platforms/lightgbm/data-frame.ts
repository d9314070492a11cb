import type { LookupTable } from "../../model/tabular/tabular-program.ts";
import { damaged, type TextLines } from "./text-lines.ts";

const PARAMETER = "[categorical_feature: ";
const LEVELS = "pandas_categorical:";
/** What stands in a lookup for a value that training did not see, and for a missing one. */
const NO_CODE = { unknown: Number.NaN, missing: Number.NaN } as const;

/** Columns of categories that a data frame had in training, by column: the code of each category. */
export type CategoryTables = ReadonlyMap<number, LookupTable>;

/**
 * Reads what is behind the trees: which values the categories of a data frame were. None where the model was not trained on one, or where it
 * cannot be told which columns had them; categories are asked for by their codes then.
 * @param categories columns of categories by the header
 * @throws ServingError data-loss for damaged lists of values, naming the file
 */
export function readCategoryTables(
  lines: TextLines,
  categories: readonly number[],
  columns: number,
  file: string,
): CategoryTables {
  let declared: readonly number[] = [];
  let levels: readonly (readonly unknown[])[] = [];
  while (lines.next()) {
    if (lines.startsWith(PARAMETER)) declared = columnsIn(textOf(lines, PARAMETER.length), columns);
    else if (lines.startsWith(LEVELS)) levels = levelsIn(textOf(lines, LEVELS.length), file);
  }
  const chosen = [declared, categories].find((each) => each.length === levels.length);
  if (chosen === undefined) return new Map();
  return new Map(chosen.map((column, i) => [column, tableOf(levels[i]!, file)]));
}

/** Whether a column of categories is asked for as texts; else as numbers. */
export function isOfTexts({ keys }: LookupTable): boolean {
  return typeof keys[0] === "string";
}

function textOf({ bytes, start, end }: TextLines, from: number): string {
  return bytes.toString("utf8", start + from, end);
}

/** Columns by number, in their order; none where they are told by names. */
function columnsIn(text: string, columns: number): readonly number[] {
  const parts = text.replace(/\]$/, "").split(",").map(Number);
  const isPlain = parts.every((each, i) => Number.isInteger(each) && each >= 0 && each < columns && parts.indexOf(each) === i);
  return isPlain && parts.length <= columns ? parts.toSorted((a, b) => a - b) : [];
}

function levelsIn(text: string, file: string): readonly (readonly unknown[])[] {
  let levels: unknown;
  try {
    levels = JSON.parse(text);
  } catch (cause) {
    throw damaged(`${file}: pandas_categorical`, "is no list", { cause });
  }
  if (levels === null) return [];
  if (!Array.isArray(levels) || !levels.every((each) => Array.isArray(each)))
    throw damaged(`${file}: pandas_categorical`, "is no list of lists");
  return levels;
}

function tableOf(levels: readonly unknown[], file: string): LookupTable {
  const keys = levels.map((level) => (typeof level === "boolean" ? Number(level) : level));
  if (keys.every((key) => typeof key === "string") || keys.every((key) => typeof key === "number")) {
    return { keys: keys as readonly (string | number)[], ...NO_CODE };
  }
  throw damaged(`${file}: pandas_categorical`, "has categories of several types");
}
