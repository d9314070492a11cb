import { ServingError } from "../../../base/serving-error.ts";
import type { Matrix, SparseMatrix } from "../matrix.ts";

/** Most numbers that sparse rows may become at once. */
const MOST_NUMBERS = 2 ** 27;

/** Whether a value is sparse rows. */
export function isSparse(value: object): value is SparseMatrix {
  return "starts" in value;
}

/** Sparse rows as a matrix. @throws ServingError resource-exhausted for one of more than 1 GiB */
export function dense(value: Matrix | SparseMatrix): Matrix {
  if (!isSparse(value)) return value;
  const { rows, width, starts, columns, values } = value;
  if (rows * width > MOST_NUMBERS) {
    throw new ServingError("resource-exhausted", `${rows} rows of ${width} columns are too many at once: send fewer`);
  }
  const data = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let i = starts[row]; i < starts[row + 1]; i++) data[row * width + columns[i]] = values[i];
  }
  return { rows, width, data };
}

/** Sparse rows times weights (the weights of a column side by side) plus a bias. */
export function sparseLinear(
  weights: Float32Array | Float64Array,
  bias: Float32Array | Float64Array,
  value: SparseMatrix,
): Matrix {
  const { rows, starts, columns, values } = value;
  const groups = bias.length;
  const sums = new Float64Array(rows * groups);
  for (let row = 0; row < rows; row++) {
    const at = row * groups;
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      const [number, first] = [values[i], columns[i] * groups];
      for (let group = 0; group < groups; group++) sums[at + group] += number * weights[first + group];
    }
    for (let group = 0; group < groups; group++) sums[at + group] += bias[group];
  }
  return { rows, width: groups, data: sums };
}

/** A number of each column times its values, or by which they are divided: what is 0 stays so. */
export function sparseScale(does: "multiply" | "divide", by: Float64Array, value: SparseMatrix): SparseMatrix {
  const values = value.values.map((each, i) => (does === "multiply" ? each * by[value.columns[i]] : each / by[value.columns[i]]));
  return { ...value, values };
}

/** Some columns, of different places that rise. */
export function sparseSelect(selected: Int32Array, { rows, starts, columns, values }: SparseMatrix): SparseMatrix {
  const places = new Map(Array.from(selected, (column, place) => [column, place] as const));
  const [keptStarts, keptColumns, keptValues] = [new Int32Array(rows + 1), [] as number[], [] as number[]];
  for (let row = 0; row < rows; row++) {
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      const place = places.get(columns[i]);
      if (place === undefined) continue;
      keptColumns.push(place);
      keptValues.push(values[i]);
    }
    keptStarts[row + 1] = keptColumns.length;
  }
  return {
    rows,
    width: selected.length,
    starts: keptStarts,
    columns: Int32Array.from(keptColumns),
    values: Float64Array.from(keptValues),
  };
}

/** The columns of several values side by side. */
export function sparseConcat(parts: readonly (Matrix | SparseMatrix)[]): SparseMatrix {
  const { rows } = parts[0];
  const [starts, columns, values] = [new Int32Array(rows + 1), [] as number[], [] as number[]];
  for (let row = 0; row < rows; row++) {
    let first = 0;
    for (const part of parts) {
      if (isSparse(part)) {
        for (let i = part.starts[row]; i < part.starts[row + 1]; i++) {
          columns.push(first + part.columns[i]);
          values.push(part.values[i]);
        }
      } else {
        for (let column = 0; column < part.width; column++) {
          const number = part.data[row * part.width + column];
          if (number === 0) continue;
          columns.push(first + column);
          values.push(number);
        }
      }
      first += part.width;
    }
    starts[row + 1] = columns.length;
  }
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  return { rows, width, starts, columns: Int32Array.from(columns), values: Float64Array.from(values) };
}
