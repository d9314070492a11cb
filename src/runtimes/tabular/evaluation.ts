import type { TabularOperation, TabularProgram } from "../../model/tabular-program.ts";
import { arithmetic, concat, impute, select } from "./columns.ts";
import { linear } from "./linear.ts";
import { applyLink } from "./links.ts";
import { labels, lookup, oneHot } from "./lookup.ts";
import type { Matrix, Texts, Value } from "./matrix.ts";
import { squares } from "./squares.ts";
import { treeLeaves } from "./tree-leaves.ts";
import { treeSums } from "./tree-sums.ts";
import { treeVectors } from "./tree-vectors.ts";

/** What an operation does with the values that it takes. @throws ServingError invalid-argument for rows that the model refuses */
type Apply = (values: readonly Value[]) => Value;

interface Step {
  readonly from: readonly string[];
  readonly to: string;
  readonly apply: Apply;
}

/** Evaluates a program's values for some rows. */
export class Evaluation {
  readonly #steps: readonly Step[];

  constructor({ operations }: Pick<TabularProgram, "operations">) {
    this.#steps = operations.map((operation) => ({
      from: typeof operation.from === "string" ? [operation.from] : operation.from,
      to: operation.to,
      apply: compile(operation),
    }));
  }

  /** The values that are named, from those of the inputs on; steps that none of them needs are not done. */
  values(inputs: ReadonlyMap<string, Value>, names: readonly string[]): ReadonlyMap<string, Value> {
    const needed = new Set(names);
    for (let i = this.#steps.length - 1; i >= 0; i--) {
      const { from, to } = this.#steps[i];
      if (needed.has(to)) for (const name of from) needed.add(name);
    }
    const values = new Map(inputs);
    for (const { from, to, apply } of this.#steps) {
      if (needed.has(to)) values.set(to, apply(from.map((name) => values.get(name)!)));
    }
    return values;
  }
}

function compile(operation: TabularOperation): Apply {
  switch (operation.kind) {
    case "tree-sums": {
      const sums = treeSums(operation.ensemble);
      return ([value]) => sums(value as Matrix);
    }
    case "tree-leaves":
      return ([value]) => treeLeaves(operation.ensemble, value as Matrix);
    case "linear":
      return ([value]) => linear(operation.weights, operation.bias, value as Matrix);
    case "columns":
      return ([value]) => arithmetic(operation.does, operation.by, value as Matrix);
    case "impute":
      return ([value]) => impute(operation.missing, operation.values, value as Matrix);
    case "select":
      return ([value]) => select(operation.columns, value as Matrix);
    case "squares":
      return ([value]) => squares(operation, value as Matrix);
    case "tree-vectors":
      return ([value]) => treeVectors(operation, value as Matrix);
    case "link":
      return ([value]) => applyLink(operation.link, value as Matrix);
    case "labels":
      return ([value]) => labels(operation.labels, value as Matrix);
    case "concat":
      return (values) => concat(values as readonly (Matrix | Texts)[]);
    case "lookup": {
      const codes = lookup(operation.tables, operation.what);
      return ([value]) => codes(value as Matrix | Texts);
    }
    case "one-hot":
      return ([value]) => oneHot(operation.sizes, value as Matrix);
  }
}
