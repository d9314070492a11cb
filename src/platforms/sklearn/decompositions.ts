import type { Kernel } from "../../model/tabular/estimator-operations.ts";
import { sharedFloats } from "../shared-arrays.ts";
import type { Estimator, Table } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type NumberRows, numberRows, type Rows } from "./rows.ts";

/** Products that inverting a covariance may take. */
const MOST_PRODUCTS = 2 ** 30;

/** TruncatedSVD, GaussianRandomProjection: rows times the components, of which sparse rows stay sparse. */
export function projection(estimator: Estimator, rows: Rows, builder: ProgramBuilder): NumberRows {
  const given = builder.sparse(estimator, rows);
  if (estimator.array("components_") === undefined)
    throw estimator.uncovered("components_ that are no array of numpy's are not covered");
  const components = estimator.table("components_", given.columns);
  const finite = builder.link(given.value, { kind: "finite", nan: "refused" });
  return product(finite, transposed(components), components.rows, builder);
}

/** IncrementalPCA and FastICA: the components of what the mean is taken from. */
export function centredProjection(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  const components = estimator.table("components_", columns);
  let value = builder.link(from, { kind: "finite", nan: "refused" });
  if (estimator.array("mean_") !== undefined)
    value = builder.add(value, { kind: "columns", does: "subtract", by: sharedFloats(estimator.numbers("mean_", columns)) });
  const projected = product(value, transposed(components), components.rows, builder);
  if (estimator.name !== "IncrementalPCA" || !estimator.isTrue("whiten")) return projected;
  const by = estimator.numbers("explained_variance_", components.rows).map((variance) => Math.sqrt(variance));
  return numberRows(builder.add(projected.value, { kind: "columns", does: "divide", by: sharedFloats(by) }), components.rows);
}

/** FactorAnalysis: the mean of the factors given a row. */
export function factorAnalysis(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): NumberRows {
  const { rows: factors, data } = estimator.table("components_", columns);
  if (factors * factors * Math.max(factors, columns) > MOST_PRODUCTS) {
    throw estimator.uncovered(`${factors} factors of ${columns} columns are not covered`);
  }
  const noise = estimator.numbers("noise_variance_", columns);
  const scaled = data.map((value, i) => value / noise[i % columns]);
  const precision = new Float64Array(factors * factors);
  for (let i = 0; i < factors; i++) {
    for (let j = 0; j < factors; j++) {
      let sum = i === j ? 1 : 0;
      for (let column = 0; column < columns; column++) sum += scaled[i * columns + column] * data[j * columns + column];
      precision[i * factors + j] = sum;
    }
  }
  const covariance = inverse(precision, factors);
  if (covariance === undefined) throw estimator.damaged("components_", "have no covariance");
  const weights = new Float64Array(columns * factors);
  for (let column = 0; column < columns; column++) {
    for (let j = 0; j < factors; j++) {
      for (let i = 0; i < factors; i++)
        weights[column * factors + j] += scaled[i * columns + column] * covariance[i * factors + j];
    }
  }
  let value = builder.link(from, { kind: "finite", nan: "refused" });
  value = builder.add(value, { kind: "columns", does: "subtract", by: sharedFloats(estimator.numbers("mean_", columns)) });
  return product(value, weights, factors, builder);
}

/** KernelPCA: centring is part of the weights. */
export function kernelPca(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): NumberRows {
  const points = estimator.table("X_fit_", columns);
  const [valuesKey, vectorsKey] =
    estimator.array("eigenvalues_") === undefined ? ["lambdas_", "alphas_"] : ["eigenvalues_", "eigenvectors_"];
  const values = estimator.numbers(valuesKey);
  const vectors = estimator.table(vectorsKey, values.length);
  const centerer = estimator.estimator("_centerer");
  const rowMeans = centerer.numbers("K_fit_rows_", points.rows);
  const mean = centerer.number("K_fit_all_");
  if (vectors.rows !== points.rows) throw estimator.damaged(vectorsKey, `has ${vectors.rows} rows, not ${points.rows}`);
  const count = values.length;
  const weights = vectors.data.map((value, i) => (values[i % count] === 0 ? 0 : value / Math.sqrt(values[i % count])));
  const bias = new Float64Array(count);
  for (let component = 0; component < count; component++) {
    let sum = 0;
    for (let point = 0; point < points.rows; point++) {
      sum += weights[point * count + component];
      bias[component] += (mean - rowMeans[point]) * weights[point * count + component];
    }
    for (let point = 0; point < points.rows; point++) weights[point * count + component] -= sum / points.rows;
  }
  const finite = builder.link(from, { kind: "finite", nan: "refused" });
  const kernel = kernelOf(estimator, estimator.value("gamma_") === null ? "gamma" : "gamma_", columns);
  const similar = builder.add(finite, { kind: "kernel", kernel, points: sharedFloats(points.data), columns });
  return product(similar, weights, count, builder, bias);
}

