import type { GraphValue, Size } from "./graph-value.ts";
import { constantIntegers, integerOf } from "./node-view.ts";
import { product } from "./sizes.ts";

/** How many nodes are looked through, and how many sizes a part of unknown ones may have. */
const MOST_NODES = 32;

/** What is known of a list of sizes, such as Reshape's shape, that is a constant or computed of shapes; undefined for what is neither. */
export function knownSizes(value: GraphValue | undefined): readonly Size[] | undefined {
  return look(value, { nodes: MOST_NODES });
}

function look(value: GraphValue | undefined, left: { nodes: number }): readonly Size[] | undefined {
  // One budget for all: a node that is needed twice, again and again, would be looked at without end.
  if (value === undefined || --left.nodes < 0) return undefined;
  if (value.constant !== undefined) return value.rank === undefined || value.rank > 1 ? undefined : constantIntegers(value);
  const { node } = value;
  if (node === undefined || value.dtype !== "int64") return undefined;
  const [first, second, third] = node.inputs;
  switch (node.operator) {
    case "Shape":
      return first?.shape;
    case "Cast":
    case "Identity":
    case "Squeeze":
    case "Unsqueeze": {
      const sizes = first?.dtype === "int64" ? look(first, left) : undefined;
      return sizes?.length === 1 ? sizes : undefined;
    }
    case "Concat": {
      const parts = node.inputs.map((input) => look(input, left) ?? unknown(input));
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case "Gather": {
      const sizes = look(first, left);
      const indices = constantIntegers(second);
      return integerOf(node.attributes, "axis", 0) === 0 && sizes !== undefined ? indices?.map((i) => sizes.at(i)) : undefined;
    }
    case "Slice": {
      const sizes = look(first, left);
      const [from] = constantIntegers(second) ?? [];
      const [to] = constantIntegers(third) ?? [];
      return from === undefined || to === undefined || node.inputs.length > 4 ? undefined : sizes?.slice(from, to);
    }
    case "Mul": {
      const [a, b] = [look(first, left), look(second, left)];
      return a?.length === 1 && b?.length === 1 ? [product([...a, ...b])] : undefined;
    }
    default:
      return undefined;
  }
}

/** Sizes of which only the number is known. */
function unknown(value: GraphValue | undefined): readonly Size[] | undefined {
  const count = value?.rank === 1 ? value.shape?.[0] : undefined;
  return typeof count === "number" && count <= MOST_NODES ? Array<Size>(count).fill(undefined) : undefined;
}
