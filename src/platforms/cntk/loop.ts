import type { ServingError } from "../../base/serving-error.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Size } from "../../graph/graph-value.ts";
import { damaged } from "./dictionary.ts";
import type { Network, NetworkFunction, Producer } from "./network.ts";
import { dynamicParts, expanded, type NetworkValue, shapeOf, staticParts, staticShape, unsqueezed } from "./network-value.ts";

const PAST = 37;
const FUTURE = 38;
/** A state's shape that no variable tells is found out by translating the loop anew. */
const MOST_ATTEMPTS = 4;

/** A loop over a sequence, and what it is translated with. */
export interface Loop {
  readonly graph: GraphBuilder;
  readonly network: Network;
  /** Each after what it needs of the same step. */
  readonly functions: readonly NetworkFunction[];
  readonly isInside: (producer: Producer) => boolean;
  /** Those whose outputs are used outside of the loop. */
  readonly used: ReadonlySet<NetworkFunction>;
  readonly outside: (uid: string) => NetworkValue;
  readonly translate: (
    called: NetworkFunction,
    graph: GraphBuilder,
    lookUp: (uid: string) => NetworkValue,
  ) => readonly NetworkValue[];
  readonly originOf: (called: NetworkFunction) => string;
}

/** A past or future value in a loop. */
interface Delay {
  readonly called: NetworkFunction;
  readonly offset: number;
  readonly initial: NetworkValue;
  /** The static shape of what it holds. */
  shape: readonly Size[];
}

/** Whether a function gives the values of other items of a sequence. */
export function isDelay({ number }: NetworkFunction): boolean {
  return number === PAST || number === FUTURE;
}

/**
 * Translates a loop into ONNX's Scan: past and future values are its states, sequences from outside go in item by item.
 * @returns the outputs of the functions that are used outside
 * @throws ServingError unimplemented for what a Scan cannot do, data-loss for a loop without a delay
 */
export function translateLoop(loop: Loop): ReadonlyMap<NetworkFunction, readonly NetworkValue[]> {
  const { functions, graph, originOf } = loop;
  const delayed = functions.filter(isDelay);
  const [first] = delayed;
  if (first === undefined) throw damaged(`${originOf(functions[0]!)} depends on its own result, without a past or future value`);
  graph.at(originOf(first));
  const backwards = first.number === FUTURE;
  if (delayed.some(({ number }) => (number === FUTURE) !== backwards))
    throw graph.fault("unimplemented", "its loop goes forwards and backwards");
  const delays = delayed.map((called) => delayOf(loop, called));
  const sequences = sequencesInto(loop);
  const [guide] = sequences.values();
  if (guide === undefined) throw graph.fault("unimplemented", "no sequence from outside says how often its loop goes");
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const body = new Body(loop, delays, sequences);
    if (body.settles()) return body.scan(guide, backwards);
  }
  throw graph.fault("unimplemented", "the shape of its loop's state cannot be told");
}

function delayOf({ graph, network, isInside, outside, originOf }: Loop, called: NetworkFunction): Delay {
  graph.at(originOf(called));
  const [moved = "", initial = ""] = called.inputs;
  const offset = called.attributes.get("offset") ?? 1;
  if (typeof offset !== "number") throw graph.fault("invalid-argument", "its offset is no number");
  if (!(offset >= 1 && offset <= 1024)) throw graph.fault("unimplemented", `it looks ${offset} items away`);
  if (isInside(network.producer(initial))) throw graph.fault("unimplemented", "its initial value depends on the loop");
  const value = outside(initial);
  if (value.dynamic > 1) throw graph.fault("unimplemented", "its initial value is a sequence");
  return { called, offset, initial: value, shape: toldShape(network, moved) ?? staticShape(value) };
}

/** The static shape of an output, where a variable tells it: what is used before it is made has been saved as one. */
function toldShape(network: Network, uid: string): readonly Size[] | undefined {
  const wanted = network.producer(uid);
  if (!("function" in wanted)) return undefined;
  for (const variable of network.variables.values()) {
    if (variable.kind !== "placeholder") continue;
    const [, owner = ""] = /^(.*)_Output_\d{1,6}$/s.exec(variable.uid) ?? [];
    if (!network.functions.has(owner)) continue;
    const found = network.producer(variable.uid);
    if (!("function" in found) || found.function !== wanted.function || found.output !== wanted.output) continue;
    const sizes = [...variable.sizes].reverse();
    if (sizes.every((size) => typeof size === "number")) return sizes;
  }
  return undefined;
}

/** The sequences that go into a loop from outside, by the uid of what makes them. */
function sequencesInto({ functions, network, isInside, outside }: Loop): ReadonlyMap<string, NetworkValue> {
  const found = new Map<string, NetworkValue>();
  for (const called of functions) {
    for (const uid of isDelay(called) ? [] : called.inputs) {
      const producer = network.producer(uid);
      if (isInside(producer)) continue;
      const value = outside(uid);
      if (value.dynamic === 2) found.set(keyOf(producer), value);
    }
  }
  return found;
}

function keyOf(producer: Producer): string {
  return "function" in producer ? `${producer.function.uid}_Output_${producer.output}` : producer.variable.uid;
}

/** One step of a loop: what goes in, and what comes out. */
class Body {
  readonly #loop: Loop;
  readonly #delays: readonly Delay[];
  readonly #sequences: ReadonlyMap<string, NetworkValue>;
  readonly #graph: GraphBuilder;
  readonly #made = new Map<NetworkFunction, readonly NetworkValue[]>();
  readonly #items = new Map<string, NetworkValue>();
  /** By delay, what is held: the nearest item first. */
  readonly #held: readonly (readonly NetworkValue[])[];

