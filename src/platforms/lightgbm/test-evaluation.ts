import {
  type Link,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
  type TabularProgram,
  type TreeEnsemble,
} from "../../model/tabular/tabular-program.ts";

type Rows = readonly (readonly number[])[];

/** Answers a signature's only output in the plainest way. @throws RangeError for a walk that leads out of the tables or does not end */
export function answerOf(program: TabularProgram, signature: string, rows: Rows): Rows {
  const values = new Map<string, Rows>([["input", rows]]);
  for (const step of program.operations) {
    const from = values.get(String(step.from))!;
    if (step.kind === "tree-sums")
      values.set(
        step.to,
        from.map((row) => sums(step.ensemble, row)),
      );
    if (step.kind === "tree-leaves") {
      values.set(
        step.to,
        from.map((row) => [...step.ensemble.roots].map((root) => step.ensemble.left[leafOf(step.ensemble, root, row)])),
      );
    }
    if (step.kind === "link")
      values.set(
        step.to,
        from.map((row) => linked(step.link, row)),
      );
  }
  const [output] = program.outputs.get(signature)!.values();
  return values.get(output.value)!;
}

function sums(ensemble: TreeEnsemble, row: readonly number[]): number[] {
  const totals = [...ensemble.base];
  for (const [tree, root] of ensemble.roots.entries())
    totals[ensemble.treeGroups[tree]] += leafValue(ensemble, leafOf(ensemble, root, row), row);
  return totals.map((total) => total / ensemble.divisor);
}

function leafValue({ values, linearLeaves }: TreeEnsemble, leaf: number, row: readonly number[]): number {
  if (linearLeaves === undefined || linearLeaves.starts[leaf] < 0) return values[leaf];
  let value = linearLeaves.constants[leaf];
  let absent = false;
  for (let i = 0; i < linearLeaves.lengths[leaf]; i++) {
    const term = linearLeaves.starts[leaf] + i;
    const input = inside(row, inside(linearLeaves.columns, term));
    absent ||= Number.isNaN(input);
    value += inside(linearLeaves.coefficients, term) * input;
  }
  return absent ? values[leaf] : value;
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
  const rule = rules[node];
  if (rule & NODE_CATEGORICAL) {
    const category = Math.trunc(value);
    if (!(category >= 0 && category < categories!.lengths[node] * 32)) return false;
    return ((inside(categories!.words, categories!.starts[node] + Math.floor(category / 32)) >>> (category % 32)) & 1) === 1;
  }
  const missing =
    (rule & NODE_NAN_IS_MISSING && Number.isNaN(value)) ||
    (rule & NODE_ZERO_IS_MISSING && (Number.isNaN(value) || Math.abs(value) <= Math.fround(1e-35)));
  return missing ? (rule & NODE_DEFAULT_LEFT) !== 0 : (Number.isNaN(value) ? 0 : value) <= values[node];
}

function linked(link: Link, row: readonly number[]): number[] {
  if (link.kind === "sigmoid") return row.map((x) => 1 / (1 + Math.exp(-link.steepness * x)));
  if (link.kind === "complement") return [1 - row[0], row[0]];
  if (link.kind === "exp") return row.map(Math.exp);
  if (link.kind === "signed-square") return row.map((x) => Math.sign(x) * x * x);
  if (link.kind === "log1p-exp") return row.map((x) => Math.log1p(Math.exp(x)));
  if (link.kind !== "softmax") throw new RangeError(`nothing of LightGBM's is ${link.kind}`);
  const powers = row.map((x) => Math.exp(x - Math.max(...row)));
  return powers.map((x) => x / powers.reduce((a, b) => a + b));
}

function inside(list: ArrayLike<number>, index: number): number {
  if (!(index >= 0 && index < list.length)) throw new RangeError(`${index} is outside of ${list.length}`);
  return list[index];
}
