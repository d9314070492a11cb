import type { Argument } from "./argument.ts";
import type { ExportedGraph } from "./exported-program.ts";

/** A graph within another, with names that nothing around it has: graphs are named each for itself. */
export function scopedGraph(graph: ExportedGraph, scope: string): ExportedGraph {
  const named = (name: string) => `${scope}/${name}`;
  const argument = (given: Argument): Argument => {
    if (given.kind === "tensor" || given.kind === "symbol") return { ...given, name: named(given.name) };
    if (given.kind === "tensors") return { ...given, names: given.names.map((name) => (name === null ? null : named(name))) };
    if (given.kind !== "numbers") return given;
    const values = given.values.map((value) => (typeof value === "number" ? value : { symbol: named(value.symbol) }));
    return { ...given, values };
  };
  return {
    inputs: graph.inputs.map(argument),
    outputs: graph.outputs.map(argument),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: new Map([...node.inputs].map(([name, given]) => [name, argument(given)])),
      outputs: node.outputs.map((output) =>
        output === undefined || typeof output === "string" ? output && named(output) : output.map(named),
      ),
    })),
    tensors: new Map([...graph.tensors].map(([name, meta]) => [named(name), meta])),
  };
}
