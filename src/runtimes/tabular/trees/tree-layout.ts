import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../../base/abort.ts";
import {
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
  type TabularOperation,
  type TreeEnsemble,
  type TreeLayout,
} from "../../../model/tabular/tabular-program.ts";

/** Nodes that are laid out without letting others have their turn. */
const NODES_IN_A_TURN = 200_000;
/** Levels above which a tree is taken to be a list, where a walk by levels has nothing to gain. */
const MOST_LEVELS = 512;

/** Whether a walk by levels fits: all nodes compare numbers, and NaN alone is missing. */
export function hasPlainNodes({ features, rules }: TreeEnsemble): boolean {
  for (let node = 0; node < features.length; node++) {
    if (features[node]! < 0) continue;
    if ((rules[node]! & (NODE_CATEGORICAL | NODE_ZERO_IS_MISSING | NODE_NAN_IS_MISSING)) !== NODE_NAN_IS_MISSING) return false;
  }
  return true;
}

/**
 * Lays an ensemble's nodes out so that a right child lies behind the left one and a leaf leads to itself: a step is a sum, without a branch
 * that the core could guess wrong. Undefined for an ensemble whose nodes have other rules.
 */
export function treeLayout(ensemble: TreeEnsemble): TreeLayout | undefined {
  if (!hasPlainNodes(ensemble)) return undefined;
  const { features, values, left, right, rules, roots } = ensemble;
  const places = countNodes(ensemble);
  if (places === undefined) return undefined;
  const layout = emptyLayout(places, roots.length);
  let next = 0;
  for (const [tree, root] of roots.entries()) {
    const waiting = [root];
    const first = next;
    let levels = 0;
    let lastOfLevel = first;
    layout.roots[tree] = next++;
    for (let i = 0; i < waiting.length; i++) {
      const [node, place] = [waiting[i]!, first + i];
      if (features[node]! < 0) {
        // Nothing is greater than NaN: the walk stays.
        layout.thresholds[place] = Number.NaN;
        layout.children[place] = place;
        layout.leaves[place] = node;
      } else {
        layout.features[place] = features[node]!;
        layout.thresholds[place] = values[node]!;
        layout.children[place] = next;
        layout.rightWhenMissing[place] = rules[node]! & NODE_DEFAULT_LEFT ? 0 : 1;
        next += 2;
        waiting.push(left[node]!, right[node]!);
      }
      if (place === lastOfLevel && i + 1 < waiting.length) {
        levels++;
        lastOfLevel = next - 1;
      }
    }
    if (levels > MOST_LEVELS) return undefined;
    layout.levels[tree] = levels;
  }
  return layout;
}

/** Operations whose ensembles have a layout where one fits. @throws ServingError when the signal aborts */
export async function withTreeLayouts(
  operations: readonly TabularOperation[],
  signal: AbortSignal,
): Promise<readonly TabularOperation[]> {
  const done = new Map<TreeEnsemble, TreeEnsemble>();
  const laidOut: TabularOperation[] = [];
  let nodes = 0;
  for (const operation of operations) {
    if (!("ensemble" in operation)) {
      laidOut.push(operation);
      continue;
    }
    const { ensemble } = operation;
    let better = done.get(ensemble);
    if (better === undefined) {
      const layout = treeLayout(ensemble);
      better = layout === undefined ? ensemble : { ...ensemble, layout };
      done.set(ensemble, better);
      nodes += ensemble.features.length;
    }
    laidOut.push({ ...operation, ensemble: better });
    if (nodes < NODES_IN_A_TURN) continue;
    nodes = 0;
    await setImmediate();
    throwIfAborted(signal);
  }
  return laidOut;
}

/** Places that all trees need; undefined for nodes that several trees share, which would be many more than there are. */
function countNodes({ features, roots, left, right }: TreeEnsemble): number | undefined {
  let count = 0;
  const waiting: number[] = [];
  for (const root of roots) {
    waiting.push(root);
    while (waiting.length > 0) {
      const node = waiting.pop()!;
      if (++count > features.length) return undefined;
      if (features[node]! >= 0) waiting.push(left[node]!, right[node]!);
    }
  }
  return count;
}

function emptyLayout(places: number, trees: number): TreeLayout {
  const integers = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  return {
    roots: integers(trees),
    levels: integers(trees),
    features: integers(places),
    thresholds: new Float64Array(new SharedArrayBuffer(places * 8)),
    children: integers(places),
    rightWhenMissing: new Uint8Array(new SharedArrayBuffer(places)),
    leaves: integers(places),
  };
}
