import { ServingError } from "../../../base/serving-error.ts";
import type { SparkOperation } from "../../../model/tabular/spark-operations.ts";
import { dense, isSparse, sparseConcat } from "../columns/sparse.ts";
import type { Matrix, SparseMatrix } from "../matrix.ts";

type Of<Kind extends SparkOperation["kind"]> = Omit<Extract<SparkOperation, { kind: Kind }>, "kind" | "from" | "to">;
type Rows = Matrix | SparseMatrix;

/** Rows times weights, then plus the bias. */
export function sparkLinear({ weights, bias }: Of<"spark-linear">, value: Rows): Matrix {
  const { rows } = value;
  const groups = bias.length;
  const sums = new Float64Array(rows * groups);
  for (let row = 0; row < rows; row++) {
    const at = row * groups;
    if (isSparse(value)) {
      for (let i = value.starts[row]; i < value.starts[row + 1]; i++) {
        const first = value.columns[i] * groups;
        for (let group = 0; group < groups; group++) sums[at + group] += value.values[i] * weights[first + group];
      }
    } else {
      for (let column = 0; column < value.width; column++) {
        const number = value.data[row * value.width + column];
        const first = column * groups;
        for (let group = 0; group < groups; group++) sums[at + group] += number * weights[first + group];
      }
    }
    for (let group = 0; group < groups; group++) sums[at + group] += bias[group];
  }
  return { rows, width: groups, data: sums };
}

/** Values side by side. @throws ServingError invalid-argument for NaN where it is refused */
export function sparkAssemble({ checked, sparse, what }: Of<"spark-assemble">, values: readonly Rows[]): Rows {
  for (const [i, value] of values.entries()) {
    if (checked[i] && !isSparse(value) && value.data.some(Number.isNaN)) {
      throw new ServingError(
        "invalid-argument",
        `column "${what[i]}" has a missing number, which the model does not take (handleInvalid="error")`,
      );
    }
  }
  if (sparse) return sparseConcat(values);
  const matrices = values as readonly Matrix[];
  const [{ rows }] = matrices;
  const width = matrices.reduce((sum, matrix) => sum + matrix.width, 0);
  const data = new Float64Array(rows * width);
  let start = 0;
  for (const { width: own, data: numbers } of matrices) {
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < own; i++) data[row * width + start + i] = numbers[row * own + i];
    }
    start += own;
  }
  return { rows, width, data };
}

/** `(x - shift) * factor` by column. */
export function sparkScale({ shift, factors }: Of<"spark-scale">, value: Rows): Rows {
  if (isSparse(value) && shift === undefined) {
    if (factors === undefined) return value;
    return { ...value, values: value.values.map((number, i) => number * factors[value.columns[i]]) };
  }
  const { rows, width, data } = dense(value);
  const scaled = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    const number = shift === undefined ? data[i] : data[i] - shift[column];
    scaled[i] = factors === undefined ? number : number * factors[column];
  }
  return { rows, width, data: scaled };
}

/** `(x - least) * factor + bottom`, or the middle where the factor is 0. */
export function sparkRange({ least, factors, bottom, middle }: Of<"spark-range">, { rows, width, data }: Matrix): Matrix {
  const scaled = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    if (Number.isNaN(data[i])) scaled[i] = Number.NaN;
    else scaled[i] = factors[column] === 0 ? middle : (data[i] - least[column]) * factors[column] + bottom;
  }
  return { rows, width, data: scaled };
}

/** Rows divided by their p-norm. */
export function sparkUnit({ p }: Of<"spark-unit">, value: Rows): Rows {
  const numbers = isSparse(value) ? value.values : value.data;
  const scaled = Float64Array.from(numbers);
  for (let row = 0; row < value.rows; row++) {
    const [from, to] = isSparse(value)
      ? [value.starts[row], value.starts[row + 1]]
      : [row * value.width, (row + 1) * value.width];
    const norm = normOf(scaled, from, to, p);
    if (norm !== 0) for (let i = from; i < to; i++) scaled[i] *= 1 / norm;
  }
  return isSparse(value) ? { ...value, values: scaled } : { rows: value.rows, width: value.width, data: scaled };
}

function normOf(numbers: Float64Array, from: number, to: number, p: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const size = Math.abs(numbers[i]);
    if (p === Number.POSITIVE_INFINITY) sum = Math.max(sum, size);
    else sum += p === 1 ? size : p === 2 ? size * size : size ** p;
  }
  return p === 1 || p === Number.POSITIVE_INFINITY ? sum : p === 2 ? Math.sqrt(sum) : sum ** (1 / p);
}

/** The interval of each number. @throws ServingError invalid-argument for numbers outside, and for NaN where it is refused */
export function sparkBuckets({ splits, nan, what }: Of<"spark-buckets">, { rows, width, data }: Matrix): Matrix {
  const last = splits.length - 1;
  const numbers = Float64Array.from(data, (number) => {
    if (Number.isNaN(number)) {
      if (nan === "kept") return last;
      throw new ServingError(
        "invalid-argument",
        `column "${what}" has a missing number, which the model does not take (handleInvalid="error")`,
      );
    }
    if (number === splits[last]) return last - 1;
    if (!(number >= splits[0] && number < splits[last])) {
      throw new ServingError(
        "invalid-argument",
        `column "${what}" has ${number}, which is outside of ${splits[0]} to ${splits[last]}`,
      );
    }
    let [low, high] = [0, last];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (splits[middle] <= number) low = middle;
      else high = middle;
    }
    return low;
  });
  return { rows, width, data: numbers };
}

