import type { TabularOperation, TabularProgram } from "../../model/tabular-program.ts";
import { arithmetic, impute, select } from "./columns.ts";
import { linear } from "./linear.ts";
import { applyLink } from "./links.ts";
import type { Matrix, Value } from "./matrix.ts";
import { squares } from "./squares.ts";
import { treeLeaves } from "./tree-leaves.ts";
import { treeSums } from "./tree-sums.ts";
import { treeVectors } from "./tree-vectors.ts";

/** The name of the value that a program begins with. */
export const INPUT = "input";

interface Step {
  readonly from: string;
  readonly to: string;
  readonly apply: (value: Value) => Value;
}

/** Evaluates a program's values for some rows. */
export class Evaluation {
  readonly #steps: readonly Step[];

  constructor({ operations }: Pick<TabularProgram, "operations">) {
    this.#steps = operations.map((operation) => ({ from: operation.from, to: operation.to, apply: compile(operation) }));
  }

  /** The values that are named, from {@link INPUT} on; steps that none of them needs are not done. */
  values(input: Matrix, names: readonly string[]): ReadonlyMap<string, Value> {
    const needed = new Set(names);
    for (let i = this.#steps.length - 1; i >= 0; i--) if (needed.has(this.#steps[i]!.to)) needed.add(this.#steps[i]!.from);
    const values = new Map<string, Value>([[INPUT, input]]);
    for (const { from, to, apply } of this.#steps) if (needed.has(to)) values.set(to, apply(values.get(from)!));
    return values;
  }
}

function compile(operation: TabularOperation): (value: Value) => Value {
  switch (operation.kind) {
    case "tree-sums": {
      const sums = treeSums(operation.ensemble);
      return (value) => sums(value as Matrix);
    }
    case "tree-leaves":
      return (value) => treeLeaves(operation.ensemble, value as Matrix);
    case "linear":
      return (value) => linear(operation.weights, operation.bias, value as Matrix);
    case "columns":
      return (value) => arithmetic(operation.does, operation.by, value as Matrix);
    case "impute":
      return (value) => impute(operation.missing, operation.values, value as Matrix);
    case "select":
      return (value) => select(operation.columns, value as Matrix);
    case "squares":
      return (value) => squares(operation, value as Matrix);
    case "tree-vectors":
      return (value) => treeVectors(operation, value as Matrix);
    case "link":
      return (value) => applyLink(operation.link, value as Matrix);
    case "labels":
      return (value) => {
        const { rows, data } = value as Matrix;
        return { rows, labels: Array.from(data, (number) => operation.labels[number]!) };
      };
  }
}
