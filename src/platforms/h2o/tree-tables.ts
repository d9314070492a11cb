import { ServingError } from "../../base/serving-error.ts";
import {
  type CategorySets,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  type TreeEnsemble,
} from "../../model/tabular/tabular-program.ts";
import { sharedIntegers } from "../shared-arrays.ts";
import type { Mojo } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type LevelSet, readTree, type SplitTest, type TreeNodes } from "./tree-bytes.ts";

/** Trees of a model at most. */
const MOST_TREES = 1_000_000;
/** Words of all sets together: 256 MiB. A set begins with level 0, so that one of few levels can be far larger than what the file has of it. */
const MOST_WORDS = 2 ** 26;
/** Bytes of a tree for each of its nodes at least. */
const NODE_BYTES = 4;

/** The trees of a model, whose sums are there for each of `groups`; a tree may be missing. */
export interface Trees {
  readonly ensemble: TreeEnsemble;
  /** Trees of a group, those that are missing too. */
  readonly count: number;
}

/**
 * Reads the trees of a model. Sums begin at 0.
 * @throws ServingError data-loss for trees that are none, naming the file; unimplemented for sets of levels that are too large
 */
export async function readTrees(mojo: Mojo, builder: ProgramBuilder): Promise<Trees> {
  const { files, settings, where, version, features, classes } = mojo;
  // Of the trees that belong together one may be missing, not all.
  const count = settings.count("n_trees", 0, files.count);
  const isOne = classes === 2 && !settings.flag("binomial_double_trees", false);
  const usual = isOne ? 1 : Math.max(1, classes);
  const groups = settings.count("n_trees_per_class", 1, Math.floor(MOST_TREES / Math.max(1, count)), usual);
  const trees: { file: string; group: number; bytes: Buffer }[] = [];
  for (let group = 0; group < groups; group++) {
    for (let tree = 0; tree < count; tree++) {
      const file = `trees/t${String(group).padStart(2, "0")}_${String(tree).padStart(3, "0")}.bin`;
      if (!files.has(file)) {
        await builder.turn(100);
        continue;
      }
      trees.push({ file, group, bytes: await files.read(file, builder.signal) });
    }
  }
  const bytes = trees.reduce((sum, tree) => sum + tree.bytes.length, 0);
  const tables = new TreeTables(Math.floor(bytes / NODE_BYTES), where);
  const roots: number[] = [];
  for (const tree of trees) {
    roots.push(tables.nodes);
    readTree(tree.bytes, version, features, tables, `${where}: ${tree.file}`);
    await builder.turn(tree.bytes.length);
  }
  return {
    count,
    ensemble: {
      precision: "float64",
      columns: features,
      groups,
      roots: sharedIntegers(roots),
      treeGroups: sharedIntegers(trees.map(({ group }) => group)),
      ...tables.shared(),
      leftWhen: "less-or-equal",
      base: new Float64Array(groups),
      baseIsAdded: "last",
      divisor: 1,
    },
  };
}

