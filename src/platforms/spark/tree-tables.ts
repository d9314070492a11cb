import { NODE_CATEGORICAL, NODE_NAN_IS_MISSING, type TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import type { DataTable } from "./data-table.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

const LEAF = -1;
const ORDERED = -1;
/** Words of 32 categories that the sets of all nodes may have: always, and more for each category that is listed. */
const LEAST_WORDS = 2 ** 22;
const WORDS_FOR_EACH = 1024;
const MOST_WORDS = 2 ** 26;

/** Trees of Spark's as its rows have them: nodes of all trees in their order, one tree after the other. */
export interface Trees {
  readonly nodes: number;
  /** The first node of each tree. */
  readonly roots: Int32Array;
  /** By node its children, or -1; a child comes behind its parent. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly features: Int32Array;
  readonly thresholds: Float64Array;
  /** By node where its left categories begin in `listed`, and how many categories its feature has; 0 for a threshold. */
  readonly categories: Int32Array;
  readonly listed: Float64Array;
  readonly listStarts: Int32Array;
  readonly predictions: Float64Array;
  readonly impurities: Float64Array;
  /** By node where its counts of classes begin, `statsWidth` of them. */
  readonly statsStarts: Int32Array;
  readonly statsWidth: number;
  readonly stats: Float64Array;
}

/**
 * Reads the trees of a model, whose rows may be in any order and files. Every child comes behind its parent and has no other, so that every
 * walk ends.
 *
 * @param columns features that rows have
 * @throws ServingError data-loss
 */
export async function readTrees(stage: Stage, table: DataTable, columns: number, builder: ProgramBuilder): Promise<Trees> {
  const prefix = table.has("nodeData.id") ? "nodeData." : "";
  const ids = table.numbers(`${prefix}id`);
  const owners = prefix === "" ? new Float64Array(ids.length) : table.numbers("treeID");
  const order = Array.from(ids.keys());
  const before = (a: number, b: number) => owners[a] - owners[b] || ids[a] - ids[b];
  if (!order.every((row) => row === 0 || before(row - 1, row) < 0)) order.sort(before);
  const column = (name: string) => table.numbers(`${prefix}${name}`);
  const [lefts, rights] = [column("leftChild"), column("rightChild")];
  const [splits, sizes] = [column("split.featureIndex"), column("split.numCategories")];
  const [predictions, impurities] = [column("prediction"), column("impurity")];
  const lists = table.numberLists(`${prefix}split.leftCategoriesOrThreshold`);
  const counts = table.numberLists(`${prefix}impurityStats`);
  const nodes = ids.length;
  const trees = {
    nodes,
    left: new Int32Array(nodes).fill(LEAF),
    right: new Int32Array(nodes).fill(LEAF),
    features: new Int32Array(nodes).fill(LEAF),
    thresholds: new Float64Array(nodes),
    categories: new Int32Array(nodes),
    listed: lists.values,
    listStarts: new Int32Array(nodes),
    predictions: new Float64Array(nodes),
    impurities: new Float64Array(nodes),
    statsStarts: new Int32Array(nodes),
    statsWidth: counts.starts[1] ?? 0,
    stats: counts.values,
  };
  const roots: number[] = [];
  const hasParent = new Uint8Array(nodes);
  let [root, owner] = [0, Number.NaN];
  for (const [node, row] of order.entries()) {
    if (owners[row] !== owner) {
      if (owners[row] !== roots.length) throw stage.damaged("treeID", "does not count the trees");
      roots.push(node);
      [root, owner] = [node, owners[row]];
    } else if (hasParent[node] === 0) throw stage.damaged("nodeData", `has node ${ids[row]}, which belongs to none`);
    if (ids[row] !== node - root) throw stage.damaged("id", "does not count the nodes");
    trees.predictions[node] = predictions[row];
    trees.impurities[node] = impurities[row];
    trees.statsStarts[node] = counts.starts[row];
    if (counts.starts[row + 1] - counts.starts[row] !== trees.statsWidth)
      throw stage.damaged("impurityStats", "are not as many in each node");
    if (lefts[row] === LEAF && rights[row] === LEAF) continue;
    for (const [children, side] of [
      [lefts, trees.left],
      [rights, trees.right],
    ] as const) {
      const child = root + children[row];
      if (
        !Number.isInteger(child) ||
        child <= node ||
        child >= nodes ||
        owners[order[child]] !== owner ||
        hasParent[child] === 1
      ) {
        throw stage.damaged("nodeData", `has node ${ids[row]}, whose children are not possible`);
      }
      hasParent[child] = 1;
      side[node] = child;
    }
    const feature = splits[row];
    if (!Number.isInteger(feature) || feature < 0 || feature >= columns)
      throw stage.damaged("featureIndex", `is ${feature}, of ${columns} features`);
    trees.features[node] = feature;
    const [from, to] = [lists.starts[row], lists.starts[row + 1]];
    const size = sizes[row];
    if (size === ORDERED && to - from === 1) trees.thresholds[node] = lists.values[from];
    else if (size === ORDERED || !Number.isInteger(size) || size < 1 || size > 2 ** 31 - 64)
      throw stage.damaged("split", "is damaged");
    else {
      trees.categories[node] = size;
      // A threshold and a list are in one column: here it has the length.
      trees.thresholds[node] = to - from;
      trees.listStarts[node] = from;
    }
    await builder.turn(1);
  }
  if (roots.length === 0) throw stage.damaged("data", "has no tree");
  return { ...trees, roots: Int32Array.from(roots) };
}

/** What the leaves of an ensemble are worth, and which numbers they have. */
export interface Leaves {
  readonly valueAt: (node: number, tree: number) => number;
  /** Whether leaves are counted anew in each tree. */
  readonly numbered: "in-all" | "in-each";
}

/** Trees as an ensemble that sums up the leaves' values in one group. What is not to the left goes right, NaN with it. */
export async function ensembleOf(
  stage: Stage,
  trees: Trees,
  columns: number,
  { valueAt, numbered }: Leaves,
  builder: ProgramBuilder,
): Promise<TreeEnsemble> {
  const { nodes, roots, features } = trees;
  const [left, right] = [integers(nodes), integers(nodes)];
  const rules = new Uint8Array(new SharedArrayBuffer(nodes)).fill(NODE_NAN_IS_MISSING);
  const values = new Float64Array(new SharedArrayBuffer(nodes * 8));
  left.set(trees.left);
  right.set(trees.right);
  const sets = categorySets(stage, trees);
  let [leaf, tree] = [0, -1];
  for (let node = 0; node < nodes; node++) {
    if (roots[tree + 1] === node) {
      tree++;
      if (numbered === "in-each") leaf = 0;
    }
    if (features[node] === LEAF) {
      values[node] = valueAt(node, tree);
      left[node] = leaf++;
    } else if (trees.categories[node] > 0) {
      rules[node] = NODE_CATEGORICAL;
      // Spark keeps the smaller side, and what is in neither goes the other way.
      if (keepsRight(trees, node)) [left[node], right[node]] = [trees.right[node], trees.left[node]];
    } else values[node] = trees.thresholds[node];
    await builder.turn(1);
  }
  return {
    precision: "float64",
    columns,
    groups: 1,
    roots: integers(roots.length, roots),
    treeGroups: integers(roots.length),
    features: integers(nodes, features),
    values,
    left,
    right,
    rules,
    leftWhen: "less-or-equal",
    ...(sets === undefined ? {} : { categories: sets }),
    base: Float64Array.of(0),
    baseIsAdded: "first",
    divisor: 1,
  };
}

/** Columns that some node tells apart by categories. */
export function categoryColumns({ features, categories }: Trees): readonly number[] {
  return [...new Set(features.filter((_, node) => categories[node] > 0))];
}

/** Whether the set of a node is that of the categories that go right. */
function keepsRight({ categories, thresholds }: Trees, node: number): boolean {
  return thresholds[node] > Math.floor(categories[node] / 2);
}

function categorySets(stage: Stage, trees: Trees): TreeEnsemble["categories"] {
  const { nodes, categories, thresholds, listed, listStarts } = trees;
  const [starts, lengths] = [integers(nodes), integers(nodes)];
  const most = Math.min(MOST_WORDS, LEAST_WORDS + WORDS_FOR_EACH * listed.length);
  let all = 0;
  for (let node = 0; node < nodes; node++) {
    if (categories[node] === 0) continue;
    starts[node] = all;
    lengths[node] = Math.ceil(categories[node] / 32);
    all += lengths[node];
    if (all > most) throw stage.uncovered(`sets of categories of more than ${most * 4} bytes are not covered`);
  }
  if (all === 0) return undefined;
  const words = new Uint32Array(new SharedArrayBuffer(all * 4));
  for (let node = 0; node < nodes; node++) {
    const size = categories[node];
    if (size === 0) continue;
    const start = starts[node];
    for (let i = listStarts[node]; i < listStarts[node] + thresholds[node]; i++) {
      const category = listed[i];
      if (!Number.isInteger(category) || category < 0 || category >= size)
        throw stage.damaged("split", `has the category ${category}, of ${size}`);
      words[start + (category >> 5)] |= 1 << (category & 31);
    }
    if (!keepsRight(trees, node)) continue;
    for (let i = 0; i < lengths[node]; i++) words[start + i] = ~words[start + i];
    const beyond = size & 31;
    if (beyond > 0) words[start + lengths[node] - 1] &= (1 << beyond) - 1;
  }
  return { inSet: "left", starts, lengths, words };
}

function integers(length: number, from?: Int32Array): Int32Array {
  const numbers = new Int32Array(new SharedArrayBuffer(length * 4));
  if (from !== undefined) numbers.set(from);
  return numbers;
}