  constructor(loop: Loop, delays: readonly Delay[], sequences: ReadonlyMap<string, NetworkValue>) {
    this.#loop = loop;
    this.#delays = delays;
    this.#sequences = sequences;
    const graph = loop.graph.subgraph();
    this.#graph = graph;
    this.#held = delays.map(({ offset, initial, shape }) =>
      Array.from({ length: offset }, () => ({
        value: graph.input("state", initial.value.dtype, ["batch", ...shape]),
        dynamic: 1,
      })),
    );
    for (const [uid, { value }] of sequences) {
      const shape = shapeOf(value).filter((_, axis) => axis !== 1);
      this.#items.set(uid, { value: graph.input("item", value.dtype, shape), dynamic: 1 });
    }
    for (const [i, { called }] of delays.entries()) this.#made.set(called, [this.#held[i]!.at(-1)!]);
    for (const called of loop.functions) {
      if (!this.#made.has(called))
        this.#made.set(
          called,
          loop.translate(called, graph, (uid) => this.#value(uid)),
        );
    }
  }

  /** Whether states keep their shapes from step to step; where not, they get the new ones. */
  settles(): boolean {
    let same = true;
    for (const delay of this.#delays) {
      const next = staticShape(this.#next(delay));
      // What has fewer or smaller dimensions is repeated.
      if (fits(next, delay.shape)) continue;
      same = false;
      delay.shape = next;
    }
    return same;
  }

  scan(guide: NetworkValue, backwards: boolean): ReadonlyMap<NetworkFunction, readonly NetworkValue[]> {
    const { graph, used, functions } = this.#loop;
    const body = this.#graph;
    const batch = { of: guide.value, axis: 0 };
    const initial: NetworkValue[] = [];
    for (const [i, delay] of this.#delays.entries()) {
      const parts = delay.shape.map((size) => this.#fixed(delay, size));
      const start = { value: expanded(graph, this.#spread(delay.initial, parts.length), [batch, ...parts]), dynamic: 1 };
      const held = this.#held[i]!;
      const next = expanded(body, this.#spread(this.#next(delay), parts.length), [{ of: held[0]!.value, axis: 0 }, ...parts]);
      for (const [k, value] of [next, ...held.slice(0, -1).map((each) => each.value)].entries()) {
        body.output(`next ${k}`, value);
        initial.push(start);
      }
    }
    const given = functions
      .filter((called) => used.has(called))
      .flatMap((called) => this.#made.get(called)!.map((value, output) => ({ called, output, value })));
    const shapes = given.map(({ value }) => this.#whole(value));
    for (const value of shapes) body.output("result", value);
    const directions = backwards ? 1 : 0;
    const ends = initial.map(({ value }) => ({ dtype: value.dtype, shape: value.shape }));
    const sequence = shapeOf(guide.value)[1];
    const results = shapes.map(({ dtype, shape }) => ({ dtype, shape: shape && [shape[0], sequence, ...shape.slice(1)] }));
    const outputs = graph.addMany(
      "Scan",
      [...initial, ...this.#sequences.values()].map(({ value }) => value),
      {
        body,
        num_scan_inputs: this.#sequences.size,
        scan_input_axes: [...this.#sequences].map(() => 1),
        scan_input_directions: [...this.#sequences].map(() => directions),
        ...(given.length > 0 && {
          scan_output_axes: given.map(() => 1),
          scan_output_directions: given.map(() => directions),
        }),
      },
      ends.length + results.length,
      { outputs: [...ends, ...results] },
    );
    const found = new Map<NetworkFunction, NetworkValue[]>();
    for (const [i, { called, output }] of given.entries()) {
      const values = found.get(called) ?? [];
      values[output] = { value: outputs[ends.length + i]!, dynamic: 2 };
      found.set(called, values);
    }
    return found;
  }

  #value(uid: string): NetworkValue {
    const { network, outside, isInside } = this.#loop;
    const producer = network.producer(uid);
    const item = this.#items.get(keyOf(producer));
    if (item !== undefined) return item;
    if (!isInside(producer) || !("function" in producer)) return outside(uid);
    const value = this.#made.get(producer.function)?.[producer.output];
    if (value !== undefined) return value;
    throw damaged(`${this.#loop.originOf(producer.function)} has no output ${producer.output}`);
  }

  #next({ called }: Delay): NetworkValue {
    return this.#value(called.inputs[0] ?? "");
  }

  /** A value with a batch and as many static dimensions. */
  #spread({ value, dynamic }: NetworkValue, rank: number): NetworkValue["value"] {
    const missing = rank - (shapeOf(value).length - dynamic);
    const graph = value.node?.graph === this.#graph ? this.#graph : this.#loop.graph;
    return unsqueezed(
      graph,
      value,
      dynamic === 0 ? Array.from({ length: missing + 1 }, (_, i) => i) : Array.from({ length: missing }, (_, i) => 1 + i),
    );
  }

  /** A value of the loop with its batch, also where it does not depend on it. */
  #whole(each: NetworkValue): NetworkValue["value"] {
    if (each.dynamic > 0) return each.value;
    const [state] = this.#held[0]!;
    return expanded(this.#graph, this.#spread(each, staticShape(each).length), [...dynamicParts(state!), ...staticParts(each)]);
  }

  #fixed({ called }: Delay, size: Size): number {
    if (typeof size === "number") return size;
    const fault: ServingError = this.#loop.graph
      .at(this.#loop.originOf(called))
      .fault("unimplemented", "its state has sizes that only a call tells");
    throw fault;
  }
}

/** Whether a shape can be broadcast to another one without changing it. */
function fits(shape: readonly Size[], to: readonly Size[]): boolean {
  return shape.length <= to.length && shape.every((size, i) => size === 1 || size === to[i + to.length - shape.length]);
}
