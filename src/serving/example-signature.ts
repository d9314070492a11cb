import { CLASSIFY_METHOD, DEFAULT_SIGNATURE, REGRESS_METHOD, type Signature, type Signatures } from "../tensor/signature.ts";
import { classifyOutputs } from "./classify.ts";
import { regressOutputs } from "./regress.ts";

const METHODS = { classify: CLASSIFY_METHOD, regress: REGRESS_METHOD } as const;

/**
 * The signature that a classify or regress call means which names none: the default one, as TensorFlow Serving has it; where that has not
 * the form of the call and takes rows, as those of tabular models do, the one that is called `classify` or `regress` and says that it is for such
 * calls. A TensorFlow model gets TensorFlow Serving's error.
 */
export function exampleSignature(kind: "classify" | "regress", signatures: Signatures): string {
  if (signatures.get(kind)?.methodName !== METHODS[kind]) return DEFAULT_SIGNATURE;
  const byDefault = signatures.get(DEFAULT_SIGNATURE);
  return byDefault?.rowwise !== true || hasForm(kind, byDefault) ? DEFAULT_SIGNATURE : kind;
}

function hasForm(kind: "classify" | "regress", signature: Signature): boolean {
  try {
    return (kind === "classify" ? classifyOutputs(signature) : regressOutputs(signature)).length > 0;
  } catch {
    return false;
  }
}
