import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import type { Link } from "../../model/tabular/tabular-program.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answer, type Answers, matrixAnswer, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import { type Estimator, tableOf } from "./estimator.ts";
import { coefficientsOf, interceptOf } from "./linear-models.ts";
import { beside, columnwise, product } from "./members.ts";
import { discriminantAnswers } from "./nearest-centroid.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** What 0 is, for logarithms of probabilities. */
const LEAST = 2.2250738585072014e-308;

/** LinearDiscriminantAnalysis. */
export function linearDiscriminant(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const isBinary = width === 2;
  const coefficients = coefficientsOf(estimator, columns);
  if (coefficients.rows !== (isBinary ? 1 : width))
    throw estimator.damaged("coef_", `has ${coefficients.rows} rows for ${width} classes`);
  const from = builder.finite(value);
  const scores = product(from, coefficients, interceptOf(estimator, coefficients.rows), builder);
  const shares = builder.link(scores, ...sharesLinks(estimator, isBinary));
  // Since 0.23 the logarithm of 0 is that of the least number.
  const known = estimator.isSince(0, 23) ? builder.link(shares, { kind: "clip", least: LEAST, most: 1 }) : shares;
  const methods: [string, Answer][] = [
    ["predict_proba", matrixAnswer(shares, width)],
    ["predict_log_proba", matrixAnswer(builder.link(known, { kind: "log" }), width)],
    ["decision_function", isBinary ? vectorAnswer(scores) : matrixAnswer(scores, width)],
  ];
  const projected = projection(estimator, from, columns, builder);
  if (projected !== undefined) methods.push(["transform", projected]);
  return classified(builder, classes, builder.link(scores, { kind: isBinary ? "step" : "argmax" }), ...methods);
}

/** Before 0.21 each of several classes had a sigmoid of its own. */
function sharesLinks(estimator: Estimator, isBinary: boolean): readonly Link[] {
  if (!isBinary && estimator.isSince(0, 21)) return [{ kind: "softmax" }];
  return [{ kind: "sigmoid", steepness: 1 }, { kind: isBinary ? "complement" : "shares" }];
}

/** What `transform` gives; the solver `lsqr` has none. */
function projection(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Answer | undefined {
  const solver = estimator.text("solver");
  if (solver !== "svd" && solver !== "eigen") return undefined;
  const array = estimator.array("scalings_");
  if (array === undefined) throw estimator.damaged("scalings_", "is no array");
  const scalings = tableOf(array, undefined, (what) => estimator.damaged("scalings_", what));
  if (scalings.rows !== columns) throw estimator.damaged("scalings_", `has ${scalings.rows} rows, not ${columns}`);
  const width = Math.min(scalings.columns, estimator.number("_max_components", scalings.columns));
  const centred = solver === "svd" ? columnwise(from, "subtract", estimator.numbers("xbar_", columns), builder) : from;
  const all = builder.add(centred, {
    kind: "linear",
    weights: sharedFloats(scalings.data),
    bias: new Float64Array(scalings.columns),
  });
  if (width === scalings.columns) return matrixAnswer(all, width);
  return matrixAnswer(builder.add(all, { kind: "select", columns: Int32Array.from({ length: width }, (_, i) => i) }), width);
}

/** QuadraticDiscriminantAnalysis. */
export function quadraticDiscriminant(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const from = builder.finite(value);
  const means = estimator.table("means_", columns);
  const rotations = estimator.list("rotations_").map((each) => NumpyArray.of(each));
  const scalings = estimator.list("scalings_").map((each) => NumpyArray.of(each)?.numbers());
  const priors = estimator.numbers("priors_", width);
  if (means.rows !== width || rotations.length !== width || scalings.length !== width) {
    throw estimator.damaged("rotations_", `are not of ${width} classes`);
  }
  const norms = rotations.map((array, i) => {
    if (array === undefined) throw estimator.damaged("rotations_", "have something else than arrays");
    const rotation = tableOf(array, undefined, (what) => estimator.damaged("rotations_", what));
    const scaling = scalings[i];
    if (rotation.rows !== columns || scaling?.length !== rotation.columns)
      throw estimator.damaged("rotations_", "do not fit scalings_");
    const weights = rotation.data.map((number, at) => number * scaling[at % rotation.columns] ** -0.5);
    const centred = columnwise(from, "subtract", means.data.subarray(i * columns, (i + 1) * columns), builder);
    const turned = builder.add(centred, {
      kind: "linear",
      weights: sharedFloats(weights),
      bias: new Float64Array(rotation.columns),
    });
    return builder.add([turned, turned], { kind: "row-product" });
  });
  const bias = priors.map((prior, i) => {
    const logarithm = scalings[i]!.reduce((sum, scaling) => sum + Math.log(scaling), 0);
    return Math.log(prior) - 0.5 * logarithm;
  });
  const halves = columnwise(beside(norms, builder), "multiply", -0.5, builder, width);
  const scores = columnwise(halves, "add", bias, builder);
  return classified(builder, classes, builder.link(scores, { kind: "argmax" }), ...discriminantAnswers(scores, width, builder));
}
