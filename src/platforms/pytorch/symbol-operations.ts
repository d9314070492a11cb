import { elementTypeOf } from "../../graph/element-type.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphValue } from "../../graph/graph-value.ts";
import type { Argument } from "./argument.ts";
import type { ExportedNode } from "./exported-program.ts";

/** Python's operators on whole numbers, as ONNX has them. */
const ARITHMETIC: ReadonlyMap<string, string> = new Map([
  ["add", "Add"],
  ["sub", "Sub"],
  ["mul", "Mul"],
  ["pow", "Pow"],
]);
const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "not_", "sym_not"]);

/**
 * What an operation on sizes gives, without dimensions; "check" for a comparison, which only the exporter's checks need; undefined for
 * what is no operation on sizes.
 * @throws ServingError unimplemented for one that is not covered
 */
export function symbolOperation(
  node: ExportedNode,
  graph: GraphBuilder,
  symbol: (name: string) => GraphValue,
  tensor: (name: string) => GraphValue,
): GraphValue | "check" | undefined {
  const given = [...node.inputs.values()];
  const number = (argument: Argument | undefined): GraphValue => {
    if (argument?.kind === "symbol") return symbol(argument.name);
    if (argument?.kind === "number" && Number.isInteger(argument.value)) return graph.scalar("int64", argument.value);
    throw graph.fault("unimplemented", "it computes with something else than whole numbers");
  };
  const { target } = node;
  if (target === "torch.ops.aten.sym_size.int") {
    const [self, dimension] = given;
    if (self?.kind !== "tensor" || dimension?.kind !== "number")
      throw graph.fault("invalid-argument", "it has no tensor and dimension");
    const value = tensor(self.name);
    const axis = dimension.value < 0 && value.rank !== undefined ? dimension.value + value.rank : dimension.value;
    return graph.add("Gather", [graph.add("Shape", [value]), graph.scalar("int64", axis)]);
  }
  if (target === "torch.ops.aten.sym_numel.default") {
    const [self] = given;
    if (self?.kind !== "tensor") throw graph.fault("invalid-argument", "it has no tensor");
    return graph.add("Size", [tensor(self.name)]);
  }
  const [, name] = /^(?:_operator|operator|math|torch)\.(\w+)$/.exec(target) ?? [];
  if (name === undefined) return undefined;
  const operator = ARITHMETIC.get(name);
  if (operator !== undefined) return graph.add(operator, [number(given[0]), number(given[1])]);
  if (name === "neg") return graph.add("Neg", [number(given[0])]);
  if (name === "floordiv") return floorDivided(graph, number(given[0]), number(given[1]));
  if (name === "mod") return graph.add("Mod", [number(given[0]), number(given[1])]);
  if (name === "sym_max" || name === "sym_min") return graph.add(name === "sym_max" ? "Max" : "Min", given.map(number));
  if (COMPARISONS.has(name)) return "check";
  return undefined;
}

/** Whole numbers divided and rounded down, as Python does. */
function floorDivided(graph: GraphBuilder, a: GraphValue, b: GraphValue): GraphValue {
  const to = elementTypeOf("int64");
  const rest = graph.add("Mod", [a, b]);
  return graph.add("Cast", [graph.add("Div", [graph.add("Sub", [a, rest]), b])], { to });
}
