import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { GraphBuilder } from "../../graph/graph-builder.ts";
import { components } from "./components.ts";
import { damaged } from "./dictionary.ts";
import { FunctionAttributes } from "./function-attributes.ts";
import { FunctionCall } from "./function-call.ts";
import { functionNumbered, isLoss, nameOfFunction } from "./functions.ts";
import { isDelay, type Loop, translateLoop } from "./loop.ts";
import { type Network, type NetworkFunction, type NetworkOutput, type Producer, quoted, type Variable } from "./network.ts";
import type { NetworkValue } from "./network-value.ts";
import type { ReadModel } from "./read-model.ts";

const GATHER_PACKED = 29;
const TO_SEQUENCE = 70;
/** Functions are translated in turns of so many. */
const FUNCTIONS_IN_A_TURN = 200;

/**
 * Makes an ONNX graph of a network. Its inputs and outputs have the network's names; a first dimension `batch` is the batch, a second
 * one of sequences has their axis's name, and sequences of one batch have the same length.
 * @throws ServingError unimplemented that names the function which is not covered; data-loss or invalid-argument for what cannot be
 */
export async function translateNetwork(model: ReadModel, signal: AbortSignal): Promise<GraphBuilder> {
  const translator = new NetworkTranslator(model);
  const outputs = servedOutputs(model.network);
  await translator.run(
    outputs.map(({ uid }) => uid),
    signal,
  );
  return translator.finish(outputs);
}

/** The functions whose outputs a function's inputs are. What only says which items of a sequence are meant is none. */
function needsOf(network: Network, { number, inputs }: NetworkFunction): readonly NetworkFunction[] {
  const used = number === GATHER_PACKED || number === TO_SEQUENCE ? inputs.slice(0, 1) : inputs;
  const found = new Set<NetworkFunction>();
  for (const uid of used) {
    const producer = network.producer(uid);
    if ("function" in producer) found.add(producer.function);
  }
  return [...found];
}

/** What the network gives out, without losses and metrics where there is something else. */
function servedOutputs(network: Network): readonly NetworkOutput[] {
  const all = network.outputs();
  const known = new Set<string>();
  const served = all.filter(({ uid }) => !dependsOnLoss(network, uid, known));
  return served.length > 0 ? served : all;
}

/** Whether a loss is needed for a value; `known` are functions for which none is. */
function dependsOnLoss(network: Network, uid: string, known: Set<string>): boolean {
  const waiting = [uid];
  const seen = new Set<string>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { producer, blocks } = network.trace(next);
    if (blocks.some((block) => isLoss(block))) return true;
    if (!("function" in producer) || seen.has(producer.function.uid) || known.has(producer.function.uid)) continue;
    if (isLoss(producer.function.number)) return true;
    seen.add(producer.function.uid);
    waiting.push(...producer.function.inputs);
  }
  for (const each of seen) known.add(each);
  return false;
}

class NetworkTranslator {
  readonly #network: Network;
  readonly #values: ReadModel["values"];
  readonly #graph = new GraphBuilder();
  readonly #made = new Map<NetworkFunction, readonly NetworkValue[]>();
  readonly #leaves = new Map<string, NetworkValue>();
  readonly #sequences = new Map<string, string>();

  constructor({ network, values }: ReadModel) {
    this.#network = network;
    this.#values = values;
  }