/** 1 above the threshold, else 0. */
export function sparkAbove({ threshold }: Of<"spark-above">, value: Rows): Rows {
  if (isSparse(value) && threshold >= 0) return { ...value, values: value.values.map((number) => (number > threshold ? 1 : 0)) };
  const { rows, width, data } = dense(value);
  return { rows, width, data: Float64Array.from(data, (number) => (number > threshold ? 1 : 0)) };
}

/** Products of columns, each from one that is there already. */
export function sparkProducts({ parents, columns }: Of<"spark-products">, { rows, width, data }: Matrix): Matrix {
  const terms = parents.length;
  const products = new Float64Array(rows * terms);
  for (let row = 0; row < rows; row++) {
    for (let term = 0; term < terms; term++) {
      const number = data[row * width + columns[term]];
      products[row * terms + term] = parents[term] < 0 ? number : products[row * terms + parents[term]] * number;
    }
  }
  return { rows, width: terms, data: products };
}

/** The column with the code's number is 1. @throws ServingError invalid-argument for another code where it is refused */
export function sparkOneHot({ categories, width, invalid, sparse, what }: Of<"spark-one-hot">, { rows, data }: Matrix): Rows {
  const codes = Array.from(data, (code) => {
    if (code >= 0 && code < categories) return Math.trunc(code);
    if (invalid === "kept") return categories;
    throw new ServingError(
      "invalid-argument",
      `column "${what}" has ${code}, which is no category from 0 to ${categories - 1} (handleInvalid="error")`,
    );
  });
  if (!sparse) {
    const hot = new Float64Array(rows * width);
    for (const [row, code] of codes.entries()) if (code < width) hot[row * width + code] = 1;
    return { rows, width, data: hot };
  }
  const starts = new Int32Array(rows + 1);
  for (const [row, code] of codes.entries()) starts[row + 1] = starts[row] + (code < width ? 1 : 0);
  const columns = Int32Array.from(codes.filter((code) => code < width));
  return { rows, width, starts, columns, values: new Float64Array(columns.length).fill(1) };
}

/** The number of each value's category in columns that have some. @throws ServingError invalid-argument for another where it is refused */
export function sparkCategoryNumbers({
  starts,
  categories,
  numbers,
  invalid,
  what,
}: Of<"spark-category-numbers">): (value: Matrix) => Matrix {
  const tables = Array.from({ length: starts.length - 1 }, (_, column) => {
    if (starts[column] === starts[column + 1]) return undefined;
    const table = new Map<number, number>();
    for (let i = starts[column]; i < starts[column + 1]; i++) table.set(categories[i], numbers[i]);
    return table;
  });
  return ({ rows, width, data }) => {
    const found = Float64Array.from(data, (number, i) => {
      const table = tables[i % width];
      if (table === undefined) return number;
      const code = table.get(number) ?? (invalid === "kept" ? table.size : undefined);
      if (code !== undefined) return code;
      throw new ServingError(
        "invalid-argument",
        `feature ${i % width} of column "${what}" has ${number}, which the model does not know (handleInvalid="error")`,
      );
    });
    return { rows, width, data: found };
  };
}

/** Each column of the first value times each of the second. */
export function sparkOuter([first, second]: readonly Matrix[]): Matrix {
  const { rows } = first;
  const width = first.width * second.width;
  const data = new Float64Array(rows * width);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < first.width; i++) {
      const number = first.data[row * first.width + i];
      for (let j = 0; j < second.width; j++) data[at++] = number * second.data[row * second.width + j];
    }
  }
  return { rows, width, data };
}

/** Some columns, in this order. */
export function sparkSelect({ columns: selected }: Of<"spark-select">): (value: Rows) => Rows {
  const places = new Map(Array.from(selected, (column, place) => [column, place] as const));
  return (value) => {
    const { rows } = value;
    const width = selected.length;
    if (!isSparse(value)) {
      const data = new Float64Array(rows * width);
      for (let i = 0; i < data.length; i++) data[i] = value.data[Math.floor(i / width) * value.width + selected[i % width]];
      return { rows, width, data };
    }
    const [starts, columns, values] = [new Int32Array(rows + 1), [] as number[], [] as number[]];
    for (let row = 0; row < rows; row++) {
      const found: (readonly [place: number, number: number])[] = [];
      for (let i = value.starts[row]; i < value.starts[row + 1]; i++) {
        const place = places.get(value.columns[i]);
        if (place !== undefined) found.push([place, value.values[i]]);
      }
      for (const [place, number] of found.sort(([a], [b]) => a - b)) {
        columns.push(place);
        values.push(number);
      }
      starts[row + 1] = columns.length;
    }
    return { rows, width, starts, columns: Int32Array.from(columns), values: Float64Array.from(values) };
  };
}

/** A value as it is. @throws ServingError invalid-argument for other numbers than these */
export function sparkRequire({ numbers, what }: Of<"spark-require">, value: Rows): Rows {
  for (const number of isSparse(value) ? value.values : value.data) {
    if (numbers === "not-negative" ? number >= 0 : number === 0 || number === 1) continue;
    const wanted = numbers === "not-negative" ? "numbers from 0 on" : "0 and 1";
    throw new ServingError("invalid-argument", `column "${what}" has ${number}, where the model takes ${wanted}`);
  }
  return value;
}

/** NaN in the place of what is no whole number, in some columns. */
export function sparkWhole({ columns }: Of<"spark-whole">, { rows, width, data }: Matrix): Matrix {
  const whole = Float64Array.from(data);
  for (let row = 0; row < rows; row++) {
    for (const column of columns) if (!Number.isInteger(whole[row * width + column])) whole[row * width + column] = Number.NaN;
  }
  return { rows, width, data: whole };
}
