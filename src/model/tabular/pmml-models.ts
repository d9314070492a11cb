import type { PmmlExpression, PmmlPredicate, PmmlType, PmmlValue } from "./pmml-fields.ts";

/** What every model has. */
interface ModelBase {
  /** The value that it predicts; undefined where the model names no field for it. */
  readonly target?: PmmlTarget;
  /** Whether sums and products are rounded to float32. */
  readonly float: boolean;
  /** Outputs of the model's own, in order: fields of others may refer to them. */
  readonly outputs: readonly PmmlOutput[];
}

/** What becomes of a predicted value. */
export interface PmmlTarget {
  readonly name: string;
  readonly type: PmmlType;
  /** Absent where values stay as they are. */
  readonly rescale?: {
    readonly low: number;
    readonly high: number;
    readonly factor: number;
    readonly constant: number;
    readonly cast: "none" | "round" | "ceiling" | "floor";
  };
  /** What a missing prediction is instead. */
  readonly otherwise: PmmlValue | null;
  /** Probabilities of a missing prediction instead. */
  readonly priors: readonly { readonly value: PmmlValue; readonly probability: number }[];
  /** How values are shown to people. */
  readonly displayValues: readonly { readonly value: PmmlValue; readonly text: string }[];
  /** The slot of what was measured, for residuals. */
  readonly actual?: number;
}

/** An output of a model. */
export interface PmmlOutput {
  readonly name: string;
  readonly slot: number;
  readonly type: PmmlType;
  /** The type that it has before it becomes one of {@link type}. */
  readonly natural: PmmlType;
  /** Whether a row has several values of it. */
  readonly several: boolean;
  readonly what: PmmlOutputFeature;
}

export type PmmlOutputFeature =
  | { readonly kind: "predicted"; readonly of?: string; readonly display: boolean }
  | { readonly kind: "probability" | "confidence"; readonly value: PmmlValue | null; readonly of?: string }
  | { readonly kind: "residual" }
  | { readonly kind: "standard-error" }
  | { readonly kind: "entity"; readonly rank: number }
  | { readonly kind: "affinity"; readonly rank: number; readonly entity: string | null; readonly least: boolean }
  | { readonly kind: "transformed"; readonly expression: PmmlExpression }
  | { readonly kind: "reason-code"; readonly rank: number }
  | {
      readonly kind: "rule";
      readonly part: PmmlRulePart;
      readonly algorithm: "recommendation" | "exclusiveRecommendation" | "ruleAssociation";
      readonly basis: PmmlRuleBasis;
      readonly ascending: boolean;
      /** 0 for all. */
      readonly rank: number;
    }
  /** What a segment of a mining model answers. */
  | { readonly kind: "segment"; readonly segment: number; readonly what: PmmlOutputFeature }
  | { readonly kind: "nothing" };

export type PmmlRulePart =
  | "antecedent"
  | "consequent"
  | "rule"
  | "ruleId"
  | "confidence"
  | "support"
  | "lift"
  | "leverage"
  | "affinity";
export type PmmlRuleBasis = "confidence" | "support" | "lift" | "leverage" | "affinity";

export type PmmlLink = "none" | "simplemax" | "softmax" | "logit" | "probit" | "cloglog" | "exp" | "loglog" | "cauchit";

/** A linear function. */
export interface PmmlRegressionTable {
  readonly label: PmmlValue | null;
  /** Null where the document lacks it: rows that come so far are refused. */
  readonly intercept: number | null;
  readonly slots: Int32Array;
  readonly coefficients: Float64Array;
  readonly exponents: Float64Array;
  readonly categories: readonly { readonly slot: number; readonly value: PmmlValue; readonly coefficient: number }[];
  /** Products of fields. */
  readonly terms: readonly { readonly slots: readonly number[]; readonly coefficient: number }[];
}

export interface PmmlRegression extends ModelBase {
  readonly kind: "regression";
  readonly classifies: boolean;
  readonly link: PmmlLink;
  readonly tables: readonly PmmlRegressionTable[];
  /** Whether the tables are cumulative: of an ordinal target. */
  readonly ordinal: boolean;
}

/** A parameter of a general regression and what it is the coefficient of: products of predictors. */
export interface PmmlGeneralTerm {
  readonly factors: readonly { readonly slot: number; readonly value: PmmlValue }[];
  /** By slot of a factor, rows of its contrast matrix in the order of its values. */
  readonly covariates: readonly { readonly slot: number; readonly exponent: number }[];
  readonly contrasts: readonly {
    readonly slot: number;
    readonly values: readonly PmmlValue[];
    readonly numbers: readonly number[];
  }[];
}

