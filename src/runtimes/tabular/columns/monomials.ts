import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix } from "../matrix.ts";

type Monomials = Pick<Extract<FeatureOperation, { kind: "monomials" }>, "starts" | "columns">;

/** Products of columns, from the last to the first. */
export function monomials({ starts, columns }: Monomials, { rows, width, data }: Matrix): Matrix {
  const terms = starts.length - 1;
  const products = new Float64Array(rows * terms);
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let term = 0; term < terms; term++) {
      const [start, end] = [starts[term], starts[term + 1]];
      let product = end > start ? data[from + columns[end - 1]] : 1;
      for (let i = end - 2; i >= start; i--) product *= data[from + columns[i]];
      products[row * terms + term] = product;
    }
  }
  return { rows, width: terms, data: products };
}
