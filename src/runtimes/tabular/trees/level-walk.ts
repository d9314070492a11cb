// Long and repetitive on purpose: four walks that do not wait for one another take the time of one, and a step without a branch is never
// guessed wrong. For 1,000 rows and 100 trees of 6 levels this takes a quarter of the plain walk's time (benchmark/README.md).
import type { TreeEnsemble, TreeLayout } from "../../../model/tabular/tabular-program.ts";
import type { Matrix } from "../matrix.ts";

/** Rows that go through one tree before the next tree comes: the tree stays in the core's cache, and so do they. */
const BLOCK = 64;
/** Numbers of a block: wide rows are fewer. */
const MOST_NUMBERS = 2 ** 17;
/** Fewer rows go through four trees at once instead. */
const FEW = 4;
/** Levels that are walked before it is asked whether all walks have ended. */
const STRIDE = 8;

/** Finds the leaves of a block of rows, numbered as nodes of the ensemble. The memory it works in is its own: for one thread. */
export class LevelWalk {
  /** Most rows of a block. */
  readonly block: number;
  readonly #layout: TreeLayout;
  readonly #isStrict: boolean;
  readonly #trees: number;
  readonly #rows: Float64Array;
  readonly #missing: Uint8Array;
  readonly #width: number;
  /** Leaves that the rows of the block reach in the tree that was gone to last. */
  readonly leaves: Int32Array;
  /** By row and tree, where there are few rows. */
  readonly #few: Int32Array;
  #count = 0;
  #anyMissing = false;

  constructor({ leftWhen, columns }: TreeEnsemble, layout: TreeLayout) {
    this.#layout = layout;
    this.#isStrict = leftWhen === "less";
    this.#trees = layout.roots.length;
    this.#width = columns;
    this.block = Math.max(FEW, Math.min(BLOCK, Math.floor(MOST_NUMBERS / Math.max(1, columns))));
    this.#rows = new Float64Array(this.block * columns);
    this.#missing = new Uint8Array(this.block * columns);
    this.leaves = new Int32Array(this.block);
    this.#few = new Int32Array(FEW * this.#trees);
  }