  async run(outputs: readonly string[], signal: AbortSignal): Promise<void> {
    const network = this.#network;
    const roots = outputs.flatMap((uid) => {
      const producer = network.producer(uid);
      return "function" in producer ? [producer.function] : [];
    });
    const order = components(roots, (each) => needsOf(network, each));
    for (const [i, component] of order.entries()) {
      if (i % FUNCTIONS_IN_A_TURN === FUNCTIONS_IN_A_TURN - 1) {
        throwIfAborted(signal);
        await setImmediate();
      }
      const [single] = component;
      if (component.length === 1 && !needsOf(network, single!).includes(single!)) {
        this.#made.set(
          single!,
          this.#translate(single!, this.#graph, (uid) => this.#value(uid), false),
        );
      } else this.#loop(component, order, outputs);
    }
  }

  finish(outputs: readonly NetworkOutput[]): GraphBuilder {
    const taken = new Set(this.#graph.inputs.map(({ name }) => name));
    for (const { uid, name } of outputs) {
      const { value } = this.#value(uid);
      let given = name === "" || taken.has(name) ? uid : name;
      if (taken.has(given)) given = `${uid}_Output_0`;
      if (taken.has(given)) continue;
      taken.add(given);
      this.#graph.output(given, value);
    }
    return this.#graph;
  }

  /** The value of anything that is no part of a loop being translated. */
  #value(uid: string): NetworkValue {
    const producer = this.#network.producer(uid);
    if ("variable" in producer) return this.#leaf(producer.variable);
    const value = this.#made.get(producer.function)?.[producer.output];
    if (value !== undefined) return value;
    throw damaged(`${quoted(producer.function.uid)} has no output ${producer.output}`);
  }

  #leaf(variable: Variable): NetworkValue {
    const known = this.#leaves.get(variable.uid);
    if (known !== undefined) return known;
    const made = this.#makeLeaf(variable);
    this.#leaves.set(variable.uid, made);
    return made;
  }

  #makeLeaf({ uid, name, kind, dtype, sizes, dynamicAxes }: Variable): NetworkValue {
    const what = `${kind} ${quoted(name === "" ? uid : name)}`;
    if (kind === "placeholder") throw damaged(`${what} stands for nothing`);
    if (dtype === undefined) throw new ServingError("unimplemented", `${what} has a data type that is not known`);
    const known = [...sizes].reverse();
    if (kind !== "input") {
      const data = this.#values.get(uid);
      if (data === undefined) throw damaged(`${what} has no value`);
      const shape = known.map((size) => (typeof size === "number" ? size : -1));
      return { value: this.#graph.constant(dtype, shape, data), dynamic: 0 };
    }
    const dynamic = dynamicAxes.length;
    if (dynamic > 2) throw new ServingError("unimplemented", `${what} has ${dynamic} dynamic axes`);
    const given = this.#inputName(uid, name);
    // CNTK's order has the sequence before the batch.
    const leading =
      dynamic === 0 ? [] : ["batch", ...dynamicAxes.slice(0, dynamic - 1).map((axis) => this.#sequenceName(axis.name))];
    const shape = known.map((size, i) => {
      if (typeof size === "number") return size;
      if (size === "free") return `${given}_${dynamic + i}`;
      throw new ServingError("unimplemented", `${what} has a shape that is not known`);
    });
    return { value: this.#graph.input(given, dtype, [...leading, ...shape]), dynamic };
  }

  #inputName(uid: string, name: string): string {
    return name === "" || this.#graph.inputs.some((input) => input.name === name) ? uid : name;
  }

  /** Axes of sequences are told apart by their names; `batch` is no such name. */
  #sequenceName(name: string): string {
    const known = this.#sequences.get(name);
    if (known !== undefined) return known;
    const taken = new Set(["batch", ...this.#sequences.values()]);
    let given = name === "defaultDynamicAxis" || name === "" ? "sequence" : name;
    while (taken.has(given)) given += "_";
    this.#sequences.set(name, given);
    return given;
  }

  #loop(component: readonly NetworkFunction[], order: readonly (readonly NetworkFunction[])[], outputs: readonly string[]): void {
    const network = this.#network;
    const inside = new Set(component);
    const isInside = (producer: Producer) => "function" in producer && inside.has(producer.function);
    const used = new Set<NetworkFunction>();
    const use = (uid: string): void => {
      const producer = network.producer(uid);
      if ("function" in producer && inside.has(producer.function)) used.add(producer.function);
    };
    for (const uid of outputs) use(uid);
    for (const each of order.flat()) if (!inside.has(each)) for (const uid of each.inputs) use(uid);
    const loop: Loop = {
      graph: this.#graph,
      network,
      functions: this.#orderInLoop(component),
      isInside,
      used,
      outside: (uid) => this.#value(uid),
      translate: (each, graph, lookUp) => this.#translate(each, graph, lookUp, true),
      originOf,
    };
    for (const [each, values] of translateLoop(loop)) this.#made.set(each, values);
  }

  /** The functions of a loop, each after what it needs of the same step. @throws ServingError for a loop without a delay */
  #orderInLoop(component: readonly NetworkFunction[]): readonly NetworkFunction[] {
    const inside = new Set(component);
    const order = components(component, (each) =>
      isDelay(each) ? [] : needsOf(this.#network, each).filter((need) => inside.has(need)),
    );
    const circular = order.find((part) => part.length > 1);
    if (circular !== undefined)
      throw damaged(`${originOf(circular[0]!)} depends on its own result, without a past or future value`);
    return order.flat();
  }

  #translate(
    called: NetworkFunction,
    graph: GraphBuilder,
    lookUp: (uid: string) => NetworkValue,
    inLoop: boolean,
  ): readonly NetworkValue[] {
    const origin = originOf(called);
    const found = functionNumbered(called.number);
    if (found === undefined)
      throw new ServingError("unimplemented", `${origin} is not covered${ADVICE.get(called.number ?? -1) ?? ""}`);
    graph.at(origin);
    const used = called.number === GATHER_PACKED || called.number === TO_SEQUENCE ? called.inputs.slice(0, 1) : called.inputs;
    const attributes = new FunctionAttributes(called.attributes, (code, message) => graph.fault(code, message));
    const call = new FunctionCall({
      graph,
      network: this.#network,
      called,
      inputs: used.map(lookUp),
      attributes,
      inLoop,
      numberOf: (uid) => this.#numberOf(uid),
    });
    const result = found.translate(call);
    attributes.expectAllRead();
    return Array.isArray(result) ? (result as readonly NetworkValue[]) : [result as NetworkValue];
  }

  #numberOf(uid: string): number | undefined {
    const data = this.#values.get(uid);
    return data?.length === 1 ? Number(data[0]) : undefined;
  }
}

const ADVICE: ReadonlyMap<number, string> = new Map([
  [
    49,
    ": it is made for GPUs, rebuild the model with CNTK's recurrent layers (cntk.misc.optimized_rnnstack_converter) and save it again",
  ],
  [13, ": it picks items by what they hold, and sequences of one batch have the same length here"],
]);

/** What errors call a function: CNTK's name of it, and its own. */
function originOf({ uid, name, number }: NetworkFunction): string {
  return `${nameOfFunction(number)} ${quoted(name === "" ? uid : name)}`;
}
