import { ServingError } from "../base/serving-error.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { ServedSpec } from "../codec/model-spec-message.ts";
import type { SignatureTask } from "../model/servable.ts";
import { CLASSIFY_METHOD, DEFAULT_SIGNATURE, REGRESS_METHOD, type Signature, type Signatures } from "../tensor/signature.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { type ClassScore, classifications, classifyOutputs } from "./classify.ts";
import { exampleSignature } from "./example-signature.ts";
import { regressions, regressOutputs } from "./regress.ts";

/** One task of a multi-inference call. */
export interface InferenceTask {
  readonly spec: ModelSpec | undefined;
  readonly methodName: string;
}

/** What one task of a multi-inference call gives. */
export type InferenceOutcome =
  | { readonly kind: "classify"; readonly resolved: ServedSpec; readonly rows: readonly (readonly ClassScore[])[] }
  | { readonly kind: "regress"; readonly resolved: ServedSpec; readonly values: Float32Array };

/** A task that was checked: the signature it runs, and how its outputs are read. */
export interface PlannedTask extends SignatureTask {
  readonly kind: "classify" | "regress";
}

/**
 * Checks the tasks of a call one after the other, each as TensorFlow Serving does, before anything is run.
 * @param check asked of every signature that a task may mean, before its inputs and outputs are looked at.
 * @throws ServingError invalid-argument for a task without a model or of another one than `model`, a signature that is unknown, asked
 * twice or has not the form of its kind; unimplemented for a method that neither classifies nor regresses.
 */
export function planTasks(
  tasks: readonly InferenceTask[],
  model: string,
  signatures: Signatures,
  check: (kind: "classify" | "regress", name: string, signature: Signature) => void,
): readonly PlannedTask[] {
  const seen = new Set<string>();
  return tasks.map(({ spec, methodName }) => {
    if (spec === undefined || spec.name === "") {
      throw new ServingError("invalid-argument", "Found ModelSpec with an empty model name.");
    }
    if (spec.name !== model) {
      throw new ServingError("invalid-argument", "All ModelSpecs in a MultiInferenceRequest must access the same model name.");
    }
    const name = spec.signatureName || unnamed(methodName, signatures);
    if (seen.has(name)) throw new ServingError("invalid-argument", `Duplicate evaluation of signature: ${name}`);
    seen.add(name);
    const signature = signatures.get(name);
    if (signature === undefined) {
      throw new ServingError("invalid-argument", `Requested signature not found in model graph: ${name}`);
    }
    const kind = kindOf(methodName);
    check(kind, name, signature);
    return { kind, signature: name, wanted: kind === "classify" ? classifyOutputs(signature) : regressOutputs(signature) };
  });
}

/** Reads what a task's signature gave for `batch` examples. @throws ServingError as {@link classifications} and {@link regressions} do. */
export function taskOutcome({ kind }: PlannedTask, resolved: ServedSpec, outputs: NamedTensors, batch: number): InferenceOutcome {
  return kind === "classify"
    ? { kind, resolved, rows: classifications(outputs, batch) }
    : { kind, resolved, values: regressions(outputs, batch) };
}

function unnamed(methodName: string, signatures: Signatures): string {
  if (methodName === CLASSIFY_METHOD) return exampleSignature("classify", signatures);
  return methodName === REGRESS_METHOD ? exampleSignature("regress", signatures) : DEFAULT_SIGNATURE;
}

function kindOf(methodName: string): "classify" | "regress" {
  if (methodName === CLASSIFY_METHOD) return "classify";
  if (methodName === REGRESS_METHOD) return "regress";
  throw new ServingError("unimplemented", `Unsupported signature method_name: ${methodName}`);
}
