import type { PickleName, PickleObject } from "../codec/pickle/pickle-value.ts";
import type { TabularOperation, TabularOutput, TabularProgram } from "../model/tabular/tabular-program.ts";

/** A step without the names of what it takes and gives. */
export type BoosterStep = TabularOperation extends infer One
  ? One extends TabularOperation
    ? Omit<One, "from" | "to">
    : never
  : never;

/** Adds a step to the program that is being made; the name of the value that it gives, which nothing else has. */
export type AddStep = (from: string | readonly string[], step: BoosterStep) => string;

/** Rows that a booster gets, as far as they are known when a program is made. */
export interface BoosterRows {
  /** The value: a matrix of numbers, float32 or float64. */
  readonly value: string;
  /** Columns of the matrix; errors name the booster when it takes another number of them. */
  readonly columns: number;
  /** Whether the library would have got a sparse matrix, of which some boosters take what is absent for missing: 0 here. Default: no. */
  readonly isSparse?: boolean | "unknown";
}

/** What a method of a booster answers. */
export interface BoosterAnswer extends TabularOutput {
  /** Columns of a row, for an answer that is no vector. */
  readonly width: number;
}

/** What a classifier predicts: one of its labels. */
export interface BoosterPrediction {
  /** The value with the number of the label that each row has. */
  readonly number: string;
  /** The value of the labels' probabilities, a column for each. */
  readonly scores: string;
  readonly labels: readonly (string | number)[];
  readonly dtype: TabularOutput["dtype"];
}

/** A booster's steps are in the program: what they answer. */
export interface CompiledBooster {
  /** By method, the first being the default: `predict`, `predict_proba` and so on, as its Python class calls them. */
  readonly answers: ReadonlyMap<string, BoosterAnswer>;
  /** Of estimators: what the library's own booster in it answers, by the library's names, which the estimator's may be too. */
  readonly library?: ReadonlyMap<string, BoosterAnswer>;
  /** Of classifiers of one output. */
  readonly prediction?: BoosterPrediction;
  /** Of regressors: the value of one column that is the answer. */
  readonly regression?: string;
}

/** A booster that was found in a pickle. */
export interface PickledBooster {
  /** Its Python class, with its library: `xgboost.sklearn.XGBClassifier`. */
  readonly name: string;
  /** Columns that it takes, and what they are called where it knows. */
  readonly columns: number;
  readonly columnNames?: readonly string[];
  /**
   * Adds its steps to a program.
   * @throws ServingError unimplemented or data-loss, naming the class
   */
  compile(rows: BoosterRows, add: AddStep, signal: AbortSignal): Promise<CompiledBooster>;
}

/** Reads the boosters that pickles hold, of every library. */
export interface PickledBoosters {
  /** Whether a name may be in a pickle because a booster has it. */
  readonly allows: (name: PickleName) => boolean;
  /** Whether an object is a booster or an estimator with one in it, by its class. */
  readonly knows: (object: PickleObject) => boolean;
  /**
   * Reads a booster that {@link knows} knows.
   * @throws ServingError unimplemented or data-loss, naming the class
   */
  readonly read: (object: PickleObject, signal: AbortSignal) => Promise<PickledBooster>;
}

/** Reads pickles that are boosters, too. */
export interface WholePickles extends PickledBoosters {
  /**
   * Makes a program of a booster that is the whole pickle.
   * @param bytes size of the model's files
   * @throws ServingError as {@link read}
   */
  readonly program: (object: PickleObject, bytes: number, signal: AbortSignal) => Promise<TabularProgram>;
}

/** What reading a booster's bytes gives: values of a program, of `groups` columns each. */
export interface BoosterValues {
  /** Columns that it takes. */
  readonly columns: number;
  readonly groups: number;
  /** The sums, a matrix of float32. */
  readonly margin: string;
  /** What the objective makes of them; the margin again where it makes nothing. */
  readonly predict: string;
}

/**
 * Adds to a program the steps of an XGBoost model, whichever form its bytes have, from a matrix of float32 in which NaN is missing.
 * @param file what errors call the bytes
 * @param baseIsAdded when the base is added, for programs that add it otherwise than the library which wrote the bytes
 * @throws ServingError data-loss for damaged bytes, unimplemented for what is not known; each names `file`
 */
export type ReadXgboost = (
  bytes: Buffer,
  file: string,
  from: string,
  add: AddStep,
  signal: AbortSignal,
  baseIsAdded?: "first" | "last",
) => Promise<BoosterValues>;
