import {
  type Link,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  type TabularProgram,
  type TreeEnsemble,
} from "../../model/tabular/tabular-program.ts";

type Rows = readonly (readonly number[])[];
const { fround } = Math;

/** Answers a signature's only output in the plainest way, in float32. @throws RangeError for a walk that leads out of the tables or does not end */
export function answerOf(program: TabularProgram, signature: string, rows: Rows): Rows {
  const values = new Map<string, Rows>([["input", rows.map((row) => row.map(fround))]]);
  for (const step of program.operations) {
    const from = values.get(String(step.from))!;
    if (step.kind === "tree-sums") {
      const { ensemble } = step;
      values.set(
        step.to,
        from.map((row) => sums(ensemble, row)),
      );
    } else if (step.kind === "tree-leaves") {
      const { left, roots } = step.ensemble;
      values.set(
        step.to,
        from.map((row) => [...roots].map((root) => left[leafOf(step.ensemble, root, row)])),
      );
    } else if (step.kind === "tree-vector-sums") {
      const { ensemble, vectors, base } = step;
      values.set(
        step.to,
        from.map((row) => vectorSums(ensemble, vectors, base, row)),
      );
    } else if (step.kind === "linear") {
      values.set(
        step.to,
        from.map((row) => [...step.bias].map((bias, group) => weighted(step.weights, step.bias.length, group, bias, row))),
      );
    } else if (step.kind === "link") {
      values.set(
        step.to,
        from.map((row) => linked(step.link, row).map(fround)),
      );
    }
  }
  const [output] = program.outputs.get(signature)!.values();
  return values.get(output.value)!;
}

function sums(ensemble: TreeEnsemble, row: readonly number[]): number[] {
  const { base, baseIsAdded, roots, treeGroups, values } = ensemble;
  const totals: number[] = Array.from(base, (each) => (baseIsAdded === "first" ? each : 0));
  for (const [tree, root] of roots.entries()) {
    totals[treeGroups[tree]] = fround(inside(totals, treeGroups[tree]) + values[leafOf(ensemble, root, row)]);
  }
  return baseIsAdded === "first" ? totals : totals.map((total, group) => fround(total + base[group]));
}

function vectorSums(ensemble: TreeEnsemble, vectors: Float32Array, base: Float32Array, row: readonly number[]): number[] {
  return Array.from(base, (start, i) =>
    ensemble.roots.reduce((sum, root) => fround(sum + inside(vectors, leafOf(ensemble, root, row) * base.length + i)), start),
  );
}

function leafOf(ensemble: TreeEnsemble, root: number, row: readonly number[]): number {
  let node = root;
  for (let steps = 0; inside(ensemble.features, node) >= 0; steps++) {
    if (steps > ensemble.features.length) throw new RangeError("a walk does not end");
    node = goesLeft(ensemble, node, inside(row, ensemble.features[node])) ? ensemble.left[node] : ensemble.right[node];
  }
  return node;
}

function goesLeft({ rules, values, categories }: TreeEnsemble, node: number, value: number): boolean {
  if (Number.isNaN(value)) return (rules[node] & NODE_DEFAULT_LEFT) !== 0;
  if (!(rules[node] & NODE_CATEGORICAL)) return value < values[node];
  const category = Math.trunc(value);
  if (value < 0 || category >= categories!.lengths[node] * 32) return true;
  return ((inside(categories!.words, categories!.starts[node] + (category >> 5)) >>> (category % 32)) & 1) === 0;
}

function weighted(weights: ArrayLike<number>, groups: number, group: number, bias: number, row: readonly number[]): number {
  return row.reduce((sum, value, column) => {
    return Number.isNaN(value) ? sum : fround(sum + fround(value * inside(weights, column * groups + group)));
  }, bias);
}

function linked(link: Link, row: readonly number[]): number[] {
  if (link.kind === "sigmoid") return row.map((x) => 1 / (1 + Math.exp(-x)));
  if (link.kind === "exp") return row.map(Math.exp);
  if (link.kind === "step") return row.map((x) => (x > 0 ? 1 : 0));
  if (link.kind === "complement") return [1 - row[0], row[0]];
  if (link.kind === "argmax") return [row.indexOf(Math.max(...row))];
  if (link.kind !== "softmax") throw new RangeError(`nothing of XGBoost's is ${link.kind}`);
  const powers = row.map((x) => Math.exp(x - Math.max(...row)));
  return powers.map((x) => x / powers.reduce((a, b) => a + b));
}

function inside(list: ArrayLike<number>, index: number): number {
  if (!(index >= 0 && index < list.length)) throw new RangeError(`${index} is outside of ${list.length}`);
  return list[index];
}
