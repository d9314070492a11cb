import type { TabularOutput } from "../../model/tabular-program.ts";
import type { Estimator } from "./estimator.ts";
import { type Answer, type ProgramBuilder, vectorAnswer } from "./program-builder.ts";

/** The labels of a classifier, `classes_`. */
export interface ClassLabels {
  readonly labels: readonly (string | number)[];
  readonly dtype: TabularOutput["dtype"];
}

/** @throws ServingError unimplemented for several outputs; data-loss for labels that are neither texts nor numbers */
export function classLabels(estimator: Estimator): ClassLabels {
  const array = estimator.array("classes_");
  if (array === undefined && Array.isArray(estimator.value("classes_")))
    throw estimator.uncovered("several outputs are not covered");
  if (array === undefined || array.shape.length !== 1 || array.count === 0)
    throw estimator.damaged("classes_", "is no list of labels");
  const labels = array.values().map((label) => (typeof label === "boolean" ? Number(label) : label));
  if (labels.every((label) => typeof label === "string")) return { labels, dtype: "string" };
  if (!labels.every((label) => typeof label === "number")) throw estimator.damaged("classes_", "are neither texts nor numbers");
  if (array.isBoolean) return { labels, dtype: "bool" };
  const isFloat = array.isFloat || !labels.every(Number.isSafeInteger);
  return { labels, dtype: isFloat ? "float64" : "int64" };
}

/** The label with the number that each row of a value has. */
export function labelAnswer(builder: ProgramBuilder, from: string, { labels, dtype }: ClassLabels): Answer {
  return vectorAnswer(builder.add(from, { kind: "labels", labels }), dtype);
}