export interface PmmlGeneralRegression extends ModelBase {
  readonly kind: "general-regression";
  readonly classifies: boolean;
  readonly modelType: "regression" | "generalLinear" | "multinomialLogistic" | "ordinalMultinomial" | "generalizedLinear";
  readonly link: PmmlGeneralLink;
  readonly linkPower: number;
  /** Of the negative binomial distribution. */
  readonly dispersion: number;
  readonly offset: PmmlOrValue;
  readonly trials: PmmlOrValue;
  readonly terms: readonly PmmlGeneralTerm[];
  /** Of each label that has any: numbers of terms and their coefficients. */
  readonly equations: readonly {
    readonly label: PmmlValue | null;
    readonly terms: Int32Array;
    readonly betas: Float64Array;
  }[];
  /** Labels in the order of answers; the last, where it has no equation, is the reference. */
  readonly labels: readonly PmmlValue[];
}

/** A field's value where there is a slot, else the number. */
export interface PmmlOrValue {
  readonly slot?: number;
  readonly value: number;
}

export type PmmlGeneralLink =
  | "cauchit"
  | "cloglog"
  | "identity"
  | "log"
  | "logc"
  | "logit"
  | "loglog"
  | "negbin"
  | "oddspower"
  | "power"
  | "probit";

/** What a node's condition is, in {@link PmmlNodes.tests}: of numbers, or else in the list of predicates. */
export const PMML_TEST = {
  true: 0,
  false: 1,
  less: 2,
  lessOrEqual: 3,
  greater: 4,
  greaterOrEqual: 5,
  equal: 6,
  notEqual: 7,
  missing: 8,
  notMissing: 9,
  predicate: 10,
} as const;

/**
 * Nodes of all trees of a document, in arrays over shared memory. The children of a node lie side by side, in the order in which they are
 * tried.
 */
export interface PmmlNodes {
  readonly tests: Uint8Array;
  /** The field that is tested; for {@link PMML_TEST.predicate} the place in the list of predicates. */
  readonly slots: Int32Array;
  readonly values: Float64Array;
  readonly firstChildren: Int32Array;
  readonly childCounts: Int32Array;
  /** A node's default child, or -1. */
  readonly defaults: Int32Array;
  /** Of a tree of numbers the score, NaN where a node has none; else the label's number, or -1. */
  readonly scores: Float64Array;
  readonly recordCounts: Float64Array;
  /** Where a node's shares of labels begin in {@link shares}, or -1: as many as the tree has labels. */
  readonly shareStarts: Int32Array;
  readonly shares: PmmlShares;
  readonly predicates: readonly PmmlPredicate[];
  /** What nodes are called; empty where nobody asks. */
  readonly ids: readonly string[];
}

/** Of nodes and labels. */
export interface PmmlShares {
  /** Records; NaN where a node has none of a label. */
  readonly counts: Float64Array;
  readonly probabilities: Float64Array;
  readonly confidences: Float64Array;
}

export interface PmmlTree extends ModelBase {
  readonly kind: "tree";
  readonly root: number;
  /** Absent for a tree of numbers. */
  readonly labels?: readonly PmmlValue[];
  readonly missing: "none" | "lastPrediction" | "nullPrediction" | "defaultChild" | "weightedConfidence" | "aggregateNodes";
  readonly penalty: number;
  readonly noTrueChild: "returnNullPrediction" | "returnLastPrediction";
}

export type PmmlSegmentation =
  | "majorityVote"
  | "weightedMajorityVote"
  | "average"
  | "weightedAverage"
  | "median"
  | "weightedMedian"
  | "max"
  | "sum"
  | "weightedSum"
  | "selectFirst"
  | "selectAll"
  | "modelChain"
  | "multiModelChain";

export interface PmmlSegment {
  readonly id: string;
  readonly weight: number;
  readonly predicate: PmmlPredicate;
  readonly model: PmmlModel;
}