/** Nystroem: the kernel with some points, times a matrix. */
export function nystroem(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): NumberRows {
  const points = estimator.table("components_", columns);
  const normalization = estimator.table("normalization_", points.rows);
  const finite = builder.link(from, { kind: "finite", nan: "refused" });
  const kernel = kernelOf(estimator, "gamma", columns);
  const similar = builder.add(finite, { kind: "kernel", kernel, points: sharedFloats(points.data), columns });
  return product(similar, transposed(normalization), normalization.rows, builder);
}

/** RBFSampler: cosines of random directions. */
export function rbfSampler(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): NumberRows {
  const { columns: count, data } = estimator.table("random_weights_");
  if (data.length !== columns * count) throw estimator.damaged("random_weights_", `is of other columns than ${columns}`);
  const offsets = estimator.numbers("random_offset_", count);
  const finite = builder.link(from, { kind: "finite", nan: "refused" });
  const { value } = product(finite, data, count, builder, offsets);
  const cosines = builder.add(value, { kind: "function", does: "cos" });
  const by = new Float64Array(count).fill(Math.sqrt(2 / count));
  return numberRows(builder.add(cosines, { kind: "columns", does: "multiply", by: sharedFloats(by) }), count);
}

function product(from: string, weights: Float64Array, columns: number, builder: ProgramBuilder, bias?: Float64Array): NumberRows {
  const step = { kind: "linear", weights: sharedFloats(weights), bias: sharedFloats(bias ?? new Float64Array(columns)) } as const;
  return numberRows(builder.add(from, step), columns);
}

/** A column's weights side by side. */
function transposed({ rows, columns, data }: Table): Float64Array {
  const weights = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) weights[column * rows + row] = data[row * columns + column];
  }
  return weights;
}

/** @param gammaKey the attribute with gamma, whose default is one divided by the columns */
function kernelOf(estimator: Estimator, gammaKey: string, columns: number): Kernel {
  const kind = estimator.text("kernel");
  const gamma = estimator.number(gammaKey, 1 / columns);
  const coef0 = estimator.number("coef0", 1);
  switch (kind) {
    case "linear":
    case "cosine":
      return { kind };
    case "rbf":
      return { kind: "gaussian", gamma };
    case "poly":
    case "polynomial":
      return { kind: "polynomial", gamma, coef0, degree: estimator.number("degree", 3) };
    case "sigmoid":
      return { kind: "sigmoid", gamma, coef0 };
    case "laplacian":
      return { kind: "laplacian", gamma };
    default:
      throw estimator.uncovered(`kernel="${kind.slice(0, 20)}" is not covered`);
  }
}

/** The inverse of a symmetric matrix, by elimination; undefined where there is none. */
function inverse(matrix: Float64Array, size: number): Float64Array | undefined {
  const left = Float64Array.from(matrix);
  const right = new Float64Array(size * size);
  for (let i = 0; i < size; i++) right[i * size + i] = 1;
  for (let column = 0; column < size; column++) {
    let best = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(left[row * size + column]) > Math.abs(left[best * size + column])) best = row;
    const pivot = left[best * size + column];
    if (!(Math.abs(pivot) > 0)) return undefined;
    for (const side of [left, right]) {
      for (let i = 0; i < size; i++) {
        const [one, other] = [column * size + i, best * size + i];
        const value = side[other] / pivot;
        if (other !== one) side[other] = side[one];
        side[one] = value;
      }
    }
    for (let row = 0; row < size; row++) {
      const factor = left[row * size + column];
      if (row === column || factor === 0) continue;
      for (const side of [left, right]) for (let i = 0; i < size; i++) side[row * size + i] -= factor * side[column * size + i];
    }
  }
  return right;
}
