import { NODE_DEFAULT_LEFT, NODE_NAN_IS_MISSING, type TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** A tree of scikit-learn's as its pickle has it. */
export interface Tree {
  readonly nodes: number;
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly features: Float64Array;
  readonly thresholds: Float64Array;
  /** Side of what is NaN; undefined for versions that had none. */
  readonly missingLeft: Float64Array | undefined;
  /** For each node, `outputs * classes` numbers. */
  readonly values: Float64Array;
  readonly outputs: number;
  readonly classes: number;
  /** For each node, how many rows of training it had. */
  readonly samples: Float64Array;
}

/**
 * The tree of a DecisionTree*, `tree_`.
 *
 * @throws ServingError data-loss, naming what is wrong, unless every walk from the root ends at a leaf, by columns that there are
 */
export function treeOf(estimator: Estimator, columns: number): Tree {
  const tree = estimator.estimator("tree_");
  const records = tree.array("nodes");
  const values = tree.array("values");
  if (records === undefined) throw tree.damaged("nodes", "is no array");
  if (values === undefined || values.shape.length !== 3) throw tree.damaged("values", "is no array of three dimensions");
  const [count, outputs, classes] = values.shape;
  if (records.count !== count || count === 0) throw tree.damaged("nodes", `are ${records.count}, values ${count}`);
  const left = records.field("left_child");
  const right = records.field("right_child");
  const features = records.field("feature");
  for (let node = 0; node < count; node++) {
    if (left[node] === LEAF) continue;
    // Nodes come after their parents, so that a walk ends.
    const isSound = [left[node]!, right[node]!].every((child) => child > node && child < count);
    if (!isSound) throw tree.damaged("nodes", `lead from ${node} to ${left[node]} and ${right[node]} of ${count}`);
    if (!(features[node]! >= 0 && features[node]! < columns)) {
      throw tree.damaged("nodes", `look at column ${features[node]} of ${columns}`);
    }
  }
  return {
    nodes: count,
    left,
    right,
    features,
    thresholds: records.field("threshold"),
    missingLeft: records.hasField("missing_go_to_left") ? records.field("missing_go_to_left") : undefined,
    values: values.numbers(),
    outputs: outputs!,
    classes: classes!,
    samples: records.field("n_node_samples"),
  };
}

const LEAF = -1;

/** For each node, how many others are above it. */
export function depthsOf({ nodes, left, right }: Tree): Int32Array {
  const depths = new Int32Array(nodes);
  for (let node = 0; node < nodes; node++) {
    if (left[node] === LEAF) continue;
    depths[left[node]!] = depths[node]! + 1;
    depths[right[node]!] = depths[node]! + 1;
  }
  return depths;
}

/**
 * Tables of trees, over shared memory. Rows have to be rounded to float32 before. A leaf's value is `leafValue`'s of its node; its number is
 * that among all leaves.
 */
export async function ensembleOf(
  trees: readonly Tree[],
  columns: number,
  groups: number,
  leafValue: (tree: Tree, node: number) => number,
  builder: ProgramBuilder,
): Promise<TreeEnsemble> {
  const count = trees.reduce((sum, { nodes }) => sum + nodes, 0);
  const ensemble = {
    roots: integers(trees.length),
    treeGroups: integers(trees.length),
    features: integers(count),
    values: new Float64Array(new SharedArrayBuffer(count * 8)),
    left: integers(count),
    right: integers(count),
    rules: new Uint8Array(new SharedArrayBuffer(count)),
  };
  let first = 0;
  let leaves = 0;
  for (const [i, tree] of trees.entries()) {
    await builder.turn(tree.nodes);
    ensemble.roots[i] = first;
    ensemble.treeGroups[i] = i % groups;
    for (let node = 0; node < tree.nodes; node++) {
      const at = first + node;
      if (tree.left[node] === LEAF) {
        ensemble.features[at] = -1;
        ensemble.values[at] = leafValue(tree, node);
        ensemble.left[at] = leaves++;
        continue;
      }
      ensemble.features[at] = tree.features[node]!;
      ensemble.values[at] = tree.thresholds[node]!;
      ensemble.left[at] = first + tree.left[node]!;
      ensemble.right[at] = first + tree.right[node]!;
      ensemble.rules[at] = NODE_NAN_IS_MISSING | (tree.missingLeft?.[node] === 1 ? NODE_DEFAULT_LEFT : 0);
    }
    first += tree.nodes;
  }
  return {
    ...ensemble,
    precision: "float64",
    columns,
    groups,
    leftWhen: "less-or-equal",
    base: new Float64Array(groups),
    baseIsAdded: "first",
    divisor: 1,
  };
}

/** The vectors of all leaves in the order of their numbers. @param vector that of a node */
export async function leafVectors(
  trees: readonly Tree[],
  width: number,
  vector: (tree: Tree, node: number) => ArrayLike<number>,
  builder: ProgramBuilder,
): Promise<Float64Array> {
  let leaves = 0;
  for (const { left } of trees) for (const child of left) if (child === LEAF) leaves++;
  const vectors = new Float64Array(new SharedArrayBuffer(leaves * width * 8));
  let leaf = 0;
  for (const tree of trees) {
    await builder.turn(tree.nodes);
    for (let node = 0; node < tree.nodes; node++) if (tree.left[node] === LEAF) vectors.set(vector(tree, node), leaf++ * width);
  }
  return vectors;
}

function integers(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * 4));
}
