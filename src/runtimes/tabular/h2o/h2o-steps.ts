import type { H2oOperation } from "../../../model/tabular/h2o-operations.ts";
import { classNumber } from "../columns/class-number.ts";
import { isotonic } from "../columns/isotonic.ts";
import { type Matrix, type Texts, zerosLike } from "../matrix.ts";
import { planePaths } from "../trees/plane-paths.ts";
import { applyH2oLink } from "./h2o-links.ts";
import { levelDistances } from "./level-distances.ts";
import { levelRows, limitLevels } from "./level-rows.ts";
import { levelSums, spreadLevels } from "./level-sums.ts";
import { neuronLayer } from "./neuron-layer.ts";
import { levelTable, ruleLevels } from "./rule-levels.ts";

/** What a step does with the values that it takes. @throws ServingError invalid-argument for rows that the model refuses */
export function h2oStep(operation: H2oOperation): (values: readonly (Matrix | Texts)[]) => Matrix {
  if (operation.kind === "level-rows") return levelRows(operation.columns, operation.width);
  const apply = ofMatrices(operation);
  return (values) => apply(values as readonly Matrix[]);
}

function ofMatrices(operation: Exclude<H2oOperation, { kind: "level-rows" }>): (values: readonly Matrix[]) => Matrix {
  switch (operation.kind) {
    case "limit-levels":
      return ([value]) => limitLevels(operation.limits, value);
    case "add-offset":
      return ([value, offset]) => addOffset(operation.missing, value, offset);
    case "squared-error":
      return ([original, reconstructed]) => squaredError(operation.factors, original, reconstructed);
    case "level-sums":
      return ([value]) => levelSums(operation.sums, value);
    case "spread-levels":
      return ([value]) => spreadLevels(operation.spread, value);
    case "neuron-layer":
      return ([value]) => neuronLayer(operation.layer, value);
    case "h2o-link":
      return ([value]) => applyH2oLink(operation.link, value);
    case "class-number":
      return ([probabilities, rows]) => classNumber(operation.threshold, operation.priors, probabilities, rows);
    case "level-distances":
      return ([value]) => levelDistances(operation.points, operation.isLevel, value);
    case "plane-paths":
      return ([value]) => planePaths(operation.trees, value);
    case "isotonic":
      return ([value]) => isotonic(operation, value);
    case "rule-levels":
      return ([value]) => ruleLevels(operation.groups, value);
    case "level-table":
      return ([value]) => levelTable(operation.tables, value);
  }
}

/** In the precision of the first value. */
function addOffset(missing: number, { rows, width, data }: Matrix, offset: Matrix): Matrix {
  const sums = zerosLike(data, data.length);
  for (let i = 0; i < data.length; i++) {
    const shift = offset.data[Math.floor(i / width)];
    sums[i] = data[i] + (Number.isNaN(shift) ? missing : shift);
  }
  return { rows, width, data: sums };
}

function squaredError(factors: Float64Array, original: Matrix, { rows, width, data }: Matrix): Matrix {
  const errors = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += ((data[row * width + i] - original.data[row * width + i]) * factors[i]) ** 2;
    errors[row] = sum / width;
  }
  return { rows, width: 1, data: errors };
}

const KINDS: ReadonlySet<string> = new Set<H2oOperation["kind"]>([
  "level-rows",
  "limit-levels",
  "add-offset",
  "squared-error",
  "level-sums",
  "spread-levels",
  "neuron-layer",
  "h2o-link",
  "class-number",
  "level-distances",
  "plane-paths",
  "isotonic",
  "rule-levels",
  "level-table",
]);

/** Whether an operation is one of H2O's. */
export function isH2oStep(operation: { readonly kind: string }): operation is H2oOperation {
  return KINDS.has(operation.kind);
}

/** About what one row costs, in products. */
export function h2oStepsOfRow(operation: H2oOperation): number {
  switch (operation.kind) {
    case "level-rows":
      return operation.width;
    case "level-sums":
      return operation.sums.starts.length * operation.sums.groups;
    case "spread-levels":
      return operation.spread.starts.at(-1)!;
    case "neuron-layer":
      return operation.layer.weights.length;
    case "level-distances":
      return operation.points.length;
    case "plane-paths": {
      const { roots, left, columns } = operation.trees;
      return roots.length * columns * Math.ceil(Math.log2(left.length / Math.max(1, roots.length) + 2));
    }
    case "rule-levels":
      return operation.groups.reduce((sum, { columns }) => sum + columns.length, 0);
    case "limit-levels":
    case "add-offset":
    case "squared-error":
    case "h2o-link":
    case "class-number":
    case "isotonic":
    case "level-table":
      return 1;
  }
}
