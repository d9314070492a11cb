import { ServingError } from "../../base/serving-error.ts";
import type { Size } from "../../graph/graph-value.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { type Argument, argumentOf } from "./argument.ts";
import { dtypeOfScalarType } from "./element-types.ts";
import type { ExportedPart } from "./exported-part.ts";
import { outputNames } from "./output-names.ts";
import { sizeOf } from "./symbolic-size.ts";

/** What is known of a tensor before the graph runs. */
export interface TensorMeta {
  /** Undefined for a type that tensors here do not have. */
  readonly dtype: NumericDType | undefined;
  readonly sizes: readonly Size[];
  /** Whether its numbers lie in memory one after the other, as far as is known. */
  readonly isContiguous: boolean;
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
 * @throws ServingError data-loss for a damaged one, unimplemented for another version and for inputs and outputs that are no tensors
 */
export function readExportedProgram(document: ExportedPart): ExportedProgram {
  const version = document.at("schema_version").at("major").integer();
  if (version < 5 || version > SCHEMA) {
    throw new ServingError(
      "unimplemented",
      `it is in version ${version} of torch.export's format, where 5 to ${SCHEMA} are known: export the model with torch 2.5 or later`,
    );
  }
  const module = document.at("graph_module");
  const signature = module.at("signature");
  const graph = readGraph(module.at("graph"), 0);
  const constants: ExportedConstant[] = [];
  const inputs: ExportedPort[] = [];
  for (const spec of signature.at("input_specs").list()) readInput(spec, constants, inputs);
  const outputs: string[] = [];
  const changed: string[] = [];
  for (const spec of signature.at("output_specs").list()) readOutput(spec, outputs, changed);
  const names = outputNames(module, outputs.length);
  return { graph, constants, inputs, outputs: outputs.map((name, i) => ({ alias: names[i]!, name })), changed };
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
  const sizes = part.at("sizes").list().map(sizeOf);
  const strides = part.at("strides").isThere ? part.at("strides").list().map(sizeOf) : [];
  return { dtype: dtypeOfScalarType(part.at("dtype").integer()), sizes, isContiguous: isContiguous(sizes, strides) };
}

function isContiguous(sizes: readonly Size[], strides: readonly Size[]): boolean {
  let expected: Size = 1;
  for (let i = sizes.length - 1; i >= 0; i--) {
    const [size, stride] = [sizes[i], strides[i]];
    if (typeof stride === "number" && typeof expected === "number" && stride !== expected && size !== 1) return false;
    expected = typeof expected === "number" && typeof size === "number" ? expected * size : undefined;
  }
  return true;
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

function readOutput(spec: ExportedPart, outputs: string[], changed: string[]): void {
  const [kind] = spec.keys();
  const part = spec.at(kind ?? "");
  if (kind === "user_output") {
    const argument = argumentOf(part.at("arg"), undefined);
    if (argument.kind === "tensor") outputs.push(argument.name);
    else throw notTensor("output", part);
  } else if (kind === "buffer_mutation") changed.push(part.at("buffer_name").text());
  else throw new ServingError("unimplemented", `it has an output that is ${String(kind).slice(0, 64)}, which is not covered`);
}

function notTensor(what: string, part: ExportedPart): ServingError {
  const [kind] = part.at("arg").keys();
  return new ServingError("unimplemented", `it has an ${what} that is no tensor (${String(kind).slice(0, 64)})`);
}
