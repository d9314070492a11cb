import { ServingError } from "../../base/serving-error.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { bisectingKMeans, gaussianMixture, kMeans } from "./clusters.ts";
import {
  bucketizer,
  columnPruner,
  featureHasher,
  imputer,
  indexToString,
  oneHotEncoder,
  stringIndexer,
  vectorIndexer,
} from "./column-stages.ts";
import { WidthFound } from "./columns.ts";
import { factorizationClassifier, factorizationRegressor } from "./factorization.ts";
import { isotonicRegression } from "./isotonic-regression.ts";
import {
  generalizedLinearRegression,
  linearRegression,
  linearSvc,
  logisticRegression,
  survivalRegression,
} from "./linear-models.ts";
import type { ModelFolder } from "./model-folder.ts";
import { naiveBayes } from "./naive-bayes.ts";
import { oneVsRest } from "./one-vs-rest.ts";
import { multilayerPerceptron } from "./perceptron.ts";
import { ProgramBuilder, shown } from "./program-builder.ts";
import { readStages } from "./read-stages.ts";
import { elementwiseProduct, maxAbsScaler, minMaxScaler, normalizer, robustScaler, standardScaler } from "./scalers.ts";
import type { Stage } from "./stage.ts";
import {
  countVectorizer,
  hashingTf,
  inverseDocumentFrequency,
  nGram,
  regexTokenizer,
  stopWordsRemover,
  tokenizer,
  word2Vec,
} from "./text-stages.ts";
import { boostedClassifier, boostedRegressor, treeClassifier, treeRegressor } from "./trees.ts";
import {
  binarizer,
  cosineTransform,
  featureSelector,
  interaction,
  pca,
  polynomialExpansion,
  vectorAssembler,
  vectorSizeHint,
  vectorSlicer,
} from "./vector-stages.ts";

/** Puts the columns that a stage makes into the data frame. @throws ServingError data-loss or unimplemented, which name the stage */
type StageCompiler = (stage: Stage, builder: ProgramBuilder) => void | Promise<void>;

const COMPILERS: ReadonlyMap<string, StageCompiler> = new Map<string, StageCompiler>([
  ["AFTSurvivalRegressionModel", survivalRegression],
  ["Binarizer", binarizer],
  ["BisectingKMeansModel", bisectingKMeans],
  ["Bucketizer", bucketizer],
  ["ChiSqSelectorModel", featureSelector],
  ["ColumnPruner", columnPruner],
  ["CountVectorizerModel", countVectorizer],
  ["DCT", cosineTransform],
  ["DecisionTreeClassificationModel", treeClassifier],
  ["DecisionTreeRegressionModel", treeRegressor],
  ["ElementwiseProduct", elementwiseProduct],
  ["FMClassificationModel", factorizationClassifier],
  ["FMRegressionModel", factorizationRegressor],
  ["FeatureHasher", featureHasher],
  ["GBTClassificationModel", boostedClassifier],
  ["GBTRegressionModel", boostedRegressor],
  ["GaussianMixtureModel", gaussianMixture],
  ["GeneralizedLinearRegressionModel", generalizedLinearRegression],
  ["HashingTF", hashingTf],
  ["IDFModel", inverseDocumentFrequency],
  ["ImputerModel", imputer],
  ["IndexToString", indexToString],
  ["Interaction", interaction],
  ["IsotonicRegressionModel", isotonicRegression],
  ["KMeansModel", kMeans],
  ["LinearRegressionModel", linearRegression],
  ["LinearSVCModel", linearSvc],
  ["LogisticRegressionModel", logisticRegression],
  ["MaxAbsScalerModel", maxAbsScaler],
  ["MinMaxScalerModel", minMaxScaler],
  ["MultilayerPerceptronClassificationModel", multilayerPerceptron],
  ["NGram", nGram],
  ["NaiveBayesModel", naiveBayes],
  ["Normalizer", normalizer],
  ["OneHotEncoder", oneHotEncoder],
  ["OneHotEncoderModel", oneHotEncoder],
  ["OneVsRestModel", (stage, builder) => oneVsRest(stage, builder, compileStage)],
  ["PCAModel", pca],
  ["PolynomialExpansion", polynomialExpansion],
  ["RandomForestClassificationModel", treeClassifier],
  ["RandomForestRegressionModel", treeRegressor],
  ["RegexTokenizer", regexTokenizer],
  ["RobustScalerModel", robustScaler],
  ["StandardScalerModel", standardScaler],
  ["StopWordsRemover", stopWordsRemover],
  ["StringIndexerModel", stringIndexer],
  ["Tokenizer", tokenizer],
  ["UnivariateFeatureSelectorModel", featureSelector],
  ["VarianceThresholdSelectorModel", featureSelector],
  ["VectorAssembler", vectorAssembler],
  // It names the numbers of a vector, which here have none.
  ["VectorAttributeRewriter", () => undefined],
  ["VectorIndexerModel", vectorIndexer],
  ["VectorSizeHint", vectorSizeHint],
  ["VectorSlicer", vectorSlicer],
  ["Word2VecModel", word2Vec],
]);

/** Why some of Spark's own are not covered. */
const UNCOVERED: ReadonlyMap<string, string> = new Map([
  ["SQLTransformer", "it is a query for Spark: make its columns before they are sent"],
  ["ALSModel", "it answers pairs of a user and an item by Spark's tables of both"],
  ["LocalLDAModel", "its answers hang on random numbers of Spark's"],
  ["DistributedLDAModel", "its answers hang on random numbers of Spark's"],
]);

/** Parameters that name columns which a stage takes. */
const INPUTS = ["inputCol", "featuresCol", "offsetCol"] as const;
/** Vectors of a request whose widths are found one after the other, each by compiling anew. */
const MOST_WIDTHS = 50;

/**
 * Makes a program of a saved model or pipeline.
 * @throws ServingError unimplemented, which names the stage, for what is not covered; data-loss for what is damaged; not-found for files that
 * are not there
 */
export async function compileModel(folder: ModelFolder, signal: AbortSignal): Promise<TabularProgram> {
  const program = await compileStages(await readStages(folder), signal);
  return { ...program, bytes: folder.bytes };
}

/** Makes a program, of no size yet, of stages in a row; at least one. @throws ServingError as {@link compileModel} */
export async function compileStages(stages: readonly Stage[], signal: AbortSignal): Promise<TabularProgram> {
  const taken = new Set(stages.flatMap(takenBy));
  const widths = new Map<string, number>();
  for (;;) {
    const builder = new ProgramBuilder(widths, taken, signal);
    try {
      for (const stage of stages) await compileStage(stage, builder);
      return builder.program(0);
    } catch (reason) {
      if (!(reason instanceof WidthFound)) throw reason;
      if (widths.size >= MOST_WIDTHS || widths.has(reason.input)) {
        throw new ServingError("data-loss", `column "${shown(reason.input)}" would have to have several lengths`, {
          cause: reason,
        });
      }
      widths.set(reason.input, reason.width);
    }
  }
}

async function compileStage(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const compile = COMPILERS.get(stage.name);
  if (compile !== undefined) return compile(stage, builder);
  throw stage.uncovered(
    UNCOVERED.get(stage.name) ?? "it is not covered: leave the stage out, or convert the model to ONNX, which is served too",
  );
}

function takenBy(stage: Stage): readonly string[] {
  return [...INPUTS.flatMap((key) => (stage.has(key) ? [stage.text(key)] : [])), ...(stage.texts("inputCols") ?? [])];
}
