import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import type { Metric } from "../../model/tabular/estimator-operations.ts";
import type { Estimator } from "./estimator.ts";

/** The metric of an estimator of neighbours. @throws ServingError unimplemented, with the name, for others and functions of one's own */
export function metricOf(estimator: Estimator, columns: number): Metric {
  const name = estimator.text(estimator.text("effective_metric_") === "" ? "metric" : "effective_metric_");
  const parameters = estimator.value("effective_metric_params_");
  const own = parameters instanceof Map ? parameters : new Map();
  switch (name) {
    case "euclidean":
    case "l2":
      return { kind: isByProducts(estimator, columns) ? "euclidean-by-products" : "euclidean" };
    case "sqeuclidean":
      throw estimator.uncovered('metric="sqeuclidean" is not covered, "euclidean" is');
    case "manhattan":
    case "cityblock":
    case "l1":
      return { kind: "manhattan" };
    case "chebyshev":
    case "infinity":
      return { kind: "chebyshev" };
    case "minkowski":
      return minkowski(estimator, own.get("p") ?? estimator.number("p", 2), NumpyArray.of(own.get("w"))?.numbers(), columns);
    case "seuclidean": {
      const variances = NumpyArray.of(own.get("V"))?.numbers();
      if (variances?.length !== columns) throw estimator.damaged("effective_metric_params_", "has no variance of each column");
      return { kind: "standardized", variances };
    }
    case "canberra":
      return { kind: "canberra" };
    case "braycurtis":
      return { kind: "bray-curtis" };
    case "cosine":
      return { kind: "cosine" };
    case "hamming":
      return { kind: "hamming" };
    case "haversine":
      if (columns !== 2) throw estimator.damaged("effective_metric_", `is of 2 columns, not ${columns}`);
      return { kind: "haversine" };
    default:
      throw estimator.uncovered(
        name === "" ? "a metric of one's own is not covered" : `metric="${name.slice(0, 50)}" is not covered`,
      );
  }
}

function minkowski(estimator: Estimator, p: unknown, weights: Float64Array | undefined, columns: number): Metric {
  if (typeof p !== "number" || !(p > 0)) throw estimator.damaged("effective_metric_params_", "has no p above 0");
  if (weights !== undefined) {
    if (weights.length !== columns)
      throw estimator.damaged("effective_metric_params_", `has ${weights.length} weights, not ${columns}`);
    return { kind: "minkowski", p, weights };
  }
  if (p === 1) return { kind: "manhattan" };
  if (p === 2) return { kind: isByProducts(estimator, columns) ? "euclidean-by-products" : "euclidean" };
  return p === Number.POSITIVE_INFINITY ? { kind: "chebyshev" } : { kind: "minkowski", p };
}

/** Since 1.1 brute force is by products of matrices, in whose order few columns are added up one after the other. */
function isByProducts(estimator: Estimator, columns: number): boolean {
  return estimator.text("_fit_method") === "brute" && estimator.isSince(1, 1) && columns < 32;
}
