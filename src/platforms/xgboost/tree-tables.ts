import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import {
  type CategorySets,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  type TreeEnsemble,
} from "../../model/tabular/tabular-program.ts";
import { damaged, type Tree, type TreeModel } from "./booster.ts";

/** Nodes that are read without letting others have their turn. */
const TURN_NODES = 100_000;
/** What the library's sets of categories end before. */
const MOST_CATEGORIES = 2 ** 24;
/** Words of all sets together: 256 MiB. One category of each of many nodes can ask for far more than the file has. */
const MOST_WORDS = 2 ** 26;
/** Numbers of leaves that are vectors: nodes that are no leaves have some too. */
const MOST_VECTORS = 2 ** 31 - 1;

/** The tables of an ensemble that its trees make. */
export type TreeTables = Pick<TreeEnsemble, "roots" | "treeGroups" | "features" | "left" | "right" | "rules" | "categories"> & {
  readonly values: Float32Array;
  /** Numbers of leaves that have one of each group, by node, side by side. */
  readonly vectors?: Float32Array;
};

/**
 * Lays trees into tables over shared memory. Every index is checked, and each node has one parent, so that no walk leads out of the tables
 * or does not end.
 * @param file what errors call it
 * @throws ServingError data-loss for trees that are none, naming file and tree; unimplemented for sets of categories that are too large
 */
export async function treeTables(
  model: TreeModel,
  columns: number,
  groups: number,
  file: string,
  signal: AbortSignal,
): Promise<TreeTables> {
  const { trees, weights } = model;
  for (const [what, list] of [["groups", model.groups] as const, ["weights", weights] as const]) {
    if (list !== undefined && list.length !== trees.length) {
      throw damaged(file, `has ${list.length} ${what} of trees where ${trees.length} are expected`);
    }
  }
  const nodes = trees.reduce((sum, { left }) => sum + left.length, 0);
  if (nodes >= 2 ** 31) throw new ServingError("unimplemented", `${file} has ${nodes} nodes, more than 2^31`);
  const layer = new TreeLayer(nodes, trees.length, columns, sizeOfSets(trees, file), widthOfLeaves(trees, nodes, groups, file));
  let turn = 0;
  for (const [number, tree] of trees.entries()) {
    const group = model.groups[number];
    if (!Number.isInteger(group) || group < 0 || group >= groups) {
      throw damaged(file, `has tree ${number} of group ${group} where 0 to ${groups - 1} is expected`);
    }
    layer.add(tree, group, weights?.[number], `${file}: tree ${number}`);
    if (layer.nodes - turn < TURN_NODES) continue;
    turn = layer.nodes;
    await setImmediate();
    throwIfAborted(signal);
  }
  return layer.tables;
}

class TreeLayer {
  readonly tables: TreeTables;
  /** Nodes that are laid. */
  nodes = 0;
  readonly #columns: number;
  readonly #width: number;
  #trees = 0;
  #words = 0;

  constructor(nodes: number, trees: number, columns: number, words: number | undefined, width: number | undefined) {
    this.#columns = columns;
    this.#width = width ?? 0;
    const ints = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
    this.tables = {
      roots: ints(trees),
      treeGroups: ints(trees),
      features: ints(nodes).fill(-1),
      values: new Float32Array(new SharedArrayBuffer(nodes * 4)),
      left: ints(nodes),
      right: ints(nodes),
      rules: new Uint8Array(new SharedArrayBuffer(nodes)),
      ...(width !== undefined && { vectors: new Float32Array(new SharedArrayBuffer(nodes * width * 4)) }),
      ...(words !== undefined && {
        categories: {
          inSet: "right",
          starts: ints(nodes),
          lengths: ints(nodes),
          words: new Uint32Array(new SharedArrayBuffer(words * 4)),
        } satisfies CategorySets,
      }),
    };
  }

