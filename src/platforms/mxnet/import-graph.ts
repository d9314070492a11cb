import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphShape, GraphValue } from "../../graph/graph-value.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { damaged } from "./damaged.ts";
import { type Wanted, wantedTypes } from "./input-types.ts";
import { OperatorAttributes } from "./operator-attributes.ts";
import { OperatorCall, type OperatorEntry } from "./operator-call.ts";
import { operatorNamed } from "./operators.ts";
import { dtypeOfNumber, type Parameter } from "./read-params.ts";
import type { SymbolEntry, SymbolGraph, SymbolNode } from "./read-symbol.ts";

/** What a model's files hold. */
export interface ModelParts {
  readonly symbol: SymbolGraph;
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Shapes of inputs by name, as far as they are given. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** What errors call the files. */
  readonly files: { readonly symbol: string; readonly params: string };
}

/** Nodes that are translated without letting others have their turn. */
const NODES_IN_A_TURN = 200;
/** Operators whose second input is a label, for training. */
const LOSSES: ReadonlySet<string> = new Set([
  "SoftmaxOutput",
  "Softmax",
  "LinearRegressionOutput",
  "LogisticRegressionOutput",
  "MAERegressionOutput",
  "SVMOutput",
]);
/** Before 0.9 a file did not name what these compute in training. */
const AUXILIARY: ReadonlyMap<string, readonly string[]> = new Map(
  ["BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm"].map((name) => [name, ["moving_mean", "moving_var"]]),
);
/** What parameters are called, and inputs are not. */
const PARAMETER_NAME = /_(?:weight|bias|gamma|beta|(?:moving|running)_(?:mean|var)|parameters)$/;

/**
 * Makes an ONNX graph of a model. Its inputs are the variables that are neither parameters nor labels, its outputs the graph's heads.
 * @throws ServingError unimplemented for what is not covered, naming operator and node; invalid-argument and data-loss for what cannot be
 * right; each names the file
 */
export async function importGraph(parts: ModelParts, signal: AbortSignal): Promise<GraphBuilder> {
  const importer = new Importer(parts);
  for (let id = 0; id < parts.symbol.nodes.length; id++) {
    if (id % NODES_IN_A_TURN === 0) {
      await setImmediate();
      throwIfAborted(signal);
    }
    importer.addNode(id);
  }
  return importer.finish();
}

