import { sharedFloats } from "../shared-arrays.ts";
import { type Answer, type Answers, matrixAnswer, plainAnswers, regressed, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import { kernelOf, namedKernel } from "./kernels.ts";
import { columnwise } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** SVC and NuSVC, as LIBSVM votes. */
export function supportVectorClassifier(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const decisions = pairDecisions(estimator, rows, width, builder);
  const isBinary = width === 2;
  const mirrored = (value: string) => columnwise(value, "multiply", -1, builder, (width * (width - 1)) / 2);
  const methods: [string, Answer][] = [];
  let number = builder.link(builder.add(decisions, { kind: "pairwise-votes", classes: width }), { kind: "argmax" });
  let decision: Answer | undefined = isBinary
    ? vectorAnswer(mirrored(decisions))
    : matrixAnswer(decisions, (width * (width - 1)) / 2);
  if (!isBinary && estimator.text("decision_function_shape") === "ovr") {
    const margins = mirrored(decisions);
    // The second of a pair wins above 0 here, where it does from 0 on among the votes.
    const scores = builder.add([builder.link(margins, { kind: "step" }), margins], { kind: "pairwise-scores", classes: width });
    // Before 0.21 the decisions of a row depended on the others that it came with.
    decision = estimator.isSince(0, 21) ? matrixAnswer(scores, width) : undefined;
    if (estimator.isTrue("break_ties")) number = builder.link(scores, { kind: "argmax" });
  }
  const shares = probabilities(estimator, decisions, width, builder);
  if (shares !== undefined) {
    methods.push(["predict_proba", matrixAnswer(shares, width)]);
    methods.push(["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), width)]);
  }
  if (decision === undefined) return { ...classified(builder, classes, number, ...methods), withheld: ["decision_function"] };
  return classified(builder, classes, number, ...methods, ["decision_function", decision]);
}

/** SVR and NuSVR. */
export function supportVectorRegressor(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  return regressed(oneDecision(estimator, rows, builder));
}

/** OneClassSVM: 1 for what is like the rows that it was trained on, else -1. */
export function oneClassSupportVectors(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const decision = oneDecision(estimator, rows, builder);
  const number = builder.link(decision, { kind: "step" });
  const methods: [string, Answer][] = [
    ["predict", vectorAnswer(builder.add(number, { kind: "labels", labels: [-1, 1] }), "int64")],
    ["decision_function", vectorAnswer(decision)],
  ];
  if (estimator.value("offset_") !== null) {
    const offset = estimator.array("offset_")?.numbers()[0] ?? estimator.number("offset_");
    methods.push(["score_samples", vectorAnswer(columnwise(decision, "add", offset, builder))]);
  }
  return plainAnswers(...methods);
}

function oneDecision(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): string {
  const { value, vectors } = kernelRows(estimator, rows, builder);
  const coefficients = estimator.numbers(dualKey(estimator), vectors);
  const bias = estimator.numbers(interceptKey(estimator), 1);
  return builder.add(value, { kind: "linear", weights: sharedFloats(coefficients), bias: sharedFloats(bias) });
}

/** A number for each pair of classes, above 0 for the first of them. */
function pairDecisions(estimator: Estimator, rows: NumberRows, classes: number, builder: ProgramBuilder): string {
  const { value, vectors } = kernelRows(estimator, rows, builder);
  const counts = estimator.numbers(estimator.value("_n_support") === null ? "n_support_" : "_n_support");
  const coefficients = estimator.table(dualKey(estimator), vectors);
  if (counts.length !== classes || counts.reduce((a, b) => a + b, 0) !== vectors || counts.some((count) => !(count >= 0))) {
    throw estimator.damaged("n_support_", `are not of ${vectors} vectors of ${classes} classes`);
  }
  if (coefficients.rows !== classes - 1)
    throw estimator.damaged("dual_coef_", `has ${coefficients.rows} rows, not ${classes - 1}`);
  const starts = Array.from(counts, (_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
  const pairs = (classes * (classes - 1)) / 2;
  const weights = new Float64Array(vectors * pairs);
  let pair = 0;
  for (let first = 0; first < classes; first++) {
    for (let second = first + 1; second < classes; second++) {
      // A vector's coefficients are those against the other classes, its own left out.
      for (const [own, other] of [
        [first, second - 1],
        [second, first],
      ] as const) {
        for (let vector = starts[own]; vector < starts[own] + counts[own]; vector++) {
          weights[vector * pairs + pair] = coefficients.data[other * vectors + vector];
        }
      }
      pair++;
    }
  }
  const bias = estimator.numbers(interceptKey(estimator), pairs);
  return builder.add(value, { kind: "linear", weights: sharedFloats(weights), bias: sharedFloats(bias) });
}

function kernelRows(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): { readonly value: string; readonly vectors: number } {
  if (estimator.isTrue("_sparse")) throw estimator.uncovered("support vectors of a sparse matrix are not covered");
  const points = estimator.table("support_vectors_", columns);
  const gamma = estimator.value("_gamma") ?? estimator.value("gamma");
  if (typeof gamma !== "number") throw estimator.damaged("_gamma", "is no number");
  return { value: kernelOf(builder.finite(from), namedKernel(estimator, gamma), points, builder), vectors: points.rows };
}

/** LIBSVM's probabilities, where they were fitted: Platt's for each pair, coupled. */
function probabilities(estimator: Estimator, decisions: string, classes: number, builder: ProgramBuilder): string | undefined {
  const pairs = (classes * (classes - 1)) / 2;
  const key = estimator.array("_probA") === undefined ? "probA_" : "_probA";
  if (!estimator.isTrue("probability") || (estimator.array(key)?.count ?? 0) === 0) return undefined;
  const slopes = estimator.numbers(key, pairs);
  const offsets = estimator.numbers(key.replace("A", "B"), pairs);
  const straight = columnwise(columnwise(decisions, "multiply", slopes, builder), "add", offsets, builder);
  const shares = builder.link(straight, { kind: "sigmoid", steepness: -1 });
  return builder.add(shares, { kind: "pairwise-coupling", classes });
}

/** Before 0.22 both were the same; the one with the line is what LIBSVM has. */
function dualKey(estimator: Estimator): string {
  return estimator.array("_dual_coef_") === undefined ? "dual_coef_" : "_dual_coef_";
}

function interceptKey(estimator: Estimator): string {
  return estimator.array("_intercept_") === undefined ? "intercept_" : "_intercept_";
}
