import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix, SparseMatrix } from "../matrix.ts";

type Norm = Extract<FeatureOperation, { kind: "normalize" }>["norm"];

/** Divides each row by its norm, where that is not 0. */
export function normalize(norm: Norm, value: Matrix | SparseMatrix): Matrix | SparseMatrix {
  const { rows, width } = value;
  if ("starts" in value) {
    const values = value.values.slice();
    for (let row = 0; row < rows; row++) divide(norm, values, value.starts[row], value.starts[row + 1]);
    return { ...value, values };
  }
  const data = Float64Array.from(value.data);
  for (let row = 0; row < rows; row++) divide(norm, data, row * width, (row + 1) * width);
  return { rows, width, data };
}

function divide(norm: Norm, numbers: Float64Array, start: number, end: number): void {
  let whole = 0;
  for (let i = start; i < end; i++) {
    const size = Math.abs(numbers[i]);
    if (norm === "l1") whole += size;
    else if (norm === "l2") whole += size * size;
    else whole = Math.max(whole, size);
  }
  if (norm === "l2") whole = Math.sqrt(whole);
  if (whole === 0) return;
  for (let i = start; i < end; i++) numbers[i] /= whole;
}
