import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** GaussianNB. */
export function gaussianNaiveBayes(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const means = estimator.table("theta_", columns);
  // Before 1.0 it had another name.
  const variances = estimator.table(estimator.value("var_") === null ? "sigma_" : "var_", columns).data;
  if (means.rows !== width || variances.length !== width * columns)
    throw estimator.damaged("theta_", `is not of ${width} classes`);
  const priors = estimator.numbers("class_prior_", width);
  const bias = priors.map((prior, row) => {
    let logarithms = 0;
    for (let column = 0; column < columns; column++) logarithms += Math.log(2 * Math.PI * variances[row * columns + column]!);
    return Math.log(prior) - 0.5 * logarithms;
  });
  const likelihoods = builder.add(builder.link(from, { kind: "finite", nan: "refused" }), {
    kind: "squares",
    points: sharedFloats(means.data),
    weights: sharedFloats(variances.map((variance) => -0.5 / variance)),
    bias: sharedFloats(bias),
  });
  return classified(
    builder,
    classes,
    builder.link(likelihoods, { kind: "argmax" }),
    ["predict_proba", matrixAnswer(builder.link(likelihoods, { kind: "softmax" }), width)],
    ["predict_log_proba", matrixAnswer(builder.link(likelihoods, { kind: "log-softmax" }), width)],
  );
}
