import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { elementTypeOf } from "../../graph/element-type.ts";
import { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphValue } from "../../graph/graph-value.ts";
import type { NumericArray } from "../../tensor/dtype.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { Argument } from "./argument.ts";
import { AtenCall, type CallContext, type OperatorEntry } from "./aten-call.ts";
import type { ExportedGraph, ExportedNode, ExportedProgram, TensorMeta } from "./exported-program.ts";
import { canBeSeenAs, isContiguous } from "./memory-layout.ts";
import { operatorNamed } from "./operators.ts";
import { scopedGraph } from "./scoped-graph.ts";
import { symbolOperation } from "./symbol-operations.ts";
import { TensorNames } from "./tensor-names.ts";

/** A weight in memory. */
export interface Weight {
  readonly dtype: NonNullable<TensorMeta["dtype"]>;
  readonly shape: Shape;
  readonly data: NumericArray;
}

/** Operations that are translated without letting others have their turn. */
const NODES_IN_A_TURN = 200;
/** Checks of the exporter's, and marks for its tools. */
const NOTHING: ReadonlySet<string> = new Set([
  "torch.ops.aten._assert_scalar.default",
  "torch.ops.aten._assert_async.msg",
  "torch.ops.aten._assert_tensor_metadata.default",
  "torch.ops.aten.sym_constrain_range.default",
  "torch.ops.aten.sym_constrain_range_for_size.default",
  "torch.ops.aten._functional_assert_scalar.default",
]);
/** Graphs that run as they would without what is around them; arguments before the graph's own. */
const WRAPPERS: ReadonlyMap<string, number> = new Map([
  ["torch.ops.higher_order.wrap_with_set_grad_enabled", 2],
  ["torch.ops.higher_order.wrap_with_autocast", 5],
]);

const NO_META: TensorMeta = { dtype: undefined, sizes: [], layout: { sizes: [], strides: [] } };
/** What gives a part of its input only where that lies in memory as it should: else a copy. */
const MAY_COPY: ReadonlySet<string> = new Set(["reshape", "flatten", "reshape_as"]);
/** What gives its input itself. */
const SAME: ReadonlySet<string> = new Set(
  "alias detach detach_ lift_fresh dropout feature_dropout alpha_dropout feature_alpha_dropout".split(" "),
);

/** How an operation's output and its input lie in memory: apart, as the same, as a part of it, or nobody can tell. */
type Sharing = "none" | "same" | "part" | "doubtful";

/**
 * Makes an ONNX graph of an exported program.
 * @param weightOf a parameter, buffer or constant by the name that the graph has for it
 * @throws ServingError unimplemented for what is not covered, naming operation and node; invalid-argument and data-loss for what cannot be right
 */
export async function importProgram(
  program: ExportedProgram,
  weightOf: (name: string) => Weight | undefined,
  signal: AbortSignal,
): Promise<GraphBuilder> {
  const [changed] = program.changed;
  if (changed !== undefined) {
    throw new ServingError(
      "unimplemented",
      `a call changes its buffer "${changed.slice(0, 128)}", which is not covered: export the model after model.eval()`,
    );
  }
  const importer = new Importer(program, weightOf, signal);
  await importer.run();
  return importer.finish();
}

/** What translates an operation. */
interface FoundOperator {
  readonly entry: OperatorEntry;
  /** Its name without the overload. */
  readonly name: string;
  /** Whether it changes its first argument. */
  readonly inPlace: boolean;
}

class Importer {
  readonly #program: ExportedProgram;
  readonly #graph = new GraphBuilder();
  readonly #signal: AbortSignal;
  readonly #tensors: TensorNames;
  readonly #symbols = new Map<string, GraphValue>();
  #nodes = 0;

  constructor(program: ExportedProgram, weightOf: (name: string) => Weight | undefined, signal: AbortSignal) {
    this.#program = program;
    this.#signal = signal;
    this.#tensors = new TensorNames(this.#graph);
    for (const { name, key } of program.constants) {
      const weight = weightOf(name);
      if (weight === undefined) continue;
      const value = this.#graph.constant(weight.dtype, weight.shape, weight.data);
      this.#tensors.setFixed(name, value, `its buffer "${key.slice(0, 128)}"`);
    }
    for (const { alias, name } of program.inputs) {
      const { dtype, sizes } = metaIn(program.graph, name);
      if (dtype === undefined) throw new ServingError("unimplemented", `input "${alias}" has a type that is not covered`);
      this.#tensors.set(name, this.#graph.input(alias, dtype, sizes));
    }
  }

