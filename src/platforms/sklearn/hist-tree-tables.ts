import type { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import {
  type CategorySets,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  type TreeEnsemble,
} from "../../model/tabular/tabular-program.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** Words of a set of categories. */
const WORDS = 8;

/** A tree as its pickle has it. */
interface BinnedTree {
  readonly nodes: NumpyArray;
  /** Sets of categories that go left, of 8 words each. */
  readonly sets: Float64Array;
}

/**
 * Tables of the trees of HistGradientBoosting*, over shared memory. What is no category is NaN before.
 *
 * @param base where the sums of each group begin
 * @throws ServingError data-loss, naming what is wrong, unless every walk from a root ends at a leaf, by columns and sets that there are
 */
export async function binnedEnsemble(
  estimator: Estimator,
  predictors: readonly Estimator[],
  columns: number,
  base: Float64Array,
  builder: ProgramBuilder,
): Promise<TreeEnsemble> {
  const trees = predictors.map((predictor): BinnedTree => {
    const nodes = predictor.array("nodes");
    if (nodes === undefined || nodes.count === 0) throw predictor.damaged("nodes", "are none");
    const sets = predictor.array("raw_left_cat_bitsets")?.numbers() ?? new Float64Array(0);
    return { nodes, sets };
  });
  const count = trees.reduce((sum, { nodes }) => sum + nodes.count, 0);
  const tables = {
    roots: integers(trees.length),
    treeGroups: integers(trees.length),
    features: integers(count),
    values: new Float64Array(new SharedArrayBuffer(count * 8)),
    left: integers(count),
    right: integers(count),
    rules: new Uint8Array(new SharedArrayBuffer(count)),
    starts: integers(count),
    words: new Uint32Array(new SharedArrayBuffer(trees.reduce((sum, { sets }) => sum + sets.length, 0) * 4)),
  };
  const next = { node: 0, leaf: 0, word: 0 };
  for (const [i, tree] of trees.entries()) {
    await builder.turn(tree.nodes.count);
    tables.roots[i] = next.node;
    tables.treeGroups[i] = i % base.length;
    addTree(estimator, tree, columns, tables, next);
  }
  const { starts, words, ...rest } = tables;
  const categories: CategorySets = { inSet: "left", starts, lengths: integers(count).fill(WORDS), words };
  return {
    ...rest,
    precision: "float64",
    columns,
    groups: base.length,
    leftWhen: "less-or-equal",
    base,
    baseIsAdded: "first",
    divisor: 1,
    ...(words.length === 0 ? {} : { categories }),
  };
}

function addTree(
  estimator: Estimator,
  { nodes, sets }: BinnedTree,
  columns: number,
  tables: Pick<TreeEnsemble, "features" | "values" | "left" | "right" | "rules"> & Pick<CategorySets, "starts" | "words">,
  next: { node: number; leaf: number; word: number },
): void {
  const zeros = new Float64Array(nodes.count);
  const [left, right, leaves] = [nodes.field("left"), nodes.field("right"), nodes.field("is_leaf")];
  const [features, values] = [nodes.field("feature_idx"), nodes.field("value")];
  // Up to 0.23 there were no categories, and another name.
  const thresholds = nodes.field(nodes.hasField("num_threshold") ? "num_threshold" : "threshold");
  const missingLeft = nodes.hasField("missing_go_to_left") ? nodes.field("missing_go_to_left") : zeros;
  const categorical = nodes.hasField("is_categorical") ? nodes.field("is_categorical") : zeros;
  const setNumbers = nodes.hasField("bitset_idx") ? nodes.field("bitset_idx") : zeros;
  for (let node = 0; node < nodes.count; node++) {
    const at = next.node + node;
    if (leaves[node] !== 0) {
      tables.features[at] = -1;
      tables.values[at] = values[node];
      tables.left[at] = next.leaf++;
      continue;
    }
    // Nodes come after their parents, so that a walk ends.
    if ([left[node], right[node]].some((child) => !(child > node && child < nodes.count))) {
      throw estimator.damaged("_predictors", `lead from ${node} to ${left[node]} and ${right[node]} of ${nodes.count}`);
    }
    if (!(features[node] >= 0 && features[node] < columns)) {
      throw estimator.damaged("_predictors", `look at column ${features[node]} of ${columns}`);
    }
    tables.features[at] = features[node];
    tables.values[at] = thresholds[node];
    tables.left[at] = next.node + left[node];
    tables.right[at] = next.node + right[node];
    tables.rules[at] = NODE_NAN_IS_MISSING | (missingLeft[node] === 0 ? 0 : NODE_DEFAULT_LEFT);
    if (categorical[node] !== 0) {
      if (!((setNumbers[node] + 1) * WORDS <= sets.length))
        throw estimator.damaged("_predictors", "name a set that is not there");
      tables.rules[at] |= NODE_CATEGORICAL;
      tables.starts[at] = next.word + setNumbers[node] * WORDS;
    }
  }
  tables.words.set(sets, next.word);
  next.node += nodes.count;
  next.word += sets.length;
}

function integers(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * 4));
}
