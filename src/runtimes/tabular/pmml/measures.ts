import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlCompared, PmmlMeasure } from "../../../model/tabular/pmml-models.ts";

/** Compares two values of a field, neither of which is missing. */
type Compare = (left: PmmlValue, right: PmmlValue) => number;

/**
 * How far a row is from another, or how alike they are: by the fields that both have.
 * @returns NaN where they have none in common
 */
export type Measure = (row: readonly (PmmlValue | null)[], other: readonly (PmmlValue | null)[]) => number;

/** @param weights how much a field counts that is missing, for what others count instead */
export function measureOf(measure: PmmlMeasure, fields: readonly PmmlCompared[], weights?: readonly number[]): Measure {
  if (measure.kind === "similarity") return similarity(measure.metric, fields);
  const compares = fields.map(comparison);
  const all = weights?.reduce((sum, weight) => sum + weight, 0) ?? fields.length;
  const { name } = measure.metric;
  const power = measure.metric.name === "minkowski" ? measure.metric.p : 1;
  return (row, other) => {
    let total = 0;
    let present = 0;
    let some = false;
    for (let i = 0; i < compares.length; i++) {
      const left = row[i];
      const right = other[i];
      if (left === null || right === null) continue;
      some = true;
      present += weights === undefined ? 1 : weights[i];
      const distance = compares[i](left, right);
      const { weight } = fields[i];
      switch (name) {
        case "euclidean":
        case "squaredEuclidean":
          total += weight * distance * distance;
          break;
        case "chebychev":
          total = Math.max(total, weight * distance);
          break;
        case "minkowski":
          total += weight * distance ** power;
          break;
        case "cityBlock":
        case "simpleMatching":
        case "jaccard":
        case "tanimoto":
        case "binarySimilarity":
          total += weight * distance;
      }
    }
    if (!some) return Number.NaN;
    const adjusted = total * (all / present);
    if (name === "euclidean") return Math.sqrt(adjusted);
    return name === "minkowski" ? adjusted ** (1 / power) : adjusted;
  };
}

/** Of fields that are true or false, by how many are so in both rows or in one. */
function similarity(metric: PmmlMeasure["metric"], fields: readonly PmmlCompared[]): Measure {
  const [c11, c10, c01, c00, d11, d10, d01, d00] = parametersOf(metric);
  return (row, other) => {
    const counts = [0, 0, 0, 0];
    let some = false;
    for (let i = 0; i < fields.length; i++) {
      const left = row[i];
      const right = other[i];
      if (left === null || right === null) continue;
      some = true;
      counts[(isSet(left) ? 0 : 2) + (isSet(right) ? 0 : 1)]++;
    }
    const [a11, a10, a01, a00] = counts;
    return some ? (c11 * a11 + c10 * a10 + c01 * a01 + c00 * a00) / (d11 * a11 + d10 * a10 + d01 * a01 + d00 * a00) : Number.NaN;
  };
}

function parametersOf(metric: PmmlMeasure["metric"]): readonly number[] {
  switch (metric.name) {
    case "binarySimilarity":
      return metric.parameters;
    case "jaccard":
      return [1, 0, 0, 0, 1, 1, 1, 0];
    case "tanimoto":
      return [1, 0, 0, 1, 1, 2, 2, 1];
    case "simpleMatching":
    case "euclidean":
    case "squaredEuclidean":
    case "chebychev":
    case "cityBlock":
    case "minkowski":
      return [1, 0, 0, 1, 1, 1, 1, 1];
  }
}

function isSet(value: PmmlValue): boolean {
  return value === true || value === 1 || value === "1" || value === "true";
}

function comparison({ compare, scale, values, table }: PmmlCompared): Compare {
  switch (compare) {
    case "absDiff":
      return (left, right) => Math.abs(Number(left) - Number(right));
    case "gaussSim":
      return (left, right) => Math.exp((-Math.LN2 * (Number(left) - Number(right)) ** 2) / scale ** 2);
    case "delta":
      return (left, right) => (left === right ? 0 : 1);
    case "equal":
      return (left, right) => (left === right ? 1 : 0);
    case "table": {
      const places = new Map(values.map((value, i) => [value, i]));
      return (left, right) => {
        const [row, column] = [places.get(left), places.get(right)];
        return row === undefined || column === undefined ? Number.NaN : table[row * values.length + column];
      };
    }
  }
}
