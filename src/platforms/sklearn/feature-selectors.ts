import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import type { Answers } from "./answers.ts";
import { columnsOf, namesOf } from "./columns-of.ts";
import type { Estimator } from "./estimator.ts";
import { featureImportances } from "./feature-importances.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** Which columns a selector keeps. */
type Support = readonly boolean[];

/** Selectors that keep some columns, by the names of their classes. */
const SUPPORTS: ReadonlyMap<string, (estimator: Estimator) => Support> = new Map([
  ["SelectKBest", (estimator: Estimator) => kBest(estimator, estimator.value("k"))],
  ["SelectPercentile", (estimator: Estimator) => percentile(estimator, estimator.number("percentile"))],
  ["SelectFpr", (estimator: Estimator) => belowRate(estimator, estimator.number("alpha"))],
  ["SelectFdr", (estimator: Estimator) => falseDiscoveries(estimator, estimator.number("alpha"))],
  ["SelectFwe", (estimator: Estimator) => familyWise(estimator, estimator.number("alpha"))],
  ["GenericUnivariateSelect", univariate],
  [
    "VarianceThreshold",
    (estimator: Estimator) => Array.from(estimator.numbers("variances_"), (each) => each > estimator.number("threshold")),
  ],
  ["SelectFromModel", fromModel],
  ["RFE", support],
  ["RFECV", support],
  ["SequentialFeatureSelector", support],
]);

/** Where models say how much of their penalty is the lasso's. */
const RATIOS: ReadonlyMap<string, string> = new Map([
  ["ElasticNet", "l1_ratio"],
  ["ElasticNetCV", "l1_ratio_"],
  ["LogisticRegression", "l1_ratio"],
  ["LogisticRegressionCV", "l1_ratio_"],
]);

/** Names of the selectors' classes. */
export const SELECTORS: readonly string[] = [...SUPPORTS.keys()];

/** The columns that a selector keeps. */
export function selectedRows(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const kept = SUPPORTS.get(estimator.name)!(estimator);
  if (rows.kind === "request" && rows.places === undefined)
    builder.request.declare(estimator, kept.length, namesOf(estimator, kept.length));
  else if (kept.length !== rows.columns) throw estimator.damaged("support_", `is of ${kept.length} columns, not ${rows.columns}`);
  const places = kept.flatMap((isKept, place) => (isKept ? [place] : []));
  if (places.length === 0) throw estimator.uncovered("it keeps no column");
  return builder.sparse(estimator, builder.select(rows, places));
}

/** What RFE and RFECV predict: as their estimator, of the columns that they keep. */
export async function selectedAnswers(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const selected = selectedRows(estimator, rows, builder);
  const answers = await builder.answers(estimator.value("estimator_"), selected);
  const { methods } = builder.transformAnswers(estimator, selected);
  return { ...answers, methods: new Map([...answers.methods, ...methods]) };
}

function support(estimator: Estimator): Support {
  return Array.from(estimator.numbers("support_"), (each) => each !== 0);
}

/** The scores, NaN as the least. */
function scoresOf(estimator: Estimator): Float64Array {
  return estimator.numbers("scores_").map((each) => (Number.isNaN(each) ? -Number.MAX_VALUE : each));
}

/** The `k` highest scores, of equals the last. */
function kBest(estimator: Estimator, k: unknown): Support {
  const scores = scoresOf(estimator);
  if (k === "all") return Array.from(scores, () => true);
  if (typeof k !== "number") throw estimator.damaged("k", "is no number of columns");
  const order = Array.from(scores.keys()).sort((a, b) => scores[a] - scores[b] || a - b);
  const kept = new Set(k === 0 ? [] : order.slice(-k));
  return Array.from(scores, (_, column) => kept.has(column));
}

function percentile(estimator: Estimator, share: number): Support {
  const scores = scoresOf(estimator);
  if (share === 100) return Array.from(scores, () => true);
  if (share === 0) return Array.from(scores, () => false);
  const least = percentileOf(scores, 100 - share);
  const kept = Array.from(scores, (score) => score > least);
  let left = Math.trunc((scores.length * share) / 100) - kept.filter(Boolean).length;
  for (const [column, score] of scores.entries()) if (score === least && left-- > 0) kept[column] = true;
  return kept;
}

/** As numpy has it: on the line between the two numbers around it. */
function percentileOf(numbers: Float64Array, share: number): number {
  const sorted = numbers.slice().sort();
  const at = (share / 100) * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  const part = at - Math.floor(at);
  return part >= 0.5 ? high - (high - low) * (1 - part) : low + (high - low) * part;
}

