import { ServingError } from "../../base/serving-error.ts";
import type { RunContext, Servable, SignatureTask } from "../../model/servable.ts";
import type { Signatures } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import type { RunGate } from "../run-gate.ts";
import { type AttachedGraph, GraphPlan } from "./graph-plan.ts";
import { GraphRunner } from "./graph-runner.ts";
import { type InputDefaults, SignaturePlans } from "./signature-plans.ts";

const NO_DEFAULTS: InputDefaults = new Map();

/** Most plans for runs of several signatures and of parts of the graph that are kept. */
const MOST_PLANS = 64;

/** A SavedModel as one thread serves it. */
export class TensorFlowServable implements Servable {
  readonly runtime = "tensorflow";
  readonly signatures: Signatures;
  readonly #graph: AttachedGraph;
  readonly #defaults: ReadonlyMap<string, InputDefaults>;
  readonly #runner: GraphRunner;
  readonly #plans = new Map<string, SignaturePlans>();
  /** Plans of runs that are not one signature's, by their parts. */
  readonly #others = new Map<string, GraphPlan>();

  constructor(graph: AttachedGraph, signatures: Signatures, defaults: ReadonlyMap<string, InputDefaults>, gate: RunGate) {
    this.#graph = graph;
    this.signatures = signatures;
    this.#defaults = defaults;
    this.#runner = new GraphRunner(graph, gate);
  }

  admit(signature?: string): void {
    const last = signature === undefined ? undefined : this.#plans.get(signature)?.lastUsed;
    if (last !== undefined) this.#runner.admit(last);
  }

  run(
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const plans = this.#plansOf(signature);
    const found = plans.find(inputs, wanted);
    const outputs = this.#runner.run(found.plan, plans.feeds(found, inputs), context);
    return outputs instanceof Promise ? outputs.then((tensors) => named(wanted, tensors)) : named(wanted, outputs);
  }

  runTogether(
    tasks: readonly SignatureTask[],
    inputs: NamedTensors,
    context?: RunContext,
  ): readonly NamedTensors[] | Promise<readonly NamedTensors[]> {
    const feeds = new Map<string, Tensor>();
    const fetches: string[] = [];
    for (const { signature, wanted } of tasks) {
      const plans = this.#plansOf(signature);
      for (const [alias, tensor] of inputs) {
        const name = plans.feedName(alias);
        if (name !== undefined) feeds.set(name, tensor);
      }
      for (const alias of wanted) fetches.push(plans.fetchName(alias));
    }
    const plan = this.#planOf([...feeds.keys()], fetches, []);
    const outputs = this.#runner.run(plan, [...feeds.values()], context);
    return outputs instanceof Promise ? outputs.then((tensors) => shared(tasks, tensors)) : shared(tasks, outputs);
  }

  runGraph(
    feeds: NamedTensors,
    fetches: readonly string[],
    targets: readonly string[],
    context?: RunContext,
  ): readonly Tensor[] | Promise<readonly Tensor[]> {
    return this.#runner.run(this.#planOf([...feeds.keys()], fetches, targets), [...feeds.values()], context);
  }

  detach(): void | Promise<void> {
    const release = (): void => {
      for (const plans of this.#plans.values()) plans.release();
    };
    const ended = this.#runner.detach();
    return ended instanceof Promise ? ended.then(release) : release();
  }

  #plansOf(name: string): SignaturePlans {
    let plans = this.#plans.get(name);
    if (plans === undefined) {
      const signature = this.signatures.get(name);
      if (signature === undefined) throw new ServingError("invalid-argument", `there is no signature "${name}"`);
      plans = new SignaturePlans(this.#graph, name, signature, this.#defaults.get(name) ?? NO_DEFAULTS);
      this.#plans.set(name, plans);
    }
    return plans;
  }

  #planOf(feeds: readonly string[], fetches: readonly string[], targets: readonly string[]): GraphPlan {
    const key = JSON.stringify([feeds, fetches, targets]);
    const plan = this.#others.get(key) ?? new GraphPlan(this.#graph, { feeds, fetches, targets });
    // The last used is the last of the map.
    this.#others.delete(key);
    this.#others.set(key, plan);
    if (this.#others.size > MOST_PLANS) this.#others.delete(this.#others.keys().next().value!);
    return plan;
  }
}

function named(aliases: readonly string[], tensors: readonly Tensor[]): NamedTensors {
  const outputs = new Map<string, Tensor>();
  for (let i = 0; i < aliases.length; i++) outputs.set(aliases[i]!, tensors[i]!);
  return outputs;
}

/** Gives each task its part of the outputs. */
function shared(tasks: readonly SignatureTask[], tensors: readonly Tensor[]): readonly NamedTensors[] {
  let next = 0;
  return tasks.map(({ wanted }) => {
    const part = tensors.slice(next, next + wanted.length);
    next += wanted.length;
    return named(wanted, part);
  });
}
