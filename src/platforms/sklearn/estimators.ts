import { boostedMedian, boostedVotes } from "./ada-boost.ts";
import type { Answers } from "./answers.ts";
import { baggedClassifier, baggedRegressor } from "./bagging.ts";
import { calibratedClassifier, isotonicRegression } from "./calibration.ts";
import { ellipticEnvelope } from "./covariance.ts";
import { consented, searched } from "./delegates.ts";
import { linearDiscriminant, quadraticDiscriminant } from "./discriminant-analysis.ts";
import { dummyClassifier, dummyRegressor } from "./dummies.ts";
import type { Estimator } from "./estimator.ts";
import { FEATURE_TRANSFORMERS, TAKES_SPARSE } from "./feature-estimators.ts";
import { selectedAnswers } from "./feature-selectors.ts";
import { gaussianNaiveBayes } from "./gaussian-naive-bayes.ts";
import { generalizedLinear, linearOneClass, partialLeastSquares } from "./generalized-linear.ts";
import { boostedClassifier, boostedRegressor } from "./gradient-boosting.ts";
import { histClassifier, histRegressor } from "./hist-gradient-boosting.ts";
import { isolationForest } from "./isolation-forest.ts";
import { birch, kMeans, nearestCluster } from "./k-means.ts";
import { gaussianProcess, kernelRidge } from "./kernel-models.ts";
import { linearClassifier, linearRegressor } from "./linear-models.ts";
import { gaussianMixture } from "./mixtures.ts";
import { chained, severalOutputs } from "./multi-output.ts";
import { constantPredictor, oneAgainstOne, oneAgainstRest, outputCode } from "./multiclass.ts";
import { perceptronClassifier, perceptronRegressor } from "./multilayer-perceptron.ts";
import { bernoulliNaiveBayes, categoricalNaiveBayes, complementNaiveBayes, multinomialNaiveBayes } from "./naive-bayes.ts";
import { nearestCentroid } from "./nearest-centroid.ts";
import { localOutlierFactor, nearestClassifier, neighboursRegressor, radiusClassifier } from "./nearest-neighbours.ts";
import { pipelineAnswers, pipelineRows } from "./pipeline.ts";
import type { Predictor, ProgramBuilder, Transformer } from "./program-builder.ts";
import { type NumberRows, numberRows, type Rows } from "./rows.ts";
import { stackedClassifier, stackedRegressor } from "./stacking.ts";
import { oneClassSupportVectors, supportVectorClassifier, supportVectorRegressor } from "./support-vectors.ts";
import { transformedTarget } from "./transformed-target.ts";
import { maxAbsScaler, minMaxScaler, pca, robustScaler, standardScaler } from "./transformers.ts";
import { treeClassifier, treeRegressor } from "./trees.ts";
import { votingClassifier, votingRegressor } from "./voting.ts";

/** Estimators that get a matrix of numbers. */
type OfNumbers<Result> = (estimator: Estimator, rows: NumberRows, builder: ProgramBuilder) => Result | Promise<Result>;