function belowRate(estimator: Estimator, alpha: number): Support {
  return Array.from(estimator.numbers("pvalues_"), (value) => value < alpha);
}

function falseDiscoveries(estimator: Estimator, alpha: number): Support {
  const values = estimator.numbers("pvalues_");
  const count = values.length;
  const passed = values
    .slice()
    .sort()
    .filter((value, i) => value <= (alpha / count) * (i + 1));
  const most = passed.at(-1);
  return Array.from(values, (value) => most !== undefined && value <= most);
}

function familyWise(estimator: Estimator, alpha: number): Support {
  const values = estimator.numbers("pvalues_");
  return Array.from(values, (value) => value < alpha / values.length);
}

function univariate(estimator: Estimator): Support {
  const mode = estimator.text("mode");
  const param = estimator.value("param");
  if (mode === "k_best") return kBest(estimator, param);
  if (typeof param !== "number") throw estimator.damaged("param", "is no number");
  switch (mode) {
    case "percentile":
      return percentile(estimator, param);
    case "fpr":
      return belowRate(estimator, param);
    case "fdr":
      return falseDiscoveries(estimator, param);
    case "fwe":
      return familyWise(estimator, param);
    default:
      throw estimator.uncovered(`mode="${mode.slice(0, 20)}" is not covered`);
  }
}

/** The columns whose importance, in the fitted model, is not below a threshold. */
function fromModel(estimator: Estimator): Support {
  const getter = estimator.value("importance_getter");
  if (getter !== null && getter !== "auto") throw estimator.uncovered("an importance_getter of one's own is not covered");
  // One that was fitted before is there as it was given.
  const model = estimator.estimator(estimator.value("estimator_") === null ? "estimator" : "estimator_");
  const importances = modelImportances(estimator, model);
  if (importances.length !== columnsOf(model)) throw model.damaged("coef_", "is of other columns");
  const threshold = thresholdOf(estimator, model, importances);
  const most = estimator.value("max_features_") ?? estimator.value("max_features");
  const kept = Array.from(importances, (importance) => importance >= threshold);
  if (most === null) return kept;
  if (typeof most !== "number") throw estimator.uncovered("max_features by a function is not covered");
  const order = Array.from(importances.keys()).sort((a, b) => importances[b] - importances[a] || a - b);
  const best = new Set(order.slice(0, most));
  return kept.map((isKept, column) => isKept && best.has(column));
}

function modelImportances(estimator: Estimator, model: Estimator): Float64Array {
  const coefficients = NumpyArray.of(model.value("coef_"));
  if (coefficients === undefined) return featureImportances(model);
  const data = coefficients.numbers();
  if (coefficients.shape.length === 1) return data.map(Math.abs);
  const order = estimator.number("norm_order", 1);
  const [rows, columns] = coefficients.shape;
  return Float64Array.from({ length: columns }, (_, column) => {
    const sizes = Array.from({ length: rows }, (_each, row) => Math.abs(data[row * columns + column]));
    if (order === Number.POSITIVE_INFINITY) return Math.max(...sizes);
    const sum = sizes.reduce((all, size) => all + (order === 1 ? size : size ** order), 0);
    return order === 1 ? sum : sum ** (1 / order);
  });
}

function thresholdOf(estimator: Estimator, model: Estimator, importances: Float64Array): number {
  const threshold = estimator.value("threshold");
  if (typeof threshold === "number") return threshold;
  if (threshold === null) return makesZeros(model) ? 1e-5 : meanOf(importances);
  const text = typeof threshold === "string" ? threshold : "something else";
  const [, scale = "1", reference] = /^(?:\s*([\d.eE+-]+)\s*\*)?\s*(mean|median)\s*$/.exec(text) ?? [];
  if (reference === undefined) throw estimator.uncovered(`threshold="${text.slice(0, 20)}" is not covered`);
  return Number(scale) * (reference === "mean" ? meanOf(importances) : percentileOf(importances, 50));
}

/** Whether a model's penalty makes coefficients 0: what is not is kept then. */
function makesZeros(model: Estimator): boolean {
  if (model.text("penalty") === "l1" || model.name.includes("Lasso")) return true;
  const key = RATIOS.get(model.name);
  if (key === undefined) return false;
  const ratios = model.array(key)?.numbers() ?? [model.value(key)];
  return Array.from(ratios).every((ratio) => typeof ratio === "number" && Math.abs(ratio - 1) <= 1e-5 + 1e-8);
}

function meanOf(numbers: Float64Array): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
