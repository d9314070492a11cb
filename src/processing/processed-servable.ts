import type { ModelProcessing } from "../model/processing.ts";
import type { RuntimeName } from "../model/program.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import type { Signatures } from "../tensor/signature.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { planProcessing } from "./plan-processing.ts";
import { ProcessedSignature } from "./processed-signature.ts";

/** The model as its engine knows it: for {@link Runtime.attach}. */
export function engineModel(model: SharedModel): SharedModel {
  return model.processing === undefined ? model : { ...model, signatures: model.processing.inner };
}

/** The servable with its requests and answers processed as the model says, or as it is when the model says nothing. */
export function withProcessing({ processing }: SharedModel, servable: Servable): Servable {
  return processing === undefined ? servable : new ProcessedServable(servable, processing);
}

/**
 * A version whose requests are changed before its engine runs them, and whose answers after. Signatures that nothing is declared for are
 * run as they are, and so are parts of the graph. Errors are the engine's, and invalid-argument, naming the step and the tensor, for
 * values that a step cannot take.
 */
class ProcessedServable implements Servable {
  readonly runtime: RuntimeName;
  readonly signatures: Signatures;
  /** Past the steps: it names what the engine has. */
  readonly runGraph?: NonNullable<Servable["runGraph"]>;
  readonly #inner: Servable;
  readonly #processed = new Map<string, ProcessedSignature>();

  /** Takes over `inner`, which is detached with it. */
  constructor(inner: Servable, processing: ModelProcessing) {
    const { signatures, planned } = planProcessing(processing, processing.inner);
    this.runtime = inner.runtime;
    this.signatures = signatures;
    this.#inner = inner;
    if (inner.runGraph !== undefined) this.runGraph = inner.runGraph.bind(inner);
    for (const [name, plan] of planned) this.#processed.set(name, new ProcessedSignature(inner, plan));
  }

  admit(signature?: string): void {
    this.#inner.admit?.(signature === undefined ? undefined : (this.#processed.get(signature)?.inner ?? signature));
  }

  run(
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const processed = this.#processed.get(signature);
    return processed === undefined ? this.#inner.run(signature, inputs, wanted, context) : processed.run(inputs, wanted, context);
  }

  detach(): void | Promise<void> {
    return this.#inner.detach();
  }
}