/** Estimators that predict, by the names of their classes. */
export const PREDICTORS: ReadonlyMap<string, Predictor> = new Map<string, Predictor>([
  ...ofNumbers<Answers>({
    ARDRegression: linearRegressor,
    AffinityPropagation: nearestCluster,
    BayesianGaussianMixture: gaussianMixture,
    BayesianRidge: linearRegressor,
    BernoulliNB: bernoulliNaiveBayes,
    Birch: birch,
    CCA: partialLeastSquares,
    CategoricalNB: categoricalNaiveBayes,
    ComplementNB: complementNaiveBayes,
    DecisionTreeClassifier: treeClassifier,
    DecisionTreeRegressor: treeRegressor,
    ElasticNet: linearRegressor,
    ElasticNetCV: linearRegressor,
    EllipticEnvelope: ellipticEnvelope,
    ExtraTreeClassifier: treeClassifier,
    ExtraTreeRegressor: treeRegressor,
    ExtraTreesClassifier: treeClassifier,
    ExtraTreesRegressor: treeRegressor,
    GammaRegressor: generalizedLinear,
    GaussianMixture: gaussianMixture,
    GaussianNB: gaussianNaiveBayes,
    GaussianProcessRegressor: gaussianProcess,
    GradientBoostingClassifier: boostedClassifier,
    GradientBoostingRegressor: boostedRegressor,
    HuberRegressor: linearRegressor,
    IsolationForest: isolationForest,
    IsotonicRegression: isotonicRegression,
    KMeans: kMeans,
    KNeighborsClassifier: nearestClassifier,
    KNeighborsRegressor: neighboursRegressor,
    KernelRidge: kernelRidge,
    Lars: linearRegressor,
    LarsCV: linearRegressor,
    Lasso: linearRegressor,
    LassoCV: linearRegressor,
    LassoLars: linearRegressor,
    LassoLarsCV: linearRegressor,
    LassoLarsIC: linearRegressor,
    LinearDiscriminantAnalysis: linearDiscriminant,
    LinearRegression: linearRegressor,
    LinearSVC: linearClassifier,
    LinearSVR: linearRegressor,
    LocalOutlierFactor: localOutlierFactor,
    LogisticRegression: linearClassifier,
    LogisticRegressionCV: linearClassifier,
    MLPClassifier: perceptronClassifier,
    MLPRegressor: perceptronRegressor,
    MeanShift: nearestCluster,
    MiniBatchKMeans: kMeans,
    MultiTaskElasticNet: linearRegressor,
    MultiTaskElasticNetCV: linearRegressor,
    MultiTaskLasso: linearRegressor,
    MultiTaskLassoCV: linearRegressor,
    MultinomialNB: multinomialNaiveBayes,
    NearestCentroid: nearestCentroid,
    NuSVC: supportVectorClassifier,
    NuSVR: supportVectorRegressor,
    OneClassSVM: oneClassSupportVectors,
    OrthogonalMatchingPursuit: linearRegressor,
    OrthogonalMatchingPursuitCV: linearRegressor,
    PLSCanonical: partialLeastSquares,
    PLSRegression: partialLeastSquares,
    PassiveAggressiveClassifier: linearClassifier,
    PassiveAggressiveRegressor: linearRegressor,
    Perceptron: linearClassifier,
    PoissonRegressor: generalizedLinear,
    QuadraticDiscriminantAnalysis: quadraticDiscriminant,
    QuantileRegressor: linearRegressor,
    RadiusNeighborsClassifier: radiusClassifier,
    RadiusNeighborsRegressor: neighboursRegressor,
    RandomForestClassifier: treeClassifier,
    RandomForestRegressor: treeRegressor,
    Ridge: linearRegressor,
    RidgeCV: linearRegressor,
    RidgeClassifier: linearClassifier,
    RidgeClassifierCV: linearClassifier,
    SGDClassifier: linearClassifier,
    SGDOneClassSVM: linearOneClass,
    SGDRegressor: linearRegressor,
    SVC: supportVectorClassifier,
    SVR: supportVectorRegressor,
    TheilSenRegressor: linearRegressor,
    TweedieRegressor: generalizedLinear,
  }),
  ["AdaBoostClassifier", boostedVotes],
  ["AdaBoostRegressor", boostedMedian],
  ["BaggingClassifier", baggedClassifier],
  ["BaggingRegressor", baggedRegressor],
  ["CalibratedClassifierCV", calibratedClassifier],
  ["ClassifierChain", chained],
  ["DummyClassifier", dummyClassifier],
  ["DummyRegressor", dummyRegressor],
  ["GridSearchCV", searched],
  ["HalvingGridSearchCV", searched],
  ["HalvingRandomSearchCV", searched],
  ["HistGradientBoostingClassifier", histClassifier],
  ["HistGradientBoostingRegressor", histRegressor],
  ["MultiOutputClassifier", severalOutputs],
  ["MultiOutputRegressor", severalOutputs],
  ["OneVsOneClassifier", oneAgainstOne],
  ["OneVsRestClassifier", oneAgainstRest],
  ["OutputCodeClassifier", outputCode],
  ["Pipeline", pipelineAnswers],
  ["RANSACRegressor", consented],
  ["RFE", selectedAnswers],
  ["RFECV", selectedAnswers],
  ["RandomizedSearchCV", searched],
  ["RegressorChain", chained],
  ["StackingClassifier", stackedClassifier],
  ["StackingRegressor", stackedRegressor],
  ["TransformedTargetRegressor", transformedTarget],
  ["VotingClassifier", votingClassifier],
  ["VotingRegressor", votingRegressor],
  ["_ConstantPredictor", constantPredictor],
]);

/** Estimators that change rows, by the names of their classes. Those that predict too are with {@link PREDICTORS}, except Pipeline. */
export const TRANSFORMERS: ReadonlyMap<string, Transformer> = new Map<string, Transformer>([
  ...ofNumbers({
    MaxAbsScaler: maxAbsScaler,
    MinMaxScaler: minMaxScaler,
    PCA: pca,
    RobustScaler: robustScaler,
    StandardScaler: standardScaler,
  }),
  ...FEATURE_TRANSFORMERS,
  ["Pipeline", pipelineRows],
]);

/** Estimators of a matrix of numbers as they get any rows. */
function ofNumbers<Result extends Answers | Rows>(
  estimators: Readonly<Record<string, OfNumbers<Result>>>,
): [string, (estimator: Estimator, rows: Rows, builder: ProgramBuilder) => Promise<Result>][] {
  return Object.entries(estimators).map(([name, compile]) => [
    name,
    async (estimator, rows, builder) => {
      if (!TAKES_SPARSE.has(name)) return compile(estimator, builder.numbers(estimator, rows), builder);
      // What it does with numbers it does with sparse rows, and transformers leave them so.
      const given = builder.sparse(estimator, rows);
      const result = await compile(estimator, numberRows(given.value, given.columns, given.names), builder);
      return "kind" in result ? { ...result, kind: given.kind } : result;
    },
  ]);
}
