import { ServingError } from "../../base/serving-error.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { TabularProgram } from "../../model/tabular-program.ts";
import { Estimator } from "./estimator.ts";
import { gaussianNaiveBayes } from "./gaussian-naive-bayes.ts";
import { boostedClassifier, boostedRegressor } from "./gradient-boosting.ts";
import { kMeans } from "./k-means.ts";
import { linearClassifier, linearRegressor } from "./linear-models.ts";
import { perceptronClassifier, perceptronRegressor } from "./multilayer-perceptron.ts";
import { type Answers, matrixAnswer, ProgramBuilder } from "./program-builder.ts";
import {
  maxAbsScaler,
  minMaxScaler,
  pca,
  robustScaler,
  simpleImputer,
  standardScaler,
  type Transformer,
} from "./transformers.ts";
import { treeClassifier, treeRegressor } from "./trees.ts";

type Predictor = (estimator: Estimator, from: string, columns: number, builder: ProgramBuilder) => Answers | Promise<Answers>;

const PREDICTORS: ReadonlyMap<string, Predictor> = new Map<string, Predictor>([
  ["LogisticRegression", linearClassifier],
  ["LogisticRegressionCV", linearClassifier],
  ["LinearSVC", linearClassifier],
  ["Perceptron", linearClassifier],
  ["PassiveAggressiveClassifier", linearClassifier],
  ["RidgeClassifier", linearClassifier],
  ["RidgeClassifierCV", linearClassifier],
  ["SGDClassifier", linearClassifier],
  ["LinearRegression", linearRegressor],
  ["Ridge", linearRegressor],
  ["RidgeCV", linearRegressor],
  ["Lasso", linearRegressor],
  ["LassoCV", linearRegressor],
  ["ElasticNet", linearRegressor],
  ["ElasticNetCV", linearRegressor],
  ["LinearSVR", linearRegressor],
  ["SGDRegressor", linearRegressor],
  ["DecisionTreeClassifier", treeClassifier],
  ["ExtraTreeClassifier", treeClassifier],
  ["RandomForestClassifier", treeClassifier],
  ["ExtraTreesClassifier", treeClassifier],
  ["DecisionTreeRegressor", treeRegressor],
  ["ExtraTreeRegressor", treeRegressor],
  ["RandomForestRegressor", treeRegressor],
  ["ExtraTreesRegressor", treeRegressor],
  ["GradientBoostingClassifier", boostedClassifier],
  ["GradientBoostingRegressor", boostedRegressor],
  ["KMeans", kMeans],
  ["MiniBatchKMeans", kMeans],
  ["GaussianNB", gaussianNaiveBayes],
  ["MLPClassifier", perceptronClassifier],
  ["MLPRegressor", perceptronRegressor],
]);

const TRANSFORMERS: ReadonlyMap<string, Transformer> = new Map<string, Transformer>([
  ["StandardScaler", standardScaler],
  ["MinMaxScaler", minMaxScaler],
  ["MaxAbsScaler", maxAbsScaler],
  ["RobustScaler", robustScaler],
  ["SimpleImputer", simpleImputer],
  ["PCA", pca],
]);

/** Pipelines within one another, with all their steps. */
const MOST_STEPS = 1000;
const MOST_DEPTH = 16;
/** Attributes that tell how many columns an estimator takes, in the last dimension of an array. */
const BY_COLUMN = ["mean_", "scale_", "center_", "statistics_", "coef_", "cluster_centers_", "theta_"];

/**
 * Makes a program of a fitted estimator, or of a pipeline of them.
 *
 * @param bytes size of the model's files
 * @throws ServingError unimplemented, which names the estimator, for those that are not covered; data-loss for damaged ones
 */
export async function compileModel(model: PickleValue, bytes: number, signal: AbortSignal): Promise<TabularProgram> {
  const steps = stepsOf(model);
  const columns = columnsOf(steps[0]!);
  const builder = new ProgramBuilder(signal);
  let rows = { value: ProgramBuilder.INPUT, columns };
  for (const [i, step] of steps.entries()) {
    const transformer = TRANSFORMERS.get(step.name);
    const predictor = PREDICTORS.get(step.name);
    if (predictor !== undefined && i === steps.length - 1) {
      return builder.program(await predictor(step, rows.value, rows.columns, builder), columns, bytes);
    }
    if (transformer === undefined) {
      if (predictor !== undefined) throw step.uncovered("as a step that others follow, it is not covered");
      const way = "convert the model to ONNX, for example with skl2onnx, which is served too";
      throw new ServingError("unimplemented", `${step.name.slice(0, 100)} of scikit-learn is not covered: ${way}`);
    }
    rows = transformer(step, rows.value, rows.columns, builder);
  }
  return builder.program(new Map([["transform", matrixAnswer(rows.value, rows.columns)]]), columns, bytes);
}

/** The estimators in a row that a model is: of pipelines, their steps. At least one. */
function stepsOf(model: PickleValue): readonly Estimator[] {
  const steps: Estimator[] = [];
  const waiting: { readonly value: PickleValue; readonly depth: number }[] = [{ value: model, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    if (value === null || value === "passthrough") continue;
    if (!(value instanceof PickleObject) || !value.type.module.startsWith("sklearn.")) {
      const what = value instanceof PickleObject ? value.type.full.slice(0, 100) : "something else";
      throw new ServingError("unimplemented", `the pickle holds ${what}, not an estimator of scikit-learn`);
    }
    if (steps.length + waiting.length > MOST_STEPS || depth > MOST_DEPTH) {
      throw new ServingError(
        "resource-exhausted",
        `Pipeline: there are more than ${MOST_STEPS} steps, or ${MOST_DEPTH} in one another`,
      );
    }
    const estimator = new Estimator(value);
    if (estimator.name !== "Pipeline") {
      steps.push(estimator);
      continue;
    }
    const members = estimator.list("steps").map((step) => {
      if (!Array.isArray(step) || step.length !== 2) throw estimator.damaged("steps", "are no pairs of a name and an estimator");
      return { value: step[1]!, depth: depth + 1 };
    });
    waiting.push(...members.slice(0, MOST_STEPS + 1).reverse());
  }
  if (steps.length === 0) throw new ServingError("unimplemented", "Pipeline: it has no step that does anything");
  return steps;
}

function columnsOf(estimator: Estimator): number {
  if (!PREDICTORS.has(estimator.name) && !TRANSFORMERS.has(estimator.name)) return 0;
  const own = estimator.value("n_features_in_") ?? estimator.value("n_features_");
  const columns = own ?? columnsByArrays(estimator);
  if (typeof columns !== "number" || !Number.isInteger(columns) || columns < 1 || columns >= 2 ** 31) {
    throw estimator.damaged("n_features_in_", "is no number of columns (is it fitted?)");
  }
  return columns;
}

/** Before 0.24 most estimators did not say. */
function columnsByArrays(estimator: Estimator): number | undefined {
  for (const key of BY_COLUMN) {
    const last = estimator.array(key)?.shape.at(-1);
    if (last !== undefined) return last;
  }
  return undefined;
}