export interface PmmlMining extends ModelBase {
  readonly kind: "mining";
  readonly purpose: "regression" | "classification" | "clustering" | "other";
  readonly method: PmmlSegmentation;
  readonly missing: "continue" | "skipSegment" | "returnMissing";
  readonly threshold: number;
  readonly segments: readonly PmmlSegment[];
  /** Labels of answers that are counted or averaged. */
  readonly labels: readonly PmmlValue[];
  /** Whether it predicts more than one field: a row that no segment is for has no answer then. */
  readonly severalTargets: boolean;
  /** Whether the target is a name that no segment answers under. */
  readonly namesTarget: boolean;
}

export type PmmlActivation =
  | "threshold"
  | "logistic"
  | "tanh"
  | "identity"
  | "exponential"
  | "reciprocal"
  | "square"
  | "Gauss"
  | "sine"
  | "cosine"
  | "Elliott"
  | "arctan"
  | "rectifier"
  | "radialBasis";

/** Neurons that are evaluated together. Values of inputs and neurons lie in one array, in the order of the document. */
export interface PmmlLayer {
  readonly activation: PmmlActivation;
  readonly threshold: number;
  readonly normalization: "none" | "simplemax" | "softmax";
  readonly biases: Float64Array;
  /** Of radial neurons. */
  readonly widths: Float64Array;
  readonly altitudes: Float64Array;
  /** Connections of neuron `n`: those from `starts[n]` to `starts[n + 1]`. */
  readonly starts: Int32Array;
  readonly from: Int32Array;
  readonly weights: Float64Array;
}

export interface PmmlNetwork extends ModelBase {
  readonly kind: "network";
  readonly classifies: boolean;
  readonly inputs: readonly PmmlExpression[];
  readonly layers: readonly PmmlLayer[];
  /** What neurons stand for: the label of one, or a number that is turned back. */
  readonly answers: readonly {
    readonly neuron: number;
    readonly id: string;
    readonly label: PmmlValue | null;
    readonly orig: readonly number[];
    readonly norm: readonly number[];
  }[];
}

export type PmmlKernel =
  | { readonly kind: "linear" }
  | { readonly kind: "polynomial"; readonly gamma: number; readonly coef0: number; readonly degree: number }
  | { readonly kind: "radialBasis"; readonly gamma: number }
  | { readonly kind: "sigmoid"; readonly gamma: number; readonly coef0: number };

export interface PmmlSupportVectors extends ModelBase {
  readonly kind: "support-vectors";
  readonly classifies: boolean;
  readonly kernel: PmmlKernel;
  /** What vectors are made of, a number each. */
  readonly fields: readonly PmmlExpression[];
  /** Vectors side by side. */
  readonly vectors: Float64Array;
  readonly oneAgainstAll: boolean;
  readonly maxWins: boolean;
  /**
   * How a single machine that names one category, and the model the other, tells them apart, as PMML 3 has it: above the threshold is its own,
   * or what rounds to 1.
   */
  readonly coded: "no" | "sign" | "zero-or-one";
  readonly machines: readonly {
    readonly label: PmmlValue | null;
    readonly alternate: PmmlValue | null;
    readonly threshold: number;
    readonly intercept: number;
    /** Of support vectors their places, else undefined: one coefficient for each field. */
    readonly vectors?: Int32Array;
    readonly coefficients: Float64Array;
  }[];
}

export type PmmlDistribution =
  | { readonly kind: "gaussian"; readonly mean: number; readonly variance: number }
  | { readonly kind: "poisson"; readonly mean: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number };

export interface PmmlNaiveBayes extends ModelBase {
  readonly kind: "naive-bayes";
  readonly threshold: number;
  readonly labels: readonly PmmlValue[];
  /** Counts of labels. */
  readonly counts: Float64Array;
  readonly inputs: readonly PmmlBayesInput[];
}

export type PmmlBayesInput =
  /** Counts of values, as many for each as there are labels, NaN where there is none; and their sums. */
  | {
      readonly kind: "discrete";
      readonly of: PmmlExpression;
      readonly values: readonly PmmlValue[];
      readonly counts: Float64Array;
      readonly sums: Float64Array;
    }
  | { readonly kind: "continuous"; readonly of: PmmlExpression; readonly distributions: readonly (PmmlDistribution | null)[] };

/** How far two rows are apart, or how alike they are. */
export interface PmmlMeasure {
  readonly kind: "distance" | "similarity";
  readonly metric:
    | { readonly name: "euclidean" | "squaredEuclidean" | "chebychev" | "cityBlock" }
    | { readonly name: "minkowski"; readonly p: number }
    | { readonly name: "simpleMatching" | "jaccard" | "tanimoto" }
    | {
        readonly name: "binarySimilarity";
        /** c11, c10, c01, c00 of the numerator, then of the denominator. */
        readonly parameters: readonly number[];
      };
}

