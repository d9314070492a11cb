import { PickleObject } from "../../codec/pickle/pickle-value.ts";
import type { Neighbours, PointTree } from "../../model/tabular/estimator-operations.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, plainAnswers, regressed, vectorAnswer } from "./answers.ts";
import { type ClassLabels, classified, classifiedSeveral, classLabels, labelsOf, labelsOfSeveral } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import { columnwise } from "./members.ts";
import { metricOf } from "./metrics.ts";
import { pointTree } from "./point-tree.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** KNeighborsClassifier: votes of the nearest. */
export function nearestClassifier(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const neighbours = neighboursOf(estimator, rows, "count");
  const from = builder.finite(rows.value);
  const several = labelsOfSeveral(estimator);
  const outputs = (several ?? [classLabels(estimator)]).map((classes, output, all) => {
    const { targets, width } = votes(estimator, classes, neighbours, output, all.length);
    const sums = builder.add(from, { kind: "neighbours", neighbours, does: "sum", targets, width, otherwise: "refused" });
    const shares = builder.add(sums, { kind: "guarded-shares", whenZero: "equal" });
    return { ...classes, number: builder.link(sums, { kind: "argmax" }), shares };
  });
  if (several !== undefined) return classifiedSeveral(estimator, outputs, builder);
  const [{ number, shares, labels, dtype }] = outputs;
  return classified(builder, { labels, dtype }, number, ["predict_proba", matrixAnswer(shares, labels.length)]);
}

/** RadiusNeighborsClassifier: votes of all within a distance. */
export function radiusClassifier(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const neighbours = neighboursOf(estimator, rows, "radius");
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const { targets } = votes(estimator, classes, neighbours, 0, 1);
  const outlier = outlierNumber(estimator, classes);
  const otherwise = outlier === undefined ? "refused" : new Float64Array(width).fill(1, outlier, outlier + 1);
  const sums = builder.add(builder.finite(rows.value), {
    kind: "neighbours",
    neighbours,
    does: "sum",
    targets,
    width,
    otherwise,
  });
  const shares = builder.add(sums, { kind: "guarded-shares", whenZero: "zero" });
  const number = builder.link(sums, { kind: "argmax" });
  // Before 0.22 there were no probabilities.
  if (!estimator.isSince(0, 22)) return classified(builder, classes, number);
  return classified(builder, classes, number, ["predict_proba", matrixAnswer(shares, width)]);
}

/** KNeighborsRegressor and RadiusNeighborsRegressor: the mean of what neighbours have. */
export function neighboursRegressor(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const neighbours = neighboursOf(estimator, rows, estimator.name.startsWith("Radius") ? "radius" : "count");
  const [count, width = 1] = estimator.array("_y")?.shape ?? [];
  const targets = estimator.numbers("_y", (neighbours.points.length / rows.columns) * width);
  const isVector = estimator.array("_y")?.shape.length === 1;
  if (count === 0) throw estimator.damaged("_y", "is empty");
  const value = builder.add(builder.finite(rows.value), {
    kind: "neighbours",
    neighbours,
    does: "mean",
    targets: sharedFloats(targets),
    width,
    otherwise: new Float64Array(width).fill(Number.NaN),
  });
  return regressed(value, isVector ? 0 : width);
}

/** LocalOutlierFactor, of rows that were not trained on (`novelty=True`). */
export function localOutlierFactor(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  if (!estimator.isTrue("novelty"))
    throw estimator.uncovered("novelty=False answers for no other rows than those it was trained on");
  const neighbours = neighboursOf(estimator, rows, "count");
  const points = neighbours.points.length / rows.columns;
  const count = neighbours.within.kind === "count" ? neighbours.within.count : 0;
  const distances = estimator.table("_distances_fit_X_");
  if (distances.rows !== points || distances.columns < count)
    throw estimator.damaged("_distances_fit_X_", `is no table of ${points} rows of ${count}`);
  const scores = builder.add(builder.finite(rows.value), {
    kind: "local-outlier-factor",
    neighbours,
    reaches: sharedFloats(
      Float64Array.from({ length: points }, (_, point) => distances.data[point * distances.columns + count - 1]),
    ),
    densities: sharedFloats(estimator.numbers("_lrd", points)),
  });
  return outlierAnswers(scores, estimator.number("offset_"), builder);
}

