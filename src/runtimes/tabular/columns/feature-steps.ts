import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix, SparseMatrix, Texts, Value } from "../matrix.ts";
import { termCounts, termWeights } from "../text/term-counts.ts";
import { bins, numberFunction, power, threshold } from "./column-functions.ts";
import { imputeNeighbours } from "./impute-neighbours.ts";
import { imputeTexts, missingFlags } from "./missing-values.ts";
import { monomials } from "./monomials.ts";
import { normalize } from "./normalize.ts";
import { quantiles } from "./quantiles.ts";
import { dense, sparseConcat } from "./sparse.ts";

/** What the terms of a text cost, of some hundred characters: only the text would tell. */
const TERMS = 2000;

/** What a step does with the values that it takes. @throws ServingError invalid-argument for rows that the model refuses */
export function featureStep(operation: FeatureOperation): (values: readonly Value[]) => Value {
  switch (operation.kind) {
    case "bins":
      return ([value]) => bins(operation, value as Matrix);
    case "monomials":
      return ([value]) => monomials(operation, value as Matrix);
    case "normalize":
      return ([value]) => normalize(operation.norm, value as Matrix | SparseMatrix);
    case "threshold":
      return ([value]) => threshold(operation.over, value as Matrix | SparseMatrix);
    case "quantiles":
      return ([value]) => quantiles(operation, value as Matrix);
    case "power":
      return ([value]) => power(operation, value as Matrix);
    case "function":
      return ([value]) => numberFunction(operation.does, value as Matrix);
    case "missing-flags":
      return ([value]) => missingFlags(operation, value as Matrix | Texts);
    case "impute-texts":
      return ([value]) => imputeTexts(operation, value as Texts);
    case "impute-neighbours":
      return ([value]) => imputeNeighbours(operation, value as Matrix);
    case "term-counts": {
      const counts = termCounts(operation);
      return ([value]) => counts(value as Texts);
    }
    case "term-weights":
      return ([value]) => termWeights(operation, value as SparseMatrix);
    case "dense":
      return ([value]) => dense(value as Matrix | SparseMatrix);
    case "sparse-concat":
      return (values) => sparseConcat(values as readonly (Matrix | SparseMatrix)[]);
  }
}

/** About what one row costs, in products. */
export function featureCost(operation: FeatureOperation): number {
  switch (operation.kind) {
    case "bins":
      return 8 * operation.starts.length;
    case "monomials":
      return operation.columns.length + operation.starts.length;
    case "quantiles":
      return (8 * operation.quantiles.length) / Math.max(1, operation.references.length);
    case "impute-neighbours":
      return operation.points.length;
    case "term-counts":
      return TERMS;
    case "dense":
      return operation.columns;
    case "function":
    case "impute-texts":
    case "missing-flags":
    case "normalize":
    case "power":
    case "sparse-concat":
    case "term-weights":
    case "threshold":
      return 0;
  }
}

const KINDS: Readonly<Record<FeatureOperation["kind"], true>> = {
  bins: true,
  monomials: true,
  normalize: true,
  threshold: true,
  quantiles: true,
  power: true,
  function: true,
  "missing-flags": true,
  "impute-texts": true,
  "impute-neighbours": true,
  "term-counts": true,
  "term-weights": true,
  dense: true,
  "sparse-concat": true,
};

/** Whether a step is one of these. */
export function isFeatureStep(operation: { readonly kind: string }): operation is FeatureOperation {
  return Object.hasOwn(KINDS, operation.kind);
}
