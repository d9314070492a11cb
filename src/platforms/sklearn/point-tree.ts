import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import type { PickleObject } from "../../codec/pickle/pickle-value.ts";
import type { PointTree } from "../../model/tabular/estimator-operations.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import type { Estimator } from "./estimator.ts";

/**
 * The KDTree or BallTree in which an estimator looks for neighbours, `_tree`.
 * @throws ServingError data-loss unless its nodes are within one another, down to leaves with every point once
 */
export function pointTree(estimator: Estimator, tree: PickleObject, points: number, columns: number): PointTree | undefined {
  const isBall = /ball_tree/.test(tree.type.module);
  if (!isBall && !/kd_tree/.test(tree.type.module)) return undefined;
  const state = Array.isArray(tree.state) ? tree.state : [];
  const [, order, nodes, bounds] = state.slice(0, 4).map((part) => NumpyArray.of(part));
  if (order === undefined || nodes === undefined || bounds === undefined) throw estimator.damaged("_tree", "has no nodes");
  const numbers = order.numbers();
  const count = nodes.count;
  const isSound =
    numbers.length === points && new Set(numbers).size === points && numbers.every((point) => point >= 0 && point < points);
  if (!isSound) throw estimator.damaged("_tree", `does not have each of ${points} points once`);
  const starts = Int32Array.from(nodes.field("idx_start"));
  const ends = Int32Array.from(nodes.field("idx_end"));
  const leaves = Uint8Array.from(nodes.field("is_leaf"), (leaf) => (leaf === 0 ? 0 : 1));
  checkNodes(estimator, starts, ends, leaves, points);
  const corners = bounds.numbers();
  if (corners.length !== count * columns * (isBall ? 1 : 2)) throw estimator.damaged("_tree", "has bounds of other nodes");
  const radii = nodes.field("radius");
  return {
    order: sharedIntegers(numbers),
    starts: sharedIntegers(starts),
    ends: sharedIntegers(ends),
    leaves,
    lower: sharedFloats(corners.slice(0, count * columns)),
    ...(isBall ? { radii: sharedFloats(radii) } : { upper: sharedFloats(corners.slice(count * columns)) }),
  };
}

/** Each inner node has two children, which divide its points. */
function checkNodes(estimator: Estimator, starts: Int32Array, ends: Int32Array, leaves: Uint8Array, points: number): void {
  if (leaves.length === 0 || starts[0] !== 0 || ends[0] !== points) throw estimator.damaged("_tree", "has no root of all points");
  const waiting = [0];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (leaves[node] === 1) continue;
    const [left, right] = [2 * node + 1, 2 * node + 2];
    const divides =
      right < leaves.length && starts[left] === starts[node] && ends[left] === starts[right] && ends[right] === ends[node];
    if (!divides || ends[left] < starts[left] || ends[right] < starts[right]) {
      throw estimator.damaged("_tree", `has a node ${node} whose children do not divide it`);
    }
    waiting.push(left, right);
  }
}