  async run(): Promise<void> {
    await this.#runGraph(this.#program.graph);
  }

  finish(): GraphBuilder {
    const taken = new Set(this.#program.inputs.map(({ alias }) => alias));
    for (const { alias, name } of this.#program.outputs) {
      if (taken.has(alias)) throw new ServingError("unimplemented", `two inputs or outputs are called "${alias.slice(0, 128)}"`);
      taken.add(alias);
      const { dtype, sizes } = metaIn(this.#program.graph, name);
      const value = this.#tensors.get(name);
      this.#graph.at("");
      // The program knows more of sizes than can be told from the nodes.
      const known = this.#graph.add("Identity", [value], {}, { outputs: [{ dtype: dtype ?? value.dtype, shape: sizes }] });
      this.#graph.output(alias, value.constant === undefined ? known : value);
    }
    return this.#graph;
  }

  async #runGraph(graph: ExportedGraph): Promise<void> {
    for (const node of graph.nodes) {
      if (++this.#nodes % NODES_IN_A_TURN === 0) {
        await setImmediate();
        throwIfAborted(this.#signal);
      }
      this.#graph.at(`${node.target.slice(0, 96)} "${node.name.slice(0, 96)}"`);
      if (NOTHING.has(node.target)) continue;
      const before = WRAPPERS.get(node.target);
      if (before !== undefined) await this.#runWrapped(node, before);
      else this.#translate(node, graph);
    }
  }

  /** Runs a graph within another as if its nodes stood there. */
  async #runWrapped(node: ExportedNode, before: number): Promise<void> {
    const given = [...node.inputs.values()];
    const at = given.findIndex(({ kind }) => kind === "graph");
    const found = given[at];
    if (found?.kind !== "graph" || at > before) throw this.#graph.fault("invalid-argument", "it has no graph");
    const inner = scopedGraph(found.graph, String(this.#nodes));
    this.#hand(given.slice(at + 1), inner.inputs);
    await this.#runGraph(inner);
    const outputs = node.outputs.flat();
    for (const [i, name] of outputs.entries()) {
      const from = inner.outputs[i];
      if (name !== undefined && from !== undefined) this.#hand([from], [{ kind: "tensor", name }]);
    }
  }

  /** Lets names stand for what other names do. */
  #hand(from: readonly Argument[], to: readonly Argument[]): void {
    if (from.length !== to.length)
      throw this.#graph.fault("invalid-argument", `its graph takes ${to.length} inputs, not ${from.length}`);
    for (const [i, argument] of from.entries()) {
      const target = to[i]!;
      if (argument.kind === "tensor" && target.kind === "tensor") this.#tensors.alias(target.name, argument.name);
      else if (argument.kind === "symbol" && target.kind === "symbol")
        this.#symbols.set(target.name, this.#symbol(argument.name));
      else if (argument.kind === "number" && target.kind === "symbol") {
        this.#symbols.set(target.name, this.#graph.scalar("int64", argument.value));
      } else if (target.kind !== "none") throw this.#graph.fault("unimplemented", `it hands ${argument.kind} to a graph`);
    }
  }

  #translate(node: ExportedNode, graph: ExportedGraph): void {
    const symbol = symbolOperation(
      node,
      this.#graph,
      (name) => this.#symbol(name),
      (name) => this.#tensors.get(name),
    );
    if (symbol !== undefined) {
      const [name] = node.outputs.flat();
      if (name !== undefined && symbol !== "check") this.#symbols.set(name, symbol);
      return;
    }
    const found = operatorOf(node.target);
    if (found === undefined) throw this.#graph.fault("unimplemented", "this operation is not covered");
    const names = node.outputs.flat();
    const metas = names.map((name) => (name === undefined ? NO_META : metaIn(graph, name)));
    const call = (values: ReadonlyMap<string, GraphValue>) => this.#call(found.entry, node, metas, graph, values);
    if (found.inPlace) {
      this.#writeInPlace(node, found, call(new Map())[0]!);
      return;
    }
    const self = node.inputs.get("self") ?? node.inputs.get("input") ?? node.inputs.get("tensor");
    const base = self?.kind === "tensor" ? self.name : "";
    const sharing = self?.kind === "tensor" ? sharingOf(found, node, metas[0]!, metaIn(graph, base)) : "none";
    const values = call(new Map());
    for (const [i, name] of names.entries()) {
      if (name === undefined) continue;
      const value = values[i];
      if (value === undefined)
        this.#tensors.setUncovered(name, this.#graph.fault("unimplemented", `its output ${i} is not covered`));
      else if (sharing === "none") this.#tensors.set(name, value);
      else if (sharing === "same") this.#tensors.setSame(name, base);
      else if (sharing === "doubtful") this.#tensors.setDoubtful(name, base, value);
      else this.#tensors.setView(name, base, value, (whole) => call(new Map([[base, whole]]))[i]!);
    }
  }

  /** What its first argument, and all that shares its memory, has become. */
  #writeInPlace(node: ExportedNode, { entry }: FoundOperator, value: GraphValue): void {
    const [self] = node.inputs.values();
    if (self?.kind !== "tensor") throw this.#graph.fault("invalid-argument", "it changes no tensor");
    const { dtype } = this.#tensors.get(self.name);
    const written = value.dtype === dtype ? value : this.#graph.add("Cast", [value], { to: elementTypeOf(dtype) });
    if (entry.isView) this.#tensors.reform(self.name, written);
    else this.#tensors.write(self.name, written);
    const [name] = node.outputs.flat();
    if (name !== undefined) this.#tensors.alias(name, self.name);
  }

