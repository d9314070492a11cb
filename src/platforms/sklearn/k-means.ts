import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, plainAnswers, vectorAnswer } from "./answers.ts";
import type { Estimator, Table } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** KMeans and MiniBatchKMeans: the nearest centre, and the distances from all. */
export function kMeans(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const centres = estimator.table("cluster_centers_", columns);
  if (centres.rows === 0) throw estimator.damaged("cluster_centers_", "are none");
  const squares = squaresFrom(centres, from, builder);
  return plainAnswers(
    ["predict", vectorAnswer(builder.link(squares, { kind: "argmin" }), "int32")],
    ["transform", matrixAnswer(builder.link(squares, { kind: "sqrt" }), centres.rows)],
  );
}

/** MeanShift and AffinityPropagation: the nearest centre. */
export function nearestCluster(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const centres = estimator.table("cluster_centers_", columns);
  if (centres.rows === 0) throw estimator.uncovered("without clusters, every row is an outlier of no cluster");
  const squares = squaresFrom(centres, value, builder);
  return plainAnswers(["predict", vectorAnswer(builder.link(squares, { kind: "argmin" }), "int64")]);
}

/** Birch: the cluster of the nearest of its smaller clusters, and the distances from these. */
export function birch(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const centres = estimator.table("subcluster_centers_", columns);
  const labels = estimator.numbers("subcluster_labels_", centres.rows);
  const squares = squaresFrom(centres, value, builder);
  const number = builder.link(squares, { kind: "argmin" });
  return plainAnswers(
    ["predict", vectorAnswer(builder.add(number, { kind: "labels", labels: [...labels] }), "int64")],
    ["transform", matrixAnswer(builder.link(squares, { kind: "sqrt" }), centres.rows)],
  );
}

function squaresFrom(centres: Table, value: string, builder: ProgramBuilder): string {
  const rows = builder.finite(value);
  return builder.add(rows, { kind: "squares", points: sharedFloats(centres.data), bias: new Float64Array(centres.rows) });
}
