import type { BinTrees, NodeTrees, ObliviousTrees } from "../../model/tabular/catboost-operations.ts";
import { sharedBytes, sharedIntegers } from "../shared-arrays.ts";
import { binColumns, type FeatureColumns } from "./bin-columns.ts";
import { type CatboostModel, damaged, type NodeModel, type ObliviousModel, uncovered } from "./catboost-model.ts";
import { Turns } from "./turns.ts";

/** What CatBoost allows; a leaf's number takes two bytes. */
const MOST_DEPTH = 16;
const MOST_VALUES = 2 ** 31 - 1;
const MOST_WIDTH = 2 ** 20;

/** Where sums are in an answer. */
export interface SumPlaces {
  readonly width: number;
  readonly places: readonly number[];
}

/**
 * Lays out a model over shared memory. All indexes are checked: trees lead nowhere but to their leaves.
 * @param file what errors call it
 * @throws ServingError data-loss for a model that does not fit together, unimplemented for one that is too large
 */
export async function binTrees(
  model: CatboostModel,
  columns: FeatureColumns,
  { width, places }: SumPlaces,
  file: string,
  signal: AbortSignal,
): Promise<BinTrees> {
  const { dimensions, leafValues, scale, trees } = model;
  if (leafValues.length > MOST_VALUES) throw uncovered(file, `has ${leafValues.length} values of leaves, more than 2^31`);
  if (width > MOST_WIDTH) throw uncovered(file, `has ${width} classes`);
  if (model.bias.length !== 0 && model.bias.length !== dimensions) {
    throw damaged(file, `has ${model.bias.length} biases where ${dimensions} are expected`);
  }
  if (![scale, ...Array.from(model.bias)].every(Number.isFinite)) throw damaged(file, "has a scale or bias that is no number");
  const turns = new Turns(signal);
  const laid = await binColumns(model, columns, file, turns);
  const splits = laid.splits.columns.length;
  const bias = new Float64Array(new SharedArrayBuffer(dimensions * 8));
  bias.set(model.bias);
  const values = new Float64Array(new SharedArrayBuffer(leafValues.length * 8));
  values.set(leafValues);
  return {
    ...laid,
    trees:
      trees.kind === "oblivious"
        ? await obliviousTrees(trees, model, splits, file, turns)
        : await nodeTrees(trees, model, splits, file, turns),
    groups: dimensions,
    values,
    scale,
    bias,
    width,
    places: sharedIntegers(places),
  };
}

async function obliviousTrees(
  { splits, depths }: ObliviousModel,
  { dimensions, leafValues }: CatboostModel,
  known: number,
  file: string,
  turns: Turns,
): Promise<ObliviousTrees> {
  const leaves = new Int32Array(new SharedArrayBuffer(depths.length * 4));
  let levels = 0;
  let values = 0;
  for (let tree = 0; tree < depths.length; tree++) {
    const depth = depths[tree]!;
    if (!(depth >= 0 && depth <= MOST_DEPTH))
      throw damaged(file, `has ${depth} levels in tree ${tree} where 0 to ${MOST_DEPTH} are expected`);
    for (let level = levels; level < levels + depth; level++) checkSplit(splits[level], known, tree, file);
    leaves[tree] = values;
    levels += depth;
    values += 2 ** depth * dimensions;
    if (values > leafValues.length) throw damaged(file, `has no values for the leaves of tree ${tree}`);
    await turns.after(depth);
  }
  if (levels !== splits.length) throw damaged(file, `has ${splits.length} splits where trees have ${levels}`);
  return { kind: "oblivious", levels: sharedIntegers(splits), depths: sharedBytes(depths), leaves };
}

async function nodeTrees(
  { sizes, splits, left, right, leaves }: NodeModel,
  { dimensions, leafValues }: CatboostModel,
  known: number,
  file: string,
  turns: Turns,
): Promise<NodeTrees> {
  const count = splits.length;
  const roots = new Int32Array(new SharedArrayBuffer(sizes.length * 4));
  const next = new Int32Array(new SharedArrayBuffer(count * 8));
  const isLeaf = (node: number) => left[node] === 0 && right[node] === 0;
  const leafOf = (node: number, tree: number): number => {
    const leaf = leaves[node]!;
    if (!(leaf >= 0 && leaf + dimensions <= leafValues.length)) throw damaged(file, `has no values for a leaf of tree ${tree}`);
    return ~leaf;
  };
  let start = 0;
  for (let tree = 0; tree < sizes.length; tree++) {
    const end = start + sizes[tree]!;
    if (!(end > start && end <= count))
      throw damaged(file, `has ${sizes[tree]} nodes in tree ${tree} where 1 to ${count - start} are expected`);
    // Nodes come behind those that lead to them, so that no walk is a circle.
    const follow = (node: number, steps: number): number => {
      if (steps === 0) return leafOf(node, tree);
      const to = node + steps;
      if (!(steps > 0 && to < end)) throw damaged(file, `has a node of tree ${tree} that leads out of it`);
      return isLeaf(to) ? leafOf(to, tree) : to;
    };
    for (let node = start; node < end; node++) {
      if (isLeaf(node)) continue;
      checkSplit(splits[node], known, tree, file);
      next[2 * node] = follow(node, left[node]!);
      next[2 * node + 1] = follow(node, right[node]!);
    }
    roots[tree] = isLeaf(start) ? leafOf(start, tree) : start;
    await turns.after(end - start);
    start = end;
  }
  if (start !== count) throw damaged(file, `has ${count} nodes where trees have ${start}`);
  return { kind: "nodes", roots, nodes: sharedIntegers(splits), next };
}

function checkSplit(split: number | undefined, known: number, tree: number, file: string): void {
  if (!(split !== undefined && split >= 0 && split < known)) {
    throw damaged(file, `has split ${split} in tree ${tree} where 0 to ${known - 1} is expected`);
  }
}
