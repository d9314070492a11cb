import { ServingError } from "../base/serving-error.ts";
import { CLASSIFY_METHOD, PREDICT_METHOD, REGRESS_METHOD, type Signature } from "../tensor/signature.ts";

/** The calls that a signature can be made for. */
export type CallKind = "predict" | "classify" | "regress";

/** @throws ServingError invalid-argument, with the reason, for a signature that no call can be made to. */
export function checkCallable(name: string, { uncallable }: Signature): void {
  if (uncallable !== undefined) {
    throw new ServingError("invalid-argument", `signature "${name}" cannot be called: ${uncallable}`);
  }
}

/**
 * Compares a signature's method name with the call: classify and regress take only their own, predict takes theirs too.
 * @throws ServingError in TensorFlow Serving's words and with its codes: internal for predict, else invalid-argument.
 */
export function checkMethodName(kind: CallKind, { methodName }: Signature): void {
  if (kind === "classify" && methodName !== CLASSIFY_METHOD) {
    throw new ServingError(
      "invalid-argument",
      `Expected classification signature method_name to be ${CLASSIFY_METHOD}. Was: ${methodName}`,
    );
  }
  if (kind === "regress" && methodName !== REGRESS_METHOD) {
    throw new ServingError(
      "invalid-argument",
      `Expected regression signature method_name to be ${REGRESS_METHOD}. Was: ${methodName}`,
    );
  }
  const known = [PREDICT_METHOD, CLASSIFY_METHOD, REGRESS_METHOD];
  if (kind === "predict" && !known.includes(methodName)) {
    throw new ServingError(
      "internal",
      `Expected prediction signature method_name to be one of {${known.join(", ")}}. Was: ${methodName}`,
    );
  }
}