/** A field that is compared. */
export interface PmmlCompared {
  readonly slot: number;
  readonly weight: number;
  readonly compare: "absDiff" | "gaussSim" | "delta" | "equal" | "table";
  readonly scale: number;
  /** By categories, for `table`. */
  readonly values: readonly PmmlValue[];
  readonly table: readonly number[];
}

export interface PmmlClustering extends ModelBase {
  readonly kind: "clustering";
  readonly measure: PmmlMeasure;
  readonly fields: readonly PmmlCompared[];
  /** Values of an averaged missing-value weight, one for each field. */
  readonly missingWeights: readonly number[];
  readonly clusters: readonly { readonly id: string; readonly name: string | null; readonly center: readonly PmmlValue[] }[];
}

export interface PmmlNeighbors extends ModelBase {
  readonly kind: "neighbors";
  readonly measure: PmmlMeasure;
  readonly fields: readonly PmmlCompared[];
  readonly count: number;
  /** Slots whose values instances have. */
  readonly given: readonly number[];
  /** Values of instances, as many side by side as are given; null is missing. */
  readonly instances: readonly (PmmlValue | null)[];
  readonly ids: readonly string[];
  readonly threshold: number;
  readonly targets: readonly {
    readonly target: PmmlTarget;
    readonly continuous: boolean;
    readonly method: "average" | "median" | "weightedAverage" | "majorityVote" | "weightedMajorityVote";
    readonly values: readonly (PmmlValue | null)[];
  }[];
}

export interface PmmlScorecard extends ModelBase {
  readonly kind: "scorecard";
  readonly initial: number;
  readonly pointsAbove: boolean;
  readonly reasons: boolean;
  readonly characteristics: readonly {
    readonly name: string;
    readonly baseline: number;
    readonly attributes: readonly {
      readonly predicate: PmmlPredicate;
      readonly reason: string | null;
      readonly score: number | PmmlExpression;
    }[];
  }[];
}

export type PmmlRule =
  | {
      readonly kind: "simple";
      readonly id: string;
      readonly predicate: PmmlPredicate;
      readonly score: PmmlValue;
      readonly weight: number;
      readonly confidence: number;
    }
  | { readonly kind: "compound"; readonly predicate: PmmlPredicate; readonly rules: readonly PmmlRule[] };

export interface PmmlRuleSet extends ModelBase {
  readonly kind: "rule-set";
  readonly method: "firstHit" | "weightedSum" | "weightedMax";
  readonly rules: readonly PmmlRule[];
  readonly score: PmmlValue | null;
  readonly confidence: number;
}

export interface PmmlAssociation extends ModelBase {
  readonly kind: "association";
  /** The fields that say whether an item is there: by a value, else by what means yes. */
  readonly items: readonly { readonly slot: number; readonly value: PmmlValue | null; readonly item: number }[];
  /** The column that lists items instead. */
  readonly list?: number;
  /** Names of items. */
  readonly values: readonly string[];
  readonly rules: readonly PmmlAssociationRule[];
}

export interface PmmlAssociationRule {
  readonly id: string;
  readonly antecedent: readonly number[];
  readonly consequent: readonly number[];
  readonly support: number;
  readonly confidence: number;
  readonly lift: number;
  readonly leverage: number;
  readonly affinity: number;
}

export interface PmmlAnomaly extends ModelBase {
  readonly kind: "anomaly";
  readonly score: /** 2 to the power of the inner answer, a mean length of paths, over the mean of all. */
    | { readonly kind: "path-length"; readonly mean: number }
    /** The distance to the nearest cluster over its mean. */
    | { readonly kind: "cluster-distance"; readonly means: readonly number[] }
    | { readonly kind: "as-is" };
  readonly of: PmmlModel;
}

/** A model that is evaluated. */
export type PmmlModel =
  | PmmlRegression
  | PmmlGeneralRegression
  | PmmlTree
  | PmmlMining
  | PmmlNetwork
  | PmmlSupportVectors
  | PmmlNaiveBayes
  | PmmlClustering
  | PmmlNeighbors
  | PmmlScorecard
  | PmmlRuleSet
  | PmmlAssociation
  | PmmlAnomaly;
