import { parseNumber } from "../../model/tabular/pmml-values.ts";
import { type Element, shortened } from "./element.ts";

const ARRAYS = ["Array", "REAL-SparseArray", "INT-SparseArray", "REAL-Array", "INT-Array"];
/** Numbers of a matrix that may say nothing of them. */
const FEW_NUMBERS = 10_000;
/** Rows, and columns, of the largest matrix. */
const MOST_SIDE = 10_000;

/** The words of an `<Array>`: between white space, or in quotation marks, of which `\"` is one within. */
export function readWords(array: Element): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of array.text.matchAll(/"((?:[^"\\]|\\.)*)"|([^\s"]+)/g)) {
    words.push(quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1"));
  }
  const count = array.get("n");
  if (count !== undefined && array.integer("n", 0, Number.MAX_SAFE_INTEGER) !== words.length)
    throw array.fault(`has ${words.length} values where n="${shortened(count)}"`);
  return words;
}

/**
 * The numbers of an `<Array>`, or of a sparse one, which has its default where it says nothing.
 * @throws ServingError data-loss for another number of numbers
 */
export function readNumbers(array: Element, count: number): Float64Array {
  const numbers = array.name.endsWith("SparseArray") ? readSparse(array, count) : readDense(array);
  if (numbers.length !== count) throw array.fault(`has ${numbers.length} numbers, not ${count}`);
  return numbers;
}

/** The first array of numbers in an element, of as many as said. */
export function readNumberArray(element: Element, count: number): Float64Array {
  return readNumbers(element.needChild(...ARRAYS), count);
}

/** A `<Matrix>`, row by row. */
export function readMatrix(matrix: Element): number[][] {
  const kind = matrix.choice("kind", ["diagonal", "symmetric", "any"], "any");
  const rows = matrix.all("Array").map((array) => Array.from(readDense(array)));
  const cells = matrix.all("MatCell");
  const longest = most(rows.map(({ length }) => length));
  const last = most(cells.map((cell) => cell.integer("row", 1, MOST_SIDE)));
  const count = Math.max(rows.length, kind === "diagonal" ? longest : 0, matrix.integer("nbRows", 0, MOST_SIDE, 0), last);
  const widest = most(cells.map((cell) => cell.integer("col", 1, MOST_SIDE)));
  const width = Math.max(kind === "any" ? 0 : count, longest, matrix.integer("nbCols", 0, MOST_SIDE, 0), widest);
  const given = rows.reduce((sum, { length }) => sum + length, cells.length);
  if (count * width > FEW_NUMBERS + given * given) throw matrix.refused(`${count} rows of ${width} for ${given} numbers`);
  if (kind !== "any" && width > count) throw matrix.fault(`has rows of ${width} numbers where it has ${count} rows`);
  const diagonal = matrix.number("diagDefault", 0);
  const others = matrix.number("offDiagDefault", 0);
  const full = Array.from({ length: count }, (_, row) =>
    Array.from({ length: width }, (__, column) => (row === column ? diagonal : others)),
  );
  for (const [row, numbers] of rows.entries()) {
    for (const [column, value] of numbers.entries()) {
      if (kind === "diagonal") full[column][column] = value;
      else full[row][column] = value;
      if (kind === "symmetric") full[column][row] = value;
    }
  }
  for (const cell of cells) {
    const [row, column] = [cell.integer("row", 1, count) - 1, cell.integer("col", 1, width) - 1];
    full[row][column] = numberOf(cell.text.trim(), cell);
    if (kind === "symmetric") full[column][row] = full[row][column];
  }
  return full;
}

function readDense(array: Element): Float64Array {
  const words = array.text.includes('"') ? readWords(array) : wordsOf(array);
  return Float64Array.from(words, (word) => numberOf(word, array));
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((found, number) => Math.max(found, number), 0);
}

function readSparse(array: Element, count: number): Float64Array {
  const indices = array.child("Indices");
  const entries = array.child("REAL-Entries", "INT-Entries");
  const places = indices === undefined ? [] : wordsOf(indices).map((word) => numberOf(word, indices));
  const values = entries === undefined ? [] : wordsOf(entries).map((word) => numberOf(word, entries));
  if (places.length !== values.length) throw array.fault(`has ${places.length} indices of ${values.length} values`);
  const last = most(places);
  const length = array.integer("n", last, Number.MAX_SAFE_INTEGER, Math.max(last, count));
  if (length !== count) throw array.fault(`has ${length} numbers, not ${count}`);
  const numbers = new Float64Array(count).fill(array.number("defaultValue", 0));
  for (const [i, place] of places.entries()) {
    if (!Number.isInteger(place) || place < 1) throw array.fault(`has the index ${place}`);
    numbers[place - 1] = values[i];
  }
  return numbers;
}

function wordsOf({ text }: Element): string[] {
  const trimmed = text.trim();
  return trimmed === "" ? [] : trimmed.split(/\s+/);
}

function numberOf(word: string, at: Element): number {
  const value = parseNumber(word);
  if (value === undefined || Number.isNaN(value)) throw at.fault(`has "${shortened(word)}" where a number is expected`);
  return value;
}
