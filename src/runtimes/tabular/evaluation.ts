import type { PmmlOperation } from "../../model/tabular/pmml-operations.ts";
import type { TabularOperation, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { arithmetic, concat, impute, select } from "./columns/columns.ts";
import { featureStep, isFeatureStep } from "./columns/feature-steps.ts";
import { labels, lookup, oneHot } from "./columns/lookup.ts";
import { dense, isSparse, sparseLinear, sparseScale, sparseSelect } from "./columns/sparse.ts";
import { estimatorStep, isEstimatorStep } from "./estimators/estimator-steps.ts";
import { linear } from "./estimators/linear.ts";
import { applyLink } from "./estimators/links.ts";
import { squares } from "./estimators/squares.ts";
import { h2oStep, isH2oStep } from "./h2o/h2o-steps.ts";
import type { Matrix, SparseMatrix, Texts, Value } from "./matrix.ts";
import { pmmlStep } from "./pmml/pmml-steps.ts";
import { isSparkStep, sparkStep } from "./spark/spark-steps.ts";
import { textHashes } from "./text/text-hash.ts";
import { binTreeSums } from "./trees/bin-tree-sums.ts";
import { treeLeaves } from "./trees/tree-leaves.ts";
import { treeSums } from "./trees/tree-sums.ts";
import { treeVectorSums } from "./trees/tree-vector-sums.ts";
import { treeVectors } from "./trees/tree-vectors.ts";

/** What an operation does with the values that it takes. @throws ServingError invalid-argument for rows that the model refuses */
type Apply = (values: readonly Value[]) => Value;

interface Step {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** A value for each of {@link to}. */
  readonly apply: (values: readonly Value[]) => readonly Value[];
  /** As {@link apply}, where nobody else needs the value that it takes: its memory is used again. */
  readonly applyInPlace?: (values: readonly Value[]) => readonly Value[];
}

type ColumnsOperation = Extract<TabularOperation, { kind: "columns" }>;

/** What is done for the values that a request wants. */
interface Plan {
  /** Inputs that are needed, and their slots. */
  readonly inputs: readonly (readonly [name: string, slot: number])[];
  readonly steps: readonly PlannedStep[];
  readonly outputs: readonly (readonly [name: string, slot: number])[];
}

interface PlannedStep {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly apply: Step["apply"];
}

/** Plans that are kept: there are about as many as signatures. */
const MOST_PLANS = 64;

/** Evaluates a program's values for some rows. */
export class Evaluation {
  readonly #steps: readonly Step[];
  /** Values have numbers here: to look all of them up by name took longer than many a model. */
  readonly #slots = new Map<string, number>();
  readonly #plans = new Map<string, Plan>();

  constructor({ operations }: Pick<TabularProgram, "operations">) {
    this.#steps = operations.map((operation) => ({
      from: typeof operation.from === "string" ? [operation.from] : operation.from,
      to: typeof operation.to === "string" ? [operation.to] : operation.to,
      apply: operation.kind === "pmml" ? pmmlStep(operation) : alone(compile(operation)),
      ...(isOnlyUse(operation, operations) && {
        applyInPlace: ([value]) => [changedInPlace(operation, value as Matrix | SparseMatrix)],
      }),
    }));
  }

  /** The values that are named, of the inputs' and those that steps make; steps that none of them needs are not done. */
  values(inputs: ReadonlyMap<string, Value>, names: readonly string[]): ReadonlyMap<string, Value> {
    const plan = this.#planOf(names);
    const values: Value[] = [];
    for (const [name, slot] of plan.inputs) {
      const value = inputs.get(name);
      if (value !== undefined) values[slot] = value;
    }
    for (const { from, to, apply } of plan.steps) {
      const made = from.length === 1 ? apply([values[from[0]]]) : apply(from.map((slot) => values[slot]));
      for (let i = 0; i < to.length; i++) values[to[i]] = made[i];
    }
    const found = new Map<string, Value>();
    for (const [name, slot] of plan.outputs) found.set(name, values[slot]);
    return found;
  }

  #planOf(names: readonly string[]): Plan {
    const key = names.join("\0");
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    if (this.#plans.size >= MOST_PLANS) this.#plans.clear();
    const plan = this.#makePlan(names);
    this.#plans.set(key, plan);
    return plan;
  }

  #makePlan(names: readonly string[]): Plan {
    const needed = new Set(names);
    for (const { from, to } of this.#steps.toReversed()) {
      if (to.some((name) => needed.has(name))) for (const name of from) needed.add(name);
    }
    const steps = this.#steps.filter(({ to }) => to.some((name) => needed.has(name)));
    const made = new Set(steps.flatMap(({ to }) => to));
    const inputs = [...needed].filter((name) => !made.has(name));
    return {
      inputs: inputs.map((name) => [name, this.#slot(name)] as const),
      steps: steps.map(({ from, to, apply, applyInPlace }) => ({
        from: from.map((name) => this.#slot(name)),
        to: to.map((name) => this.#slot(name)),
        apply: applyInPlace !== undefined && !names.includes(from[0]) ? applyInPlace : apply,
      })),
      outputs: names.map((name) => [name, this.#slot(name)] as const),
    };
  }

  #slot(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(name, slot);
    return slot;
  }
}

function alone(apply: Apply): Step["apply"] {
  return (values) => [apply(values)];
}

function compile(operation: Exclude<TabularOperation, PmmlOperation>): Apply {
  if (isH2oStep(operation)) {
    const apply = h2oStep(operation);
    return (values) => apply(values as readonly (Matrix | Texts)[]);
  }
  if (isFeatureStep(operation)) return featureStep(operation);
  if (isSparkStep(operation)) return sparkStep(operation);
  if (isEstimatorStep(operation)) {
    const apply = estimatorStep(operation);
    return (values) => apply(values as readonly Matrix[]);
  }
  switch (operation.kind) {
    case "tree-sums": {
      const sums = treeSums(operation.ensemble);
      return ([value]) => sums(value as Matrix);
    }
    case "tree-leaves": {
      const leaves = treeLeaves(operation.ensemble);
      return ([value]) => leaves(value as Matrix);
    }
    case "linear":
      return ([value]) =>
        (isSparse(value) ? sparseLinear : linear)(operation.weights, operation.bias, value as Matrix & SparseMatrix);
    case "columns":
      return ([value]) => changedColumns(operation, value as Matrix | SparseMatrix);
    case "impute":
      return ([value]) => impute(operation.missing, operation.values, value as Matrix);
    case "select":
      return ([value]) =>
        isSparse(value) ? sparseSelect(operation.columns, value) : select(operation.columns, value as Matrix | Texts);
    case "squares":
      return ([value]) => squares(operation, value as Matrix);
    case "tree-vectors": {
      const sums = treeVectors(operation);
      return ([value]) => sums(value as Matrix);
    }
    case "link":
      return ([value]) => (isSparse(value) ? linkOfSparse(operation.link, value) : applyLink(operation.link, value as Matrix));
    case "labels":
      return ([value]) => labels(operation.labels, value as Matrix);
    case "concat":
      return (values) => concat(values as readonly (Matrix | Texts)[]);
    case "lookup": {
      const codes = lookup(operation.tables, operation.what);
      return ([value]) => codes(value as Matrix | Texts);
    }
    case "tree-vector-sums":
      return ([value]) => treeVectorSums(operation, value as Matrix);
    case "text-hashes": {
      const hashes = textHashes(operation.what);
      return ([value]) => hashes(value as Texts);
    }
    case "bin-tree-sums": {
      const sums = binTreeSums(operation.model);
      return (values) => sums(values as readonly Matrix[]);
    }
    case "one-hot":
      return ([value]) => oneHot(operation.sizes, value as Matrix);
  }
}

/** Whether an operation changes columns that another one has just made for it alone. */
function isOnlyUse(operation: TabularOperation, operations: readonly TabularOperation[]): operation is ColumnsOperation {
  if (operation.kind !== "columns") return false;
  const uses = operations.filter(({ from }) =>
    typeof from === "string" ? from === operation.from : from.includes(operation.from),
  );
  const maker = operations.find(({ to }) => to === operation.from);
  return uses.length === 1 && (maker?.kind === "columns" || maker?.kind === "impute");
}

function changedInPlace(operation: ColumnsOperation, value: Matrix | SparseMatrix): Value {
  return isSparse(value) ? changedColumns(operation, value) : arithmetic(operation.does, operation.by, value, value.data);
}

function changedColumns({ does, by }: Extract<TabularOperation, { kind: "columns" }>, value: Matrix | SparseMatrix): Value {
  if (!isSparse(value)) return arithmetic(does, by, value);
  return does === "multiply" || does === "divide" ? sparseScale(does, by, value) : arithmetic(does, by, dense(value));
}

/** Sparse rows stay so when they are only looked at. */
function linkOfSparse(link: Extract<TabularOperation, { kind: "link" }>["link"], value: SparseMatrix): Value {
  if (link.kind !== "finite") return applyLink(link, dense(value));
  applyLink(link, { rows: 1, width: value.values.length, data: value.values });
  return value;
}
