import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { Size } from "../../graph/graph-value.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { type Argument, argumentOf } from "./argument.ts";
import { dtypeOfScalarType } from "./element-types.ts";
import type { ExportedPart } from "./exported-part.ts";
import { extentOf, type MemoryLayout } from "./memory-layout.ts";
import { outputNames } from "./output-names.ts";
import { sizeOf } from "./symbolic-size.ts";

/** What is known of a tensor before the graph runs. */
export interface TensorMeta {
  /** Undefined for a type that tensors here do not have. */
  readonly dtype: NumericDType | undefined;
  readonly sizes: readonly Size[];
  readonly layout: MemoryLayout;
}

/** One operation of a graph. */
export interface ExportedNode {
  /** `torch.ops.aten.conv2d.default`. */
  readonly target: string;
  readonly name: string;
  /** Arguments by name; positional ones of operations without a schema are called by their places. */
  readonly inputs: ReadonlyMap<string, Argument>;
  /** Names of what it gives; several within one for a list. Undefined for an output that is nothing. */
  readonly outputs: readonly (string | undefined | readonly string[])[];
}

/** A graph: what it takes, does and gives. */
export interface ExportedGraph {
  readonly inputs: readonly Argument[];
  readonly outputs: readonly Argument[];
  readonly nodes: readonly ExportedNode[];
  readonly tensors: ReadonlyMap<string, TensorMeta>;
}

/** A parameter, buffer or constant and the name that the graph has for it. */
export interface ExportedConstant {
  readonly name: string;
  /** Its key among the weights or, for a constant, the constants. */
  readonly key: string;
  readonly isConstant: boolean;
}

/** An input or output that callers see, and the name that the graph has for it. */
export interface ExportedPort {
  readonly alias: string;
  readonly name: string;
}

/** What torch.export wrote of a model, without its weights. */
export interface ExportedProgram {
  readonly graph: ExportedGraph;
  readonly constants: readonly ExportedConstant[];
  readonly inputs: readonly ExportedPort[];
  readonly outputs: readonly ExportedPort[];
  /** Buffers that a call would change. */
  readonly changed: readonly string[];
}

/** The only version of the schema that is known; it was 8 from torch 2.5 on. */
const SCHEMA = 8;

/**
 * Reads the JSON of an exported program.
 * @throws ServingError when the signal aborts; data-loss for a damaged one, unimplemented for another version and for inputs and outputs that are no tensors
 */
export async function readExportedProgram(document: ExportedPart, signal: AbortSignal): Promise<ExportedProgram> {
  const version = document.at("schema_version").at("major").integer();
  if (version < 5 || version > SCHEMA) {
    throw new ServingError(
      "unimplemented",
      `it is in version ${version} of torch.export's format, where 5 to ${SCHEMA} are known: export the model with torch 2.5 or later`,
    );
  }
  const module = document.at("graph_module");
  const signature = module.at("signature");
  const graph = await readMainGraph(module.at("graph"), signal);
  const constants: ExportedConstant[] = [];
  const inputs: ExportedPort[] = [];
  for (const spec of signature.at("input_specs").list()) readInput(spec, constants, inputs);
  const outputs: (string | undefined)[] = [];
  const changed: string[] = [];
  for (const spec of signature.at("output_specs").list()) readOutput(spec, outputs, changed);
  const names = outputNames(module, outputs.length);
  const ports = outputs.flatMap((name, i) => (name === undefined ? [] : [{ alias: names[i]!, name }]));
  return { graph, constants, inputs, outputs: ports, changed };
}

/** Parts that are read without letting others have their turn. */
const PARTS_IN_A_TURN = 200;

/** The graph around all others, which may be large. */
async function readMainGraph(part: ExportedPart, signal: AbortSignal): Promise<ExportedGraph> {
  const argument = (each: ExportedPart) => argumentOf(each, (graph) => readGraph(graph, 1));
  const nodes = part.at("nodes").list();
  const tensors = part.at("tensor_values").entries();
  return {
    inputs: part.at("inputs").list().map(argument),
    outputs: part.at("outputs").list().map(argument),
    nodes: await inTurns(nodes, (node) => readNode(node, argument), signal),
    tensors: new Map(await inTurns(tensors, ([name, meta]) => [name, metaOf(meta)] as const, signal)),
  };
}