  /** Takes the rows from `start` up to `end`, {@link block} at most. */
  take({ data, width }: Matrix, start: number, end: number): void {
    const [rows, missing, columns] = [this.#rows, this.#missing, this.#width];
    this.#count = end - start;
    let any = 0;
    for (let row = 0; row < this.#count; row++) {
      const from = (start + row) * width;
      for (let column = 0; column < columns; column++) {
        const value = data[from + column]!;
        const at = row * columns + column;
        rows[at] = value;
        const isMissing = Number.isNaN(value) ? 1 : 0;
        missing[at] = isMissing;
        any |= isMissing;
      }
    }
    this.#anyMissing = any !== 0;
    if (this.#count < FEW) for (let row = 0; row < this.#count; row++) this.#walkRow(row);
  }

  /** Goes to a tree: {@link leaves} are of it from now on. */
  tree(tree: number): void {
    const { leaves } = this;
    if (this.#count < FEW) {
      for (let row = 0; row < this.#count; row++) leaves[row] = this.#few[row * this.#trees + tree]!;
      return;
    }
    const layout = this.#layout;
    const [root, levels] = [layout.roots[tree]!, layout.levels[tree]!];
    if (this.#anyMissing)
      walkWithMissing(layout, this.#isStrict, root, levels, this.#rows, this.#missing, this.#width, this.#count, leaves);
    else if (this.#isStrict) walkLess(layout, root, levels, this.#rows, this.#width, this.#count, leaves);
    else walkLessOrEqual(layout, root, levels, this.#rows, this.#width, this.#count, leaves);
  }

  /** One row through all trees, four at once. */
  #walkRow(row: number): void {
    const { roots, levels } = this.#layout;
    const from = row * this.#width;
    const [rows, missing, few, layout] = [this.#rows, this.#missing, this.#few, this.#layout];
    const at = row * this.#trees;
    for (let tree = 0; tree < this.#trees; tree += 4) {
      // The last ones stand for those that there are not.
      const [b, c, d] = [
        Math.min(tree + 1, this.#trees - 1),
        Math.min(tree + 2, this.#trees - 1),
        Math.min(tree + 3, this.#trees - 1),
      ];
      const deepest = Math.max(levels[tree]!, levels[b]!, levels[c]!, levels[d]!);
      const { features, thresholds, children, rightWhenMissing, leaves } = layout;
      let n0 = roots[tree]!;
      let n1 = roots[b]!;
      let n2 = roots[c]!;
      let n3 = roots[d]!;
      if (!this.#anyMissing && this.#isStrict) {
        for (let level = 0; level < deepest; level++) {
          n0 = (children[n0]! + Number(rows[from + features[n0]!]! >= thresholds[n0]!)) | 0;
          n1 = (children[n1]! + Number(rows[from + features[n1]!]! >= thresholds[n1]!)) | 0;
          n2 = (children[n2]! + Number(rows[from + features[n2]!]! >= thresholds[n2]!)) | 0;
          n3 = (children[n3]! + Number(rows[from + features[n3]!]! >= thresholds[n3]!)) | 0;
        }
      } else if (!this.#anyMissing) {
        for (let level = 0; level < deepest; level++) {
          n0 = (children[n0]! + Number(rows[from + features[n0]!]! > thresholds[n0]!)) | 0;
          n1 = (children[n1]! + Number(rows[from + features[n1]!]! > thresholds[n1]!)) | 0;
          n2 = (children[n2]! + Number(rows[from + features[n2]!]! > thresholds[n2]!)) | 0;
          n3 = (children[n3]! + Number(rows[from + features[n3]!]! > thresholds[n3]!)) | 0;
        }
      } else {
        const equal = this.#isStrict ? 1 : 0;
        for (let level = 0; level < deepest; level++) {
          n0 = stepWithMissing(n0, from, equal, features, thresholds, children, rightWhenMissing, rows, missing);
          n1 = stepWithMissing(n1, from, equal, features, thresholds, children, rightWhenMissing, rows, missing);
          n2 = stepWithMissing(n2, from, equal, features, thresholds, children, rightWhenMissing, rows, missing);
          n3 = stepWithMissing(n3, from, equal, features, thresholds, children, rightWhenMissing, rows, missing);
        }
      }
      few[at + tree] = leaves[n0]!;
      few[at + b] = leaves[n1]!;
      few[at + c] = leaves[n2]!;
      few[at + d] = leaves[n3]!;
    }
  }
}

/** A step where values may be missing. @param equal 1 when what is equal goes right */
function stepWithMissing(
  node: number,
  row: number,
  equal: number,
  features: Int32Array,
  thresholds: Float64Array,
  children: Int32Array,
  rightWhenMissing: Uint8Array,
  rows: Float64Array,
  missing: Uint8Array,
): number {
  const at = row + features[node]!;
  const value = rows[at]!;
  const threshold = thresholds[node]!;
  const right = Number(value > threshold) | (Number(value === threshold) & equal) | (missing[at]! & rightWhenMissing[node]!);
  return (children[node]! + right) | 0;
}

function walkLess(
  { features, thresholds, children, leaves: nodes }: TreeLayout,
  root: number,
  levels: number,
  rows: Float64Array,
  width: number,
  count: number,
  leaves: Int32Array,
): void {
  for (let row = 0; row < count; row += 4) {
    // The last rows go once more with those that there are not.
    const a = Math.min(row, count - 4);
    const r0 = a * width;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    let n0 = root;
    let n1 = root;
    let n2 = root;
    let n3 = root;
    for (let left = levels; left > 0; left -= STRIDE) {
      for (let level = Math.min(left, STRIDE); level > 0; level--) {
        n0 = (children[n0]! + Number(rows[r0 + features[n0]!]! >= thresholds[n0]!)) | 0;
        n1 = (children[n1]! + Number(rows[r1 + features[n1]!]! >= thresholds[n1]!)) | 0;
        n2 = (children[n2]! + Number(rows[r2 + features[n2]!]! >= thresholds[n2]!)) | 0;
        n3 = (children[n3]! + Number(rows[r3 + features[n3]!]! >= thresholds[n3]!)) | 0;
      }
      if (((children[n0]! ^ n0) | (children[n1]! ^ n1) | (children[n2]! ^ n2) | (children[n3]! ^ n3)) === 0) break;
    }
    leaves[a] = nodes[n0]!;
    leaves[a + 1] = nodes[n1]!;
    leaves[a + 2] = nodes[n2]!;
    leaves[a + 3] = nodes[n3]!;
  }
}

function walkLessOrEqual(
  { features, thresholds, children, leaves: nodes }: TreeLayout,
  root: number,
  levels: number,
  rows: Float64Array,
  width: number,
  count: number,
  leaves: Int32Array,
): void {
  for (let row = 0; row < count; row += 4) {
    const a = Math.min(row, count - 4);
    const r0 = a * width;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    let n0 = root;
    let n1 = root;
    let n2 = root;
    let n3 = root;
    for (let left = levels; left > 0; left -= STRIDE) {
      for (let level = Math.min(left, STRIDE); level > 0; level--) {
        n0 = (children[n0]! + Number(rows[r0 + features[n0]!]! > thresholds[n0]!)) | 0;
        n1 = (children[n1]! + Number(rows[r1 + features[n1]!]! > thresholds[n1]!)) | 0;
        n2 = (children[n2]! + Number(rows[r2 + features[n2]!]! > thresholds[n2]!)) | 0;
        n3 = (children[n3]! + Number(rows[r3 + features[n3]!]! > thresholds[n3]!)) | 0;
      }
      if (((children[n0]! ^ n0) | (children[n1]! ^ n1) | (children[n2]! ^ n2) | (children[n3]! ^ n3)) === 0) break;
    }
    leaves[a] = nodes[n0]!;
    leaves[a + 1] = nodes[n1]!;
    leaves[a + 2] = nodes[n2]!;
    leaves[a + 3] = nodes[n3]!;
  }
}

function walkWithMissing(
  { features, thresholds, children, rightWhenMissing, leaves: nodes }: TreeLayout,
  isStrict: boolean,
  root: number,
  levels: number,
  rows: Float64Array,
  missing: Uint8Array,
  width: number,
  count: number,
  leaves: Int32Array,
): void {
  const equal = isStrict ? 1 : 0;
  for (let row = 0; row < count; row += 4) {
    const a = Math.min(row, count - 4);
    const r0 = a * width;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    let n0 = root;
    let n1 = root;
    let n2 = root;
    let n3 = root;
    for (let left = levels; left > 0; left -= STRIDE) {
      for (let level = Math.min(left, STRIDE); level > 0; level--) {
        n0 = stepWithMissing(n0, r0, equal, features, thresholds, children, rightWhenMissing, rows, missing);
        n1 = stepWithMissing(n1, r1, equal, features, thresholds, children, rightWhenMissing, rows, missing);
        n2 = stepWithMissing(n2, r2, equal, features, thresholds, children, rightWhenMissing, rows, missing);
        n3 = stepWithMissing(n3, r3, equal, features, thresholds, children, rightWhenMissing, rows, missing);
      }
      if (((children[n0]! ^ n0) | (children[n1]! ^ n1) | (children[n2]! ^ n2) | (children[n3]! ^ n3)) === 0) break;
    }
    leaves[a] = nodes[n0]!;
    leaves[a + 1] = nodes[n1]!;
    leaves[a + 2] = nodes[n2]!;
    leaves[a + 3] = nodes[n3]!;
  }
}
