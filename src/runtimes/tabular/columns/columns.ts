import type { TabularOperation } from "../../../model/tabular/tabular-program.ts";
import { type Matrix, type Texts, zerosLike } from "../matrix.ts";

type Arithmetic = Extract<TabularOperation, { kind: "columns" }>["does"];

/** Adds a number to each value of a column, and so on. @param changed where to: the matrix's own numbers, or new ones */
export function arithmetic(
  does: Arithmetic,
  by: Float64Array,
  { rows, width, data }: Matrix,
  changed: Matrix["data"] = zerosLike(data, data.length),
): Matrix {
  // A loop for each: one that calls a function for every number takes several times as long.
  switch (does) {
    case "add":
      for (let start = 0; start < data.length; start += width)
        for (let i = 0; i < width; i++) changed[start + i] = data[start + i]! + by[i]!;
      break;
    case "subtract":
      for (let start = 0; start < data.length; start += width)
        for (let i = 0; i < width; i++) changed[start + i] = data[start + i]! - by[i]!;
      break;
    case "multiply":
      for (let start = 0; start < data.length; start += width)
        for (let i = 0; i < width; i++) changed[start + i] = data[start + i]! * by[i]!;
      break;
    case "divide":
      for (let start = 0; start < data.length; start += width)
        for (let i = 0; i < width; i++) changed[start + i] = data[start + i]! / by[i]!;
      break;
  }
  return { rows, width, data: changed };
}

/** Replaces what is missing by its column's value. */
export function impute(missing: number, values: Float64Array, { rows, width, data }: Matrix): Matrix {
  const filled = zerosLike(data, data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    filled[i] = value === missing || (Number.isNaN(value) && Number.isNaN(missing)) ? values[i % width]! : value;
  }
  return { rows, width, data: filled };
}

/** Some columns, in the order that is given. */
export function select(columns: Int32Array, value: Matrix | Texts): Matrix | Texts {
  const { rows, width } = value;
  if ("texts" in value) {
    const places = Array.from(
      { length: rows * columns.length },
      (_, i) => Math.floor(i / columns.length) * width + columns[i % columns.length],
    );
    return { rows, width: columns.length, texts: places.map((place) => value.texts[place]) };
  }
  const { data } = value;
  const selected = zerosLike(data, rows * columns.length);
  for (let row = 0; row < rows; row++) {
    for (const [i, column] of columns.entries()) selected[row * columns.length + i] = data[row * width + column]!;
  }
  return { rows, width: columns.length, data: selected };
}

/** The columns of several values side by side: of matrices, or of texts. */
export function concat(values: readonly (Matrix | Texts)[]): Matrix | Texts {
  const { rows } = values[0];
  const width = values.reduce((sum, value) => sum + value.width, 0);
  if ("texts" in values[0]) {
    const texts: (string | null)[] = [];
    for (let row = 0; row < rows; row++) {
      for (const value of values as readonly Texts[]) {
        for (let i = 0; i < value.width; i++) texts.push(value.texts[row * value.width + i]);
      }
    }
    return { rows, width, texts };
  }
  const matrices = values as readonly Matrix[];
  const data = matrices.every((matrix) => matrix.data instanceof Float32Array)
    ? new Float32Array(rows * width)
    : new Float64Array(rows * width);
  let start = 0;
  for (const { width: own, data: numbers } of matrices) {
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < own; i++) data[row * width + start + i] = numbers[row * own + i];
    }
    start += own;
  }
  return { rows, width, data };
}
