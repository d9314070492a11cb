import type { EstimatorOperation } from "../../../model/tabular/estimator-operations.ts";
import { categorySums, knownCategories } from "../columns/categories.ts";
import { guardedShares, multiply, ofRow, rowProduct, weightedMedian, weightedSum } from "../columns/combinations.ts";
import { interpolate } from "../columns/interpolate.ts";
import type { Matrix } from "../matrix.ts";
import { kernelRows } from "./kernels.ts";
import { distances, localOutlierFactor, neighbourValues } from "./neighbours.ts";
import { pairwiseCoupling, pairwiseScores, pairwiseVotes } from "./pairwise.ts";

/** What a step does with the matrices that it takes. @throws ServingError invalid-argument for rows that the model refuses */
export function estimatorStep(operation: EstimatorOperation): (values: readonly Matrix[]) => Matrix {
  switch (operation.kind) {
    case "kernel": {
      const kernel = kernelRows(operation.kernel, operation.points, operation.columns);
      return ([value]) => kernel(value);
    }
    case "distances":
      return ([value]) => distances(operation.metric, operation.points, operation.columns, value);
    case "pairwise-votes":
      return ([value]) => pairwiseVotes(operation.classes, value);
    case "pairwise-scores":
      return ([wins, margins]) => pairwiseScores(operation.classes, wins, margins);
    case "pairwise-coupling":
      return ([value]) => pairwiseCoupling(operation.classes, value);
    case "neighbours": {
      const values = neighbourValues(operation);
      return ([value]) => values(value);
    }
    case "local-outlier-factor": {
      const factors = localOutlierFactor(operation);
      return ([value]) => factors(value);
    }
    case "weighted-sum":
      return (values) => weightedSum(operation.weights, values);
    case "weighted-median":
      return ([value]) => weightedMedian(operation.weights, value);
    case "row-product":
      return ([one, other]) => rowProduct(one, other);
    case "multiply":
      return ([one, other]) => multiply(one, other);
    case "row":
      return ([value]) => ofRow(operation.does, value);
    case "guarded-shares":
      return ([value]) => guardedShares(operation.whenZero, value);
    case "interpolate":
      return ([value]) => interpolate(operation, value);
    case "known-categories":
      return ([value]) => knownCategories(operation, value);
    case "category-sums":
      return ([value]) => categorySums(operation, value);
  }
}

/** About what one row costs, in products. */
export function productsOfRow(operation: EstimatorOperation): number {
  if ("points" in operation) return operation.points.length;
  if ("neighbours" in operation) return operation.neighbours.points.length;
  if (operation.kind === "pairwise-coupling") return 10 * operation.classes ** 2;
  return "weights" in operation ? operation.weights.length : 0;
}

const KINDS: Readonly<Record<EstimatorOperation["kind"], true>> = {
  kernel: true,
  distances: true,
  "pairwise-votes": true,
  "pairwise-scores": true,
  "pairwise-coupling": true,
  neighbours: true,
  "local-outlier-factor": true,
  "weighted-sum": true,
  "weighted-median": true,
  "row-product": true,
  multiply: true,
  row: true,
  "guarded-shares": true,
  interpolate: true,
  "known-categories": true,
  "category-sums": true,
};

/** Whether a step is one of these. */
export function isEstimatorStep(operation: { readonly kind: string }): operation is EstimatorOperation {
  return Object.hasOwn(KINDS, operation.kind);
}
