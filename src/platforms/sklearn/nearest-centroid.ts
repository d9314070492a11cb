import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import { columnwise } from "./members.ts";
import { metricOf } from "./metrics.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** NearestCentroid: the class of the nearest centre; since 1.6, with probabilities where the metric is Euclidean. */
export function nearestCentroid(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const centres = estimator.table("centroids_", columns);
  if (centres.rows !== width) throw estimator.damaged("centroids_", `are ${centres.rows} of ${width} classes`);
  const metric = metricOf(estimator, columns);
  const from = builder.finite(value);
  const far = builder.add(from, { kind: "distances", metric, points: sharedFloats(centres.data), columns });
  const nearest = builder.link(far, { kind: "argmin" });
  if (estimator.array("class_prior_") === undefined) return classified(builder, classes, nearest);
  const priors = estimator.numbers("class_prior_", width);
  const spreads = estimator.numbers("within_class_std_dev_", columns).map((spread) => (spread === 0 ? 1 : spread));
  const scores = builder.add(columnwise(from, "divide", spreads, builder), {
    kind: "distances",
    metric,
    points: sharedFloats(centres.data.map((number, i) => number / spreads[i % columns])),
    columns,
  });
  const squares = columnwise(builder.add([scores, scores], { kind: "multiply" }), "multiply", -1, builder, width);
  const discriminant = columnwise(
    squares,
    "add",
    priors.map((prior) => 2 * Math.log(prior)),
    builder,
  );
  const isUniform = priors.every((prior) => Math.abs(prior - 1 / width) <= 1e-8 + 1e-5 / width);
  const number = isUniform ? nearest : builder.link(discriminant, { kind: "argmax" });
  if (metric.kind !== "euclidean") return classified(builder, classes, number);
  return classified(builder, classes, number, ...discriminantAnswers(discriminant, width, builder));
}

/** Answers of those who compare a score of each class, of which a softmax makes probabilities. */
export function discriminantAnswers(
  scores: string,
  width: number,
  builder: ProgramBuilder,
): readonly (readonly [string, ReturnType<typeof matrixAnswer>])[] {
  const difference = Float64Array.of(-1, 1);
  const decision =
    width === 2
      ? vectorAnswer(builder.add(scores, { kind: "linear", weights: sharedFloats(difference), bias: new Float64Array(1) }))
      : matrixAnswer(scores, width);
  return [
    ["predict_proba", matrixAnswer(builder.link(scores, { kind: "softmax" }), width)],
    ["predict_log_proba", matrixAnswer(builder.link(scores, { kind: "log-softmax" }), width)],
    ["decision_function", decision],
  ];
}