/** Answers of those who tell outliers (-1) by a score below an offset. */
export function outlierAnswers(scores: string, offset: number, builder: ProgramBuilder): Answers {
  const decision = columnwise(scores, "subtract", offset, builder);
  const number = builder.link(decision, { kind: "step-from-zero" });
  return plainAnswers(
    ["predict", vectorAnswer(builder.add(number, { kind: "labels", labels: [-1, 1] }), "int64")],
    ["decision_function", vectorAnswer(decision)],
    ["score_samples", vectorAnswer(scores)],
  );
}

/** A 1 for each point in the column of its class. */
function votes(
  estimator: Estimator,
  { labels }: ClassLabels,
  { points, columns }: Neighbours,
  output: number,
  outputs: number,
): { readonly targets: Float64Array; readonly width: number } {
  const count = points.length / columns;
  const numbers = estimator.numbers("_y", count * outputs);
  const width = labels.length;
  const targets = new Float64Array(new SharedArrayBuffer(count * width * 8));
  for (let point = 0; point < count; point++) {
    const number = numbers[point * outputs + output];
    if (!Number.isInteger(number) || number < 0 || number >= width)
      throw estimator.damaged("_y", `has ${number} of ${width} classes`);
    targets[point * width + number] = 1;
  }
  return { targets, width };
}

function neighboursOf(estimator: Estimator, { columns }: NumberRows, kind: "count" | "radius"): Neighbours {
  if (estimator.array("_fit_X") === undefined) throw estimator.uncovered("points of a sparse matrix are not covered");
  const points = estimator.table("_fit_X", columns);
  const metric = metricOf(estimator, columns);
  const weights = estimator.value("weights") ?? "uniform";
  if (weights !== "uniform" && weights !== "distance") throw estimator.uncovered("weights of one's own are not covered");
  const count =
    kind === "count" ? estimator.number(estimator.value("n_neighbors_") === null ? "n_neighbors" : "n_neighbors_") : 0;
  if (kind === "count" && !(Number.isInteger(count) && count > 0 && count <= points.rows)) {
    throw estimator.damaged("n_neighbors", `is ${count} of ${points.rows} points`);
  }
  const tree = kind === "count" ? treeOf(estimator, points.rows, columns) : undefined;
  return {
    metric,
    points: sharedFloats(points.data),
    columns,
    within: kind === "count" ? { kind, count } : { kind, radius: estimator.number("radius") },
    weighted: weights === "distance" ? "by-distance" : "equally",
    ...(tree === undefined ? {} : { tree }),
  };
}

function treeOf(estimator: Estimator, points: number, columns: number): PointTree | undefined {
  const tree = estimator.value("_tree");
  return tree instanceof PickleObject ? pointTree(estimator, tree, points, columns) : undefined;
}

/** The number of the label that rows without neighbours have. */
function outlierNumber(estimator: Estimator, classes: ClassLabels): number | undefined {
  const own = estimator.value("outlier_label");
  if (own === null) return undefined;
  const chosen = Array.isArray(estimator.value("outlier_label_")) ? estimator.list("outlier_label_")[0] : own;
  const [label] =
    typeof chosen === "string" || typeof chosen === "number"
      ? [chosen]
      : labelsOf(estimator.array("outlier_label_"), estimator, "outlier_label_").labels;
  const number = classes.labels.indexOf(label);
  if (number < 0) throw estimator.uncovered("an outlier_label that is none of the classes is not covered");
  return number;
}