/** The number below a number that is not below it: `x < y` is `x <= below(y)`. */
export function below(number: number): number {
  // Nothing is below the least one, which NaN says; and all is left of what is no number.
  if (Number.isNaN(number)) return Number.POSITIVE_INFINITY;
  if (number === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (number === 0) return -Number.MIN_VALUE;
  FLOAT.setFloat64(0, number);
  FLOAT.setBigInt64(0, FLOAT.getBigInt64(0) + (number > 0 ? -1n : 1n));
  return FLOAT.getFloat64(0);
}

const FLOAT = new DataView(new ArrayBuffer(8));

/** Takes the nodes of trees into tables, one behind the other. */
class TreeTables implements TreeNodes {
  nodes = 0;
  readonly #where: string;
  readonly #features: Int32Array;
  readonly #values: Float64Array;
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #rules: Uint8Array;
  readonly #swapped: Uint8Array;
  readonly #starts: Int32Array;
  readonly #lengths: Int32Array;
  #words = new Uint32Array(1024);
  #wordCount = 0;
  #leaves = 0;

  /** @param most nodes at most */
  constructor(most: number, where: string) {
    this.#where = where;
    this.#features = new Int32Array(most);
    this.#values = new Float64Array(most);
    this.#left = new Int32Array(most);
    this.#right = new Int32Array(most);
    this.#rules = new Uint8Array(most);
    this.#swapped = new Uint8Array(most);
    this.#starts = new Int32Array(most);
    this.#lengths = new Int32Array(most);
  }

  leaf(value: number): number {
    const node = this.nodes++;
    this.#features[node] = -1;
    this.#values[node] = value;
    this.#left[node] = this.#leaves++;
    return node;
  }

  split(column: number, test: SplitTest): number {
    const node = this.nodes++;
    this.#features[node] = column;
    let rule = NODE_NAN_IS_MISSING | (test.missingLeft ? NODE_DEFAULT_LEFT : 0);
    if (test.kind === "present") this.#values[node] = Number.POSITIVE_INFINITY;
    else if (test.kind === "number") this.#values[node] = below(test.threshold);
    else {
      rule |= NODE_CATEGORICAL;
      // A level outside of a set is where a missing one is when both are left: else the sides are swapped, and the set is what it is not.
      const isSwapped = test.set.othersAreMissing && !test.missingLeft;
      if (isSwapped) {
        this.#swapped[node] = 1;
        rule |= NODE_DEFAULT_LEFT;
      }
      this.#addSet(node, test.set, isSwapped);
    }
    this.#rules[node] = rule;
    return node;
  }

  child(parent: number, isLeft: boolean, node: number): void {
    (isLeft === (this.#swapped[parent] === 0) ? this.#left : this.#right)[parent] = node;
  }

  /** Copies over memory that all threads share. */
  shared(): Pick<TreeEnsemble, "features" | "values" | "left" | "right" | "rules" | "categories"> {
    const count = this.nodes;
    const values = new Float64Array(new SharedArrayBuffer(count * 8));
    values.set(this.#values.subarray(0, count));
    const rules = new Uint8Array(new SharedArrayBuffer(count));
    rules.set(this.#rules.subarray(0, count));
    const ints = (table: Int32Array) => sharedIntegers(table.subarray(0, count));
    return {
      features: ints(this.#features),
      values,
      left: ints(this.#left),
      right: ints(this.#right),
      rules,
      ...(this.#wordCount > 0 && { categories: this.#sets(ints) }),
    };
  }

  #sets(ints: (table: Int32Array) => Int32Array): CategorySets {
    const words = new Uint32Array(new SharedArrayBuffer(this.#wordCount * 4));
    words.set(this.#words.subarray(0, this.#wordCount));
    return { inSet: "right", starts: ints(this.#starts), lengths: ints(this.#lengths), words };
  }

  /** Adds the levels of a set, or those of its range that it has not. */
  #addSet(node: number, { first, bits, bytes }: LevelSet, isSwapped: boolean): void {
    const start = this.#wordCount;
    // An empty set still has a word, so that it is one.
    const length = Math.max(1, (first + bits + 31) >> 5);
    if (start + length > MOST_WORDS) {
      throw new ServingError("unimplemented", `${this.#where} has sets of levels of more than 256 MiB`);
    }
    this.#extendTo(start + length);
    for (const [i, byte] of bytes.entries()) {
      let left = isSwapped ? ~byte & 0xff : byte;
      if (bits - i * 8 < 8) left &= 0xff >> (8 - (bits - i * 8));
      for (; left !== 0; left &= left - 1) {
        const level = first + i * 8 + 31 - Math.clz32(left & -left);
        this.#words[start + (level >> 5)]! |= 1 << (level & 31);
      }
    }
    this.#starts[node] = start;
    this.#lengths[node] = length;
  }

  #extendTo(length: number): void {
    if (length > this.#words.length) {
      const longer = new Uint32Array(Math.max(length, this.#words.length * 2));
      longer.set(this.#words.subarray(0, this.#wordCount));
      this.#words = longer;
    }
    this.#wordCount = length;
  }
}

/** @throws ServingError data-loss unless there are as many sums as `groups` */
export function checkGroups({ ensemble }: Trees, groups: number, where: string): void {
  if (ensemble.groups !== groups) throw damaged(where, `has trees of ${ensemble.groups} sums where ${groups} are expected`);
}