async function inTurns<From, To>(parts: readonly From[], read: (part: From) => To, signal: AbortSignal): Promise<To[]> {
  const done: To[] = [];
  for (const [i, part] of parts.entries()) {
    done.push(read(part));
    if ((i + 1) % PARTS_IN_A_TURN !== 0) continue;
    await setImmediate();
    throwIfAborted(signal);
  }
  return done;
}

/** Graphs within one another. */
const MOST_DEPTH = 16;

/** A graph, which may have others within. @throws ServingError data-loss */
export function readGraph(part: ExportedPart, depth: number): ExportedGraph {
  if (depth > MOST_DEPTH) throw part.damaged(`is within more than ${MOST_DEPTH} others`);
  const argument = (each: ExportedPart) => argumentOf(each, (graph) => readGraph(graph, depth + 1));
  return {
    inputs: part.at("inputs").list().map(argument),
    outputs: part.at("outputs").list().map(argument),
    nodes: part
      .at("nodes")
      .list()
      .map((node) => readNode(node, argument)),
    tensors: new Map(
      part
        .at("tensor_values")
        .entries()
        .map(([name, meta]) => [name, metaOf(meta)] as const),
    ),
  };
}

/** Dtype and sizes as the program says them. */
export function metaOf(part: ExportedPart): TensorMeta {
  const sizes = part.at("sizes").list();
  const strides = part.at("strides").isThere ? part.at("strides").list() : [];
  return {
    dtype: dtypeOfScalarType(part.at("dtype").integer()),
    sizes: sizes.map(sizeOf),
    layout: { sizes: sizes.map(extentOf), strides: strides.map(extentOf) },
  };
}

function readNode(part: ExportedPart, argument: (part: ExportedPart) => Argument): ExportedNode {
  const inputs = new Map<string, Argument>();
  for (const [i, input] of part.at("inputs").list().entries()) {
    const name = input.at("name").isThere ? input.at("name").text() : "";
    inputs.set(name === "" || inputs.has(name) ? String(i) : name, argument(input.at("arg")));
  }
  const outputs = part
    .at("outputs")
    .list()
    .map((output) => namesIn(argument(output)));
  const own = part.at("name");
  const first = outputs.flat().find((name) => name !== undefined);
  return { target: part.at("target").text(), name: own.isThere ? own.text() : (first ?? ""), inputs, outputs };
}

function namesIn(argument: Argument): string | undefined | readonly string[] {
  if (argument.kind === "tensor" || argument.kind === "symbol") return argument.name;
  if (argument.kind === "tensors") return argument.names.map((name) => name ?? "");
  return undefined;
}

function readInput(spec: ExportedPart, constants: ExportedConstant[], inputs: ExportedPort[]): void {
  const [kind] = spec.keys();
  const part = spec.at(kind ?? "");
  switch (kind) {
    case "parameter":
    case "buffer":
      constants.push({ name: part.at("arg").at("name").text(), key: part.at(`${kind}_name`).text(), isConstant: false });
      return;
    case "tensor_constant":
      constants.push({ name: part.at("arg").at("name").text(), key: part.at("tensor_constant_name").text(), isConstant: true });
      return;
    case "constant_input":
    case "token":
      return;
    case "user_input": {
      const argument = argumentOf(part.at("arg"), undefined);
      if (argument.kind === "tensor") inputs.push({ alias: argument.name, name: argument.name });
      else if (argument.kind !== "none") throw notTensor("input", part);
      return;
    }
    default:
      throw new ServingError("unimplemented", `it has an input that is ${String(kind).slice(0, 64)}, which is not covered`);
  }
}

/** Adds an output, undefined for one that is None. */
function readOutput(spec: ExportedPart, outputs: (string | undefined)[], changed: string[]): void {
  const [kind] = spec.keys();
  const part = spec.at(kind ?? "");
  if (kind === "user_output") {
    const argument = argumentOf(part.at("arg"), undefined);
    if (argument.kind === "tensor") outputs.push(argument.name);
    else if (argument.kind === "none") outputs.push(undefined);
    else throw notTensor("output", part);
    // Of what a call makes of its inputs nobody hears.
  } else if (kind === "user_input_mutation") return;
  else if (kind === "buffer_mutation") changed.push(part.at("buffer_name").text());
  else throw new ServingError("unimplemented", `it has an output that is ${String(kind).slice(0, 64)}, which is not covered`);
}

function notTensor(what: string, part: ExportedPart): ServingError {
  const [kind] = part.at("arg").keys();
  return new ServingError("unimplemented", `it has an ${what} that is no tensor (${String(kind).slice(0, 64)})`);
}
