import { DEFAULT_SIGNATURE, type Signatures } from "../../tensor/signature.ts";

/** One run of an answer. */
export interface PlannedRun {
  readonly signature: string;
  /** What its only output is called in the answer; undefined: outputs keep their names. */
  readonly output?: string;
}

/** Methods of scikit-learn's estimators that Simple TensorFlow Serving answers together. */
const ESTIMATOR_METHODS = ["predict", "predict_proba", "predict_log_proba"];

/**
 * What Simple TensorFlow Serving runs for a request: the signature that is named, or all that it answers for the platform where none or the
 * default is named.
 */
export function answerPlan(platform: string | undefined, named: string, signatures: Signatures): readonly PlannedRun[] {
  const signature = named || DEFAULT_SIGNATURE;
  if (signature === DEFAULT_SIGNATURE) {
    if (platform === "xgboost") return [{ signature, output: "result" }];
    const methods = platform === "sklearn" ? ESTIMATOR_METHODS.filter((method) => signatures.has(method)) : [];
    if (methods.length > 0) return methods.map((method) => ({ signature: method }));
  }
  return [{ signature }];
}
