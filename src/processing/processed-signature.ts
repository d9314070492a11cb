import { ServingError } from "../base/serving-error.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import type { SignaturePlan } from "./plan-signature.ts";
import type { StepContext } from "./step.ts";
import { type ListedStep, runSteps, stepsFor } from "./step-list.ts";
import { describeInfo, fits } from "./value-info.ts";

/** Choices of outputs that are remembered: callers choose. */
const MOST_CHOICES = 32;

/** What is done after a run for some outputs. */
interface Choice {
  readonly steps: readonly ListedStep[];
  /** The engine's outputs that these need. */
  readonly engineOutputs: readonly string[];
}

/** One signature of one version with its steps, on one thread. */
export class ProcessedSignature {
  /** The engine's signature. */
  readonly inner: string;
  readonly #servable: Servable;
  readonly #plan: SignaturePlan;
  readonly #choices = new Map<string, Choice>();

  constructor(servable: Servable, plan: SignaturePlan) {
    this.inner = plan.inner;
    this.#servable = servable;
    this.#plan = plan;
  }

  /** As {@link Servable.run}; synchronous when the engine's run is, unless a step takes its time. */
  run(inputs: NamedTensors, wanted: readonly string[], run: RunContext | undefined): NamedTensors | Promise<NamedTensors> {
    const { before, signature } = this.#plan;
    const tensors = new Map<string, Tensor>();
    let rows: number | undefined;
    for (const info of signature.inputs) {
      const tensor = inputs.get(info.alias);
      if (tensor === undefined) continue;
      if (!fits(info, tensor)) throw wrongInput(info, tensor);
      rows ??= tensor.shape[0];
      tensors.set(info.alias, tensor);
    }
    const context: StepContext = { rows: rows ?? 1, run };
    for (const [alias, make] of this.#plan.defaults) if (!tensors.has(alias)) tensors.set(alias, make(context.rows));
    const running = runSteps(before, tensors, context);
    if (running === undefined) return this.#runEngine(tensors, wanted, context);
    return running.then(() => this.#runEngine(tensors, wanted, context));
  }

  #runEngine(
    tensors: ReadonlyMap<string, Tensor>,
    wanted: readonly string[],
    context: StepContext,
  ): NamedTensors | Promise<NamedTensors> {
    const inputs = new Map<string, Tensor>();
    for (const alias of this.#plan.engineInputs) {
      const tensor = tensors.get(alias);
      if (tensor !== undefined) inputs.set(alias, tensor);
    }
    const choice = this.#choiceOf(wanted);
    const outputs = this.#servable.run(this.inner, inputs, choice.engineOutputs, context.run);
    if (outputs instanceof Promise) return outputs.then((ready) => this.#finish(ready, choice, wanted, context));
    return this.#finish(outputs, choice, wanted, context);
  }

  #finish(
    outputs: NamedTensors,
    { steps }: Choice,
    wanted: readonly string[],
    context: StepContext,
  ): NamedTensors | Promise<NamedTensors> {
    const tensors = new Map(outputs);
    if (steps.length > 0) this.#checkOutputs(outputs);
    const running = runSteps(steps, tensors, context);
    if (running !== undefined) return running.then(() => chosen(tensors, wanted));
    return chosen(tensors, wanted);
  }

  #choiceOf(wanted: readonly string[]): Choice {
    const key = JSON.stringify(wanted);
    const known = this.#choices.get(key);
    if (known !== undefined) return known;
    const { steps, start } = stepsFor(this.#plan.after, wanted);
    const needed = [...this.#plan.engineOutputs.keys()].filter((alias) => start.has(alias));
    // An engine is not asked for nothing.
    const engineOutputs = needed.length > 0 ? needed : [...this.#plan.engineOutputs.keys()].slice(0, 1);
    if (this.#choices.size >= MOST_CHOICES) this.#choices.clear();
    const choice = { steps, engineOutputs };
    this.#choices.set(key, choice);
    return choice;
  }

  /** Steps rely on what the model says of itself. */
  #checkOutputs(outputs: NamedTensors): void {
    for (const [alias, tensor] of outputs) {
      const info = this.#plan.engineOutputs.get(alias);
      if (info === undefined || fits(info, tensor)) continue;
      throw new ServingError(
        "internal",
        `the model's output "${alias}" is ${describeInfo(tensor)}, and the model declares ${describeInfo(info)}`,
      );
    }
  }
}

function chosen(tensors: ReadonlyMap<string, Tensor>, wanted: readonly string[]): NamedTensors {
  const outputs = new Map<string, Tensor>();
  for (const alias of wanted) outputs.set(alias, tensors.get(alias)!);
  return outputs;
}

function wrongInput(info: Parameters<typeof describeInfo>[0] & { readonly alias: string }, tensor: Tensor): ServingError {
  return new ServingError("invalid-argument", `input "${info.alias}" is ${describeInfo(info)}, got ${describeInfo(tensor)}`);
}
