import type { DType } from "./dtype.ts";
import type { DeclaredShape } from "./shape.ts";

/** One input or output as the model declares it. */
export interface TensorInfo {
  /** What callers name it by. */
  readonly alias: string;
  /** What the engine names it by; shown in metadata (`x:0` for a TensorFlow graph; the alias itself in ONNX). */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: DeclaredShape;
  /** Names of symbolic dimensions, by position; absent or "" where a dimension has none. */
  readonly dimensionNames?: readonly string[];
  /** True for an input that may be left out because the model has a value for it. */
  readonly optional?: boolean;
  /** Whether a value may be missing: null in JSON, which is NaN among numbers and `MISSING_TEXT` among texts. */
  readonly nullable?: boolean;
  /** Of nullable texts: whether true and false in JSON stand for "1" and "0"; else they are their own texts. */
  readonly booleanDigits?: boolean;
  /** Alias of the input that this one is a column of: a request has either that input or all its columns. Metadata does not show it. */
  readonly columnOf?: string;
}

/** One way to call a model. Lists are in the model's own order; aliases are unique within each. */
export interface Signature {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** TensorFlow's method name, such as `tensorflow/serving/predict`. */
  readonly methodName: string;
  /**
   * Serialized `tensorflow.SignatureDef`, where the model's file has one: metadata shows it as it is. It may declare more than
   * {@link inputs} and {@link outputs}, which list what has a name and a dtype that tensors here can have.
   */
  readonly definition?: Uint8Array;
  /**
   * Whether a row of a request may be a list of its inputs' values in their order, or an object that lacks some: what is lacking is missing
   * where the input is nullable.
   */
  readonly rowwise?: boolean;
  /** Whether only a run tells the outputs: {@link outputs} is empty then, and any name may be asked for. */
  readonly openOutputs?: boolean;
  /** Why its requests are never run together, whatever its shapes are, where that is so: `its outputs are not declared`. */
  readonly runsAlone?: string;
  /** Why this signature cannot be called, where it cannot: `input "x" is a sparse tensor`. */
  readonly uncallable?: string;
}

/** Signatures by name. */
export type Signatures = ReadonlyMap<string, Signature>;

/** The signature that is meant when a request names none. */
export const DEFAULT_SIGNATURE = "serving_default";

/** The method name of a signature that takes and gives plain tensors. */
export const PREDICT_METHOD = "tensorflow/serving/predict";

/** TensorFlow's method names of signatures that classify and regress, which take serialized `tf.Example`s. */
export const CLASSIFY_METHOD = "tensorflow/serving/classify";
export const REGRESS_METHOD = "tensorflow/serving/regress";