class Importer {
  readonly #parts: ModelParts;
  readonly #graph = new GraphBuilder();
  readonly #wanted: readonly Wanted[];
  readonly #labels: ReadonlySet<number>;
  /** Outputs of the nodes so far; undefined for a label. */
  readonly #outputs: (readonly GraphValue[] | undefined)[] = [];
  readonly #needed: readonly boolean[];

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.#wanted = wantedTypes(parts.symbol, parts.parameters);
    this.#labels = labelsOf(parts.symbol);
    this.#needed = neededNodes(parts.symbol);
  }

  addNode(id: number): void {
    const node = this.#parts.symbol.nodes[id]!;
    // What no head needs may be anything.
    this.#outputs.push(this.#needed[id] && !this.#labels.has(id) ? this.#translated(node, id) : undefined);
  }

  finish(): GraphBuilder {
    const { symbol, files } = this.#parts;
    const taken = new Set<string>();
    for (const { name } of this.#graph.inputs) {
      if (taken.has(name)) throw damaged(files.symbol, `has two inputs called ${JSON.stringify(name.slice(0, 128))}`);
      taken.add(name);
    }
    const given = new Set<string>();
    for (const head of symbol.heads) {
      // A head may be there twice.
      const key = `${head.node} ${head.output}`;
      if (given.has(key)) continue;
      given.add(key);
      const value = this.#valueOf(head);
      if (value === undefined) throw damaged(files.symbol, "has a label for an output");
      const name = this.#outputName(head);
      if (taken.has(name)) throw damaged(files.symbol, `has two inputs or outputs called ${JSON.stringify(name.slice(0, 128))}`);
      taken.add(name);
      this.#graph.at("").output(name, value);
    }
    return this.#graph;
  }

  #translated(node: SymbolNode, id: number): readonly GraphValue[] {
    if (node.operator === undefined) return [this.#variable(node, this.#wanted[id]!)];
    const { symbol, files } = this.#parts;
    // Names are anybody's, and may be long.
    this.#graph.at(`${files.symbol}: ${node.operator.slice(0, 64)} ${JSON.stringify(node.name.slice(0, 128))}`);
    const entry = operatorNamed(node.operator);
    if (entry === undefined) throw this.#graph.fault("unimplemented", "this operator is not covered");
    const attributes = new OperatorAttributes(node.attributes, (code, message) => this.#graph.fault(code, message));
    const call = new OperatorCall(this.#graph, node.operator, this.#inputsOf(node), attributes, symbol.version);
    const outputs = this.#translate(entry, call);
    attributes.expectAllRead();
    return outputs;
  }

  /** What is found wrong names the node. */
  #translate(entry: OperatorEntry, call: OperatorCall): readonly GraphValue[] {
    try {
      const outputs = entry.translate(call);
      return Array.isArray(outputs) ? outputs : [outputs as GraphValue];
    } catch (reason) {
      if (!(reason instanceof ServingError) || reason.message.startsWith(this.#graph.origin)) throw reason;
      throw new ServingError(reason.code, `${this.#graph.origin}: ${reason.message}`, { cause: reason });
    }
  }

  #inputsOf(node: SymbolNode): readonly GraphValue[] {
    const inputs: GraphValue[] = [];
    for (const [i, entry] of node.inputs.entries()) {
      const value = this.#valueOf(entry);
      if (value !== undefined) inputs.push(value);
      else if (!(i === 1 && LOSSES.has(node.operator!))) throw this.#graph.fault("invalid-argument", `its input ${i} is a label`);
    }
    const missing = AUXILIARY.get(node.operator!);
    if (missing === undefined || node.inputs.length !== 3) return inputs;
    return [...inputs, ...missing.map((name) => this.#parameter(`${node.name}_${name}`))];
  }

  #valueOf({ node, output }: SymbolEntry): GraphValue | undefined {
    const outputs = this.#outputs[node];
    const value = outputs?.[output];
    if (outputs === undefined || value !== undefined) return value;
    const from = this.#parts.symbol.nodes[node]!;
    throw new ServingError(
      "unimplemented",
      `${this.#parts.files.symbol}: ${from.operator} ${JSON.stringify(from.name.slice(0, 128))}: its output ${output} is not covered`,
    );
  }

  #variable(node: SymbolNode, wanted: Wanted): GraphValue {
    const { name, attributes } = node;
    const { parameters, shapes } = this.#parts;
    if (parameters.has(name) || PARAMETER_NAME.test(name)) return this.#parameter(name);
    const declared = shapes.get(name) ?? declaredShape(attributes.get("__shape__"));
    const dtype = declaredDType(attributes.get("__dtype__")) ?? wanted.dtype ?? "float32";
    return this.#graph.input(name, dtype, inputShape(declared, wanted.shape));
  }

  #parameter(name: string): GraphValue {
    const parameter = this.#parts.parameters.get(name);
    if (parameter !== undefined) return this.#graph.constant(parameter.dtype, parameter.shape, parameter.data);
    throw damaged(this.#parts.files.params, `has no array for ${JSON.stringify(name.slice(0, 128))}`);
  }

  #outputName({ node, output }: SymbolEntry): string {
    const { operator, name } = this.#parts.symbol.nodes[node]!;
    if (operator === undefined) return this.#graph.inputs.some((input) => input.name === name) ? `${name}_output` : name;
    const names = operatorNamed(operator)?.outputs;
    const numbered = names === "numbered" || (this.#outputs[node]?.length ?? 1) > 1;
    const own = names === "numbered" ? undefined : names?.[output];
    return `${name}_${own ?? (numbered ? `output${output}` : "output")}`;
  }
}

/** Variables that are labels and nothing else. */
function labelsOf({ nodes, heads }: SymbolGraph): ReadonlySet<number> {
  const labels = new Set<number>();
  for (const { operator, inputs } of nodes) {
    const label = operator !== undefined && LOSSES.has(operator) ? inputs[1]?.node : undefined;
    if (label !== undefined && nodes[label]!.operator === undefined) labels.add(label);
  }
  for (const { operator, inputs } of nodes) {
    for (const [i, { node }] of inputs.entries()) if (!(i === 1 && LOSSES.has(operator!))) labels.delete(node);
  }
  for (const { node } of heads) labels.delete(node);
  return labels;
}

/** Whether a head needs a node, by its number. */
function neededNodes({ nodes, heads }: SymbolGraph): readonly boolean[] {
  const needed = Array<boolean>(nodes.length).fill(false);
  for (const { node } of heads) needed[node] = true;
  for (let id = nodes.length - 1; id >= 0; id--) {
    if (needed[id]) for (const { node } of nodes[id]!.inputs) needed[node] = true;
  }
  return needed;
}

/** `(0, 3, 224, 224)`, where 0 and -1 are unknown; undefined for what is no such text. */
function declaredShape(text: string | undefined): readonly number[] | undefined {
  if (text === undefined || !/^[([][-\d\s,L]*[)\]]$/.test(text.trim())) return undefined;
  const items = text.trim().slice(1, -1).split(",");
  const sizes = items.map((item) => item.trim().replace(/L$/, "")).filter((item) => item !== "");
  return sizes.length === 0 ? undefined : sizes.map(Number);
}

function declaredDType(text: string | undefined): NumericDType | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : dtypeOfNumber(Number(text));
}

/** What is declared, with the batch free; what only the graph knows has the names of its dimensions. */
function inputShape(declared: readonly number[] | undefined, wanted: GraphShape): GraphShape {
  const named = wanted?.some((size) => typeof size === "string") ?? false;
  if (declared === undefined) return wanted?.map((size, i) => size ?? (i === 0 && !named ? "batch" : undefined));
  const fits = wanted?.length === declared.length;
  return declared.map((size, i) => {
    const other = fits ? wanted[i] : undefined;
    if (typeof other === "string") return other;
    if (i === 0 && !(fits && named)) return "batch";
    return size > 0 ? size : other;
  });
}