  #call(
    entry: OperatorEntry,
    node: ExportedNode,
    metas: readonly TensorMeta[],
    graph: ExportedGraph,
    instead: ReadonlyMap<string, GraphValue>,
  ): readonly GraphValue[] {
    const context: CallContext = {
      graph: this.#graph,
      tensor: (name) => instead.get(name) ?? this.#tensors.get(name),
      symbol: (name) => this.#symbol(name),
      meta: (name) => metaIn(graph, name),
    };
    const call = new AtenCall(node.target.replace("torch.ops.aten.", ""), node.inputs, metas, context);
    try {
      const outputs = entry.translate(call);
      call.expectAllAsked();
      return Array.isArray(outputs) ? (outputs as readonly GraphValue[]) : [outputs as GraphValue];
    } catch (reason) {
      // Numbers that no list or dimension can have.
      if (reason instanceof RangeError) throw this.#graph.fault("invalid-argument", "its numbers cannot be right");
      if (!(reason instanceof ServingError) || reason.message.startsWith(this.#graph.origin)) throw reason;
      throw new ServingError(reason.code, `${this.#graph.origin}: ${reason.message}`, { cause: reason });
    }
  }

  #symbol(name: string): GraphValue {
    const value = this.#symbols.get(name);
    if (value === undefined) throw this.#graph.fault("invalid-argument", `there is no number "${name.slice(0, 64)}"`);
    return value;
  }
}

/** Whether a change of what an operation gives is one of its input. */
function sharingOf({ entry, name }: FoundOperator, { inputs }: ExportedNode, output: TensorMeta, self: TensorMeta): Sharing {
  if (SAME.has(name)) return "same";
  const asked = inputs.get("memory_format")?.kind ?? "none";
  const told = (shares: boolean | undefined, how: "same" | "part") => (shares === undefined ? "doubtful" : shares ? how : "none");
  if (name === "to" || name === "type_as") {
    const copy = inputs.get("copy");
    if (output.dtype !== self.dtype || (copy?.kind === "truth" && copy.value)) return "none";
    return asked === "none" ? "same" : "doubtful";
  }
  if (name === "contiguous") return told(asked === "none" ? isContiguous(self.layout) : undefined, "same");
  if (!entry.isView) return "none";
  return MAY_COPY.has(name) ? told(canBeSeenAs(self.layout, output.layout.sizes), "part") : "part";
}

function metaIn(graph: ExportedGraph, name: string): TensorMeta {
  const meta = graph.tensors.get(name);
  if (meta === undefined) throw new ServingError("data-loss", `nothing is said of the tensor "${name.slice(0, 128)}"`);
  return meta;
}

/** What translates a target; operations whose name ends in `_` change their first argument. */
function operatorOf(target: string): FoundOperator | undefined {
  const [, name, overload] = /^torch\.ops\.aten\.(\w+)\.(\w+)$/.exec(target) ?? [];
  if (name === undefined || overload === undefined) return undefined;
  const entry = operatorNamed(name, overload);
  if (entry !== undefined) return { entry, name, inPlace: name === "copy_" || name === "fill_" || name === "zero_" };
  if (!name.endsWith("_") || name.endsWith("__")) return undefined;
  const pure = operatorNamed(name.slice(0, -1), overload);
  return pure === undefined ? undefined : { entry: pure, name, inPlace: true };
}
