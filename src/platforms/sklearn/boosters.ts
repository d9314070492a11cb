import type { PickleObject } from "../../codec/pickle/pickle-value.ts";
import type { AddStep, PickledBoosters } from "../pickled-booster.ts";
import type { Answers } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** What an estimator of another library answers. */
export async function boosterAnswers(
  object: PickleObject,
  estimator: Estimator,
  rows: Rows,
  builder: ProgramBuilder,
  boosters: PickledBoosters,
  signal: AbortSignal,
): Promise<Answers> {
  const booster = await boosters.read(object, signal);
  const given =
    rows.kind === "request" && rows.places === undefined
      ? requestRows(estimator, booster.columns, booster.columnNames, builder)
      : builder.sparse(estimator, rows);
  const { value, columns } = builder.numbers(estimator, given);
  const isSparse = given.kind === "sparse" || (rows.isSparse ?? false);
  const add: AddStep = (from, step) => builder.add(from, step);
  const { answers, prediction, regression } = await booster.compile({ value, columns, isSparse }, add, signal);
  return {
    methods: answers,
    ...(prediction && { prediction: { labels: prediction.labels, dtype: prediction.dtype, number: prediction.number } }),
    ...(regression !== undefined && { regression }),
  };
}

function requestRows(estimator: Estimator, columns: number, names: readonly string[] | undefined, builder: ProgramBuilder): Rows {
  builder.request.declare(estimator, columns, names);
  return { value: builder.request.ask("float64"), kind: "numbers", columns };
}

/** Transformers that make of a sparse matrix another. */
const KEEPING =
  /^(StandardScaler|MaxAbsScaler|RobustScaler|Normalizer|Binarizer|TfidfTransformer|VarianceThreshold|RFE|RFECV|Select\w+|GenericUnivariateSelect)$/;
/** Transformers that make a dense matrix of a sparse one. */
const FILLING =
  /^(TruncatedSVD|NMF|MiniBatchNMF|LatentDirichletAllocation|PCA|IncrementalPCA|SparsePCA|FactorAnalysis|Nystroem|RBFSampler|KernelPCA)$/;

/** Whether what a transformer made of `given` is a sparse matrix in the library. */
export function isSparseIn(estimator: Estimator, given: Rows, made: Rows): boolean | "unknown" {
  if (made.kind === "sparse") return true;
  switch (estimator.name) {
    case "OneHotEncoder":
      // It had another name before 1.2.
      return (estimator.value("sparse_output") ?? estimator.value("sparse")) !== false;
    case "KBinsDiscretizer":
      return estimator.text("encode") === "onehot";
    case "ColumnTransformer":
      return estimator.isTrue("sparse_output_");
    case "FeatureUnion": {
      const parts = [made, ...(made.parts ?? [])];
      if (parts.some((part) => part.isSparse === true || part.kind === "sparse")) return true;
      return parts.some((part) => part.isSparse === "unknown") ? "unknown" : false;
    }
    case "Pipeline":
      return made.isSparse ?? false;
    default:
      break;
  }
  if (estimator.isTrue("sparse_output")) return true;
  if (given.isSparse === undefined || given.isSparse === false || FILLING.test(estimator.name)) return false;
  return KEEPING.test(estimator.name) ? given.isSparse : "unknown";
}
