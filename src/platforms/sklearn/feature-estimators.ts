import { columnTransformer, featureUnion } from "./column-transformer.ts";
import { centredProjection, factorAnalysis, kernelPca, nystroem, projection, rbfSampler } from "./decompositions.ts";
import { kBinsDiscretizer, oneHotEncoder, ordinalEncoder, targetEncoder } from "./encoders.ts";
import type { Estimator } from "./estimator.ts";
import { SELECTORS, selectedRows } from "./feature-selectors.ts";
import {
  binarizer,
  functionTransformer,
  normalizer,
  polynomialFeatures,
  powerTransformer,
  quantileTransformer,
} from "./feature-transformers.ts";
import { knnImputer, missingIndicator, simpleImputer } from "./imputers.ts";
import type { ProgramBuilder, Transformer } from "./program-builder.ts";
import type { NumberRows, Rows } from "./rows.ts";
import { countVectorizer, hashingVectorizer, tfidfTransformer } from "./text-vectorizers.ts";

type OfNumbers = (estimator: Estimator, rows: NumberRows, builder: ProgramBuilder) => Rows | Promise<Rows>;

/** Transformers that make columns of columns or of texts, by the names of their classes. */
export const FEATURE_TRANSFORMERS: ReadonlyMap<string, Transformer> = new Map<string, Transformer>([
  ["Binarizer", binarizer],
  ["ColumnTransformer", columnTransformer],
  ["CountVectorizer", countVectorizer],
  ["FactorAnalysis", ofNumbers(factorAnalysis)],
  ["FastICA", ofNumbers(centredProjection)],
  ["FeatureUnion", featureUnion],
  ["FunctionTransformer", functionTransformer],
  ["GaussianRandomProjection", projection],
  ["HashingVectorizer", hashingVectorizer],
  ["IncrementalPCA", ofNumbers(centredProjection)],
  ["KBinsDiscretizer", kBinsDiscretizer],
  ["KNNImputer", ofNumbers(knnImputer)],
  ["KernelPCA", ofNumbers(kernelPca)],
  ["MissingIndicator", missingIndicator],
  ["Normalizer", normalizer],
  ["Nystroem", ofNumbers(nystroem)],
  ["OneHotEncoder", oneHotEncoder],
  ["OrdinalEncoder", ordinalEncoder],
  ["PolynomialFeatures", ofNumbers(polynomialFeatures)],
  ["PowerTransformer", ofNumbers(powerTransformer)],
  ["QuantileTransformer", ofNumbers(quantileTransformer)],
  ["RBFSampler", ofNumbers(rbfSampler)],
  ["SimpleImputer", simpleImputer],
  ["TargetEncoder", targetEncoder],
  ["TfidfTransformer", tfidfTransformer],
  ["TfidfVectorizer", countVectorizer],
  ["TruncatedSVD", projection],
  ...SELECTORS.map((name) => [name, selectedRows] as const),
]);

/** Estimators that take sparse rows as they are: what they do is a product with each column's weights. */
export const TAKES_SPARSE: ReadonlySet<string> = new Set([
  "ComplementNB",
  "ElasticNet",
  "ElasticNetCV",
  "Lasso",
  "LassoCV",
  "LinearRegression",
  "LinearSVC",
  "LinearSVR",
  "LogisticRegression",
  "LogisticRegressionCV",
  "MaxAbsScaler",
  "MultinomialNB",
  "PassiveAggressiveClassifier",
  "PassiveAggressiveRegressor",
  "Perceptron",
  "Ridge",
  "RidgeCV",
  "RidgeClassifier",
  "RidgeClassifierCV",
  "RobustScaler",
  "SGDClassifier",
  "SGDRegressor",
  "StandardScaler",
]);

function ofNumbers(compile: OfNumbers): Transformer {
  return (estimator, rows, builder) => compile(estimator, builder.numbers(estimator, rows), builder);
}