  add(tree: Tree, group: number, weight: number | undefined, where: string): void {
    const { roots, treeGroups, features, values, left, right, rules } = this.tables;
    const root = this.nodes;
    const count = tree.left.length;
    if (count === 0) throw damaged(where, "has no node");
    roots[this.#trees] = root;
    treeGroups[this.#trees] = group;
    const reached = new Uint8Array(count);
    const waiting = [0];
    reached[0] = 1;
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      const at = root + node;
      if (tree.left[node] === -1) {
        left[at] = node;
        if (tree.vectors !== undefined) this.#addVector(at, node, tree.vectors);
        // The library multiplies in float32 too.
        values[at] = weight === undefined ? tree.values[node] : Math.fround(weight) * Math.fround(tree.values[node]);
        continue;
      }
      const feature = tree.features[node];
      if (!Number.isInteger(feature) || feature < 0 || feature >= this.#columns) {
        throw damaged(where, `has column ${feature} in node ${node} where 0 to ${this.#columns - 1} is expected`);
      }
      for (const child of [tree.left[node], tree.right[node]]) {
        if (!Number.isInteger(child) || child < 0 || child >= count) {
          throw damaged(where, `has child ${child} of node ${node} where 0 to ${count - 1} is expected`);
        }
        if (reached[child] === 1) throw damaged(where, `has node ${child} below two nodes`);
        reached[child] = 1;
        waiting.push(child);
      }
      features[at] = feature;
      values[at] = tree.values[node];
      left[at] = root + tree.left[node];
      right[at] = root + tree.right[node];
      rules[at] = NODE_NAN_IS_MISSING | (tree.defaultLeft[node] ? NODE_DEFAULT_LEFT : 0);
      const categories = tree.categories.get(node);
      if (categories !== undefined) this.#addSet(at, categories);
    }
    this.#trees++;
    this.nodes += count;
  }

  #addVector(at: number, node: number, vectors: ArrayLike<number>): void {
    const width = this.#width;
    for (let i = 0; i < width; i++) this.tables.vectors![at * width + i] = vectors[node * width + i];
  }

  /** The categories have been checked when their sizes were. */
  #addSet(at: number, categories: ArrayLike<number>): void {
    const { starts, lengths, words } = this.tables.categories!;
    this.tables.rules[at] |= NODE_CATEGORICAL;
    starts[at] = this.#words;
    lengths[at] = wordsOf(categories);
    for (let i = 0; i < categories.length; i++) words[this.#words + (categories[i] >> 5)] |= 1 << (categories[i] & 31);
    this.#words += lengths[at];
  }
}

/** Numbers of a leaf where leaves are vectors, which are those of all trees and of all groups then. */
function widthOfLeaves(trees: readonly Tree[], nodes: number, groups: number, file: string): number | undefined {
  const sized = trees.filter(({ vectors }) => vectors !== undefined).length;
  if (sized === 0) return undefined;
  const other = trees.find(({ left, vectors }) => vectors?.length !== left.length * groups);
  if (other !== undefined) {
    throw damaged(
      file,
      `has a tree with leaves of ${(other.vectors?.length ?? 0) / other.left.length} numbers where ${groups} are expected`,
    );
  }
  if (nodes * groups > MOST_VECTORS) throw new ServingError("unimplemented", `${file} has leaves of more than 2^31 numbers`);
  return groups;
}

/** Words of all sets together; undefined where there are no sets. */
function sizeOfSets(trees: readonly Tree[], file: string): number | undefined {
  let words: number | undefined;
  for (const [number, tree] of trees.entries()) {
    for (const [node, categories] of tree.categories) {
      for (let i = 0; i < categories.length; i++) {
        const category = categories[i];
        if (Number.isInteger(category) && category >= 0 && category < MOST_CATEGORIES) continue;
        throw damaged(
          `${file}: tree ${number}`,
          `has category ${category} in node ${node} where 0 to ${MOST_CATEGORIES - 1} is expected`,
        );
      }
      words = (words ?? 0) + wordsOf(categories);
      if (words > MOST_WORDS) throw new ServingError("unimplemented", `${file} has sets of categories of more than 256 MiB`);
    }
  }
  return words;
}

function wordsOf(categories: ArrayLike<number>): number {
  let most = -1;
  for (let i = 0; i < categories.length; i++) most = Math.max(most, categories[i]);
  return (most >> 5) + 1;
}
