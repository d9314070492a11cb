import { ServingError } from "../../base/serving-error.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import type { Pointer } from "../native-calls.ts";
import { type AttachedGraph, GraphPlan } from "./graph-plan.ts";
import { tensorFromProto } from "./input-tensors.ts";

/** What a run is fed: a tensor of the request, or the address of one that is kept. */
export type Feed = Tensor | Pointer;

/** Default values of a signature's inputs by alias: serialized `tensorflow.TensorProto`s. */
export type InputDefaults = ReadonlyMap<string, Uint8Array>;

/** A plan for a signature when certain inputs are given and certain outputs are wanted. */
export interface SignaturePlan {
  readonly plan: GraphPlan;
  /** Aliases of the plan's feeds, in order; those that are not given have a default. */
  readonly aliases: readonly string[];
  readonly wanted: readonly string[];
  /** Aliases that are not given, in one text. */
  readonly missing: string;
}

/** Most plans of one signature: few callers differ in what they ask for. */
const MOST_PLANS = 32;

/** The plans of one signature, the last used first, and the default values of its inputs. */
export class SignaturePlans {
  readonly #graph: AttachedGraph;
  readonly #signature: Signature;
  readonly #names: ReadonlyMap<string, string>;
  readonly #defaults: InputDefaults;
  readonly #kept = new Map<string, Pointer>();
  readonly #plans: SignaturePlan[] = [];

  /** @throws ServingError invalid-argument for a signature that cannot be called. */
  constructor(graph: AttachedGraph, name: string, signature: Signature, defaults: InputDefaults) {
    if (signature.uncallable !== undefined) {
      throw new ServingError("invalid-argument", `signature "${name}" cannot be called: ${signature.uncallable}`);
    }
    this.#graph = graph;
    this.#signature = signature;
    this.#names = new Map(signature.outputs.map((output) => [output.alias, output.name]));
    this.#defaults = defaults;
  }

  /**
   * The plan for these inputs and outputs.
   * @throws ServingError not-found when the signature names a tensor that the graph does not have.
   */
  find(inputs: NamedTensors, wanted: readonly string[]): SignaturePlan {
    const declared = this.#signature.inputs;
    let missing = "";
    if (inputs.size !== declared.length) {
      for (const { alias } of declared) if (!inputs.has(alias)) missing += `${alias}\0`;
    }
    const plans = this.#plans;
    for (let i = 0; i < plans.length; i++) {
      const plan = plans[i]!;
      if (plan.missing !== missing || !sameList(plan.wanted, wanted)) continue;
      for (let k = i; k > 0; k--) plans[k] = plans[k - 1]!;
      plans[0] = plan;
      return plan;
    }
    const fresh = this.#make(inputs, wanted, missing);
    plans.unshift(fresh);
    if (plans.length > MOST_PLANS) plans.pop();
    return fresh;
  }

  /** The plan that was run last; undefined before the first. */
  get lastUsed(): GraphPlan | undefined {
    return this.#plans[0]?.plan;
  }

  /** What to feed the run of a plan, in the plan's order. */
  feeds({ aliases }: SignaturePlan, inputs: NamedTensors): Feed[] {
    const feeds: Feed[] = [];
    for (let i = 0; i < aliases.length; i++) {
      const alias = aliases[i]!;
      feeds.push(inputs.get(alias) ?? this.#default(alias));
    }
    return feeds;
  }

  /** The graph's name of an input, by alias; undefined for one that is not declared. */
  feedName(alias: string): string | undefined {
    return this.#signature.inputs.find((input) => input.alias === alias)?.name;
  }

  /** The graph's name of an output, by alias. @throws ServingError invalid-argument for one that is not declared. */
  fetchName(alias: string): string {
    const name = this.#names.get(alias);
    if (name === undefined) throw new ServingError("invalid-argument", `output tensor alias not found in signature: ${alias}`);
    return name;
  }

  /** Deletes the default values that were made. */
  release(): void {
    for (const native of this.#kept.values()) this.#graph.library.api.deleteTensor(native);
    this.#kept.clear();
    this.#plans.length = 0;
  }

  #make(inputs: NamedTensors, wanted: readonly string[], missing: string): SignaturePlan {
    const fed = this.#signature.inputs.filter(({ alias }) => inputs.has(alias) || this.#defaults.has(alias));
    const parts = { feeds: fed.map(({ name }) => name), fetches: wanted.map((alias) => this.fetchName(alias)) };
    return {
      plan: new GraphPlan(this.#graph, parts),
      aliases: fed.map(({ alias }) => alias),
      wanted: [...wanted],
      missing,
    };
  }

  /** A tensor that TensorFlow owns may be fed again and again: whoever keeps it shares it and copies it before a change. */
  #default(alias: string): Pointer {
    let native = this.#kept.get(alias);
    if (native === undefined) {
      native = tensorFromProto(this.#graph.library, this.#defaults.get(alias)!);
      this.#kept.set(alias, native);
    }
    return native;
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
