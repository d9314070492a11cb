import type { Estimator } from "./estimator.ts";
import { type Answers, matrixAnswer, type ProgramBuilder, shared, vectorAnswer } from "./program-builder.ts";

/** KMeans and MiniBatchKMeans: the nearest centre, and the distances from all. */
export function kMeans(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Answers {
  const centres = estimator.table("cluster_centers_", columns);
  if (centres.rows === 0) throw estimator.damaged("cluster_centers_", "are none");
  const rows = builder.link(from, { kind: "finite", nan: "refused" });
  const squares = builder.add(rows, { kind: "squares", points: shared(centres.data), bias: new Float64Array(centres.rows) });
  return new Map([
    ["predict", vectorAnswer(builder.link(squares, { kind: "argmin" }), "int32")],
    ["transform", matrixAnswer(builder.link(squares, { kind: "sqrt" }), centres.rows)],
  ]);
}
