import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, plainAnswers, vectorAnswer } from "./answers.ts";
import { digamma } from "./digamma.ts";
import type { Estimator } from "./estimator.ts";
import { beside, columnwise } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** GaussianMixture and BayesianGaussianMixture: the likeliest component, with its probability and the logarithm of the density. */
export function gaussianMixture(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const { columns } = rows;
  const means = estimator.table("means_", columns);
  const components = means.rows;
  const isBayesian = estimator.name === "BayesianGaussianMixture";
  const logarithms = isBayesian
    ? bayesianWeights(estimator, components)
    : estimator.numbers("weights_", components).map(Math.log);
  const { squares, logDeterminants } = distancesOf(estimator, rows, means.data, components, builder);
  const bias = logarithms.map((logarithm, component) => {
    const gaussian = -0.5 * columns * Math.log(2 * Math.PI) + logDeterminants[component];
    return logarithm + gaussian + (isBayesian ? bayesianTerm(estimator, component, columns, components) : 0);
  });
  const halves = columnwise(squares, "multiply", -0.5, builder, components);
  const joint = columnwise(halves, "add", bias, builder);
  return plainAnswers(
    ["predict", vectorAnswer(builder.link(joint, { kind: "argmax" }), "int64")],
    ["predict_proba", matrixAnswer(builder.link(joint, { kind: "log-softmax" }, { kind: "exp" }), components)],
    ["score_samples", vectorAnswer(builder.add(joint, { kind: "row", does: "log-sum-exp" }))],
  );
}

interface Distances {
  /** The value of the squared distances from each mean, as its covariance measures them. */
  readonly squares: string;
  /** Logarithms of the determinants of the precisions' roots. */
  readonly logDeterminants: Float64Array;
}

function distancesOf(
  estimator: Estimator,
  { value, columns }: NumberRows,
  means: Float64Array,
  components: number,
  builder: ProgramBuilder,
): Distances {
  const from = builder.finite(value);
  const type = estimator.text("covariance_type");
  if (type === "diag" || type === "spherical") {
    const roots = estimator.numbers("precisions_cholesky_", type === "diag" ? components * columns : components);
    const rootOf = (component: number, column: number) => roots[type === "diag" ? component * columns + column : component];
    const weights = Float64Array.from(means, (_, i) => rootOf(Math.floor(i / columns), i % columns) ** 2);
    const squares = builder.add(from, {
      kind: "squares",
      points: sharedFloats(means),
      weights: sharedFloats(weights),
      bias: new Float64Array(components),
    });
    const logDeterminants = Float64Array.from({ length: components }, (_, component) => {
      let sum = 0;
      for (let column = 0; column < columns; column++) sum += Math.log(rootOf(component, column));
      return sum;
    });
    return { squares, logDeterminants };
  }
  if (type !== "full" && type !== "tied") throw estimator.uncovered(`covariance_type="${type.slice(0, 50)}" is not covered`);
  const size = columns * columns;
  const roots = estimator.numbers("precisions_cholesky_", type === "full" ? components * size : size);
  const logDeterminants = new Float64Array(components);
  const parts = Array.from({ length: components }, (_, component) => {
    const root = type === "full" ? roots.subarray(component * size, (component + 1) * size) : roots;
    for (let column = 0; column < columns; column++) logDeterminants[component] += Math.log(root[column * columns + column]);
    const centred = columnwise(from, "subtract", means.subarray(component * columns, (component + 1) * columns), builder);
    const turned = builder.add(centred, { kind: "linear", weights: sharedFloats(root), bias: new Float64Array(columns) });
    return builder.add([turned, turned], { kind: "row-product" });
  });
  return { squares: beside(parts, builder), logDeterminants };
}

/** Expected logarithms of the weights. */
function bayesianWeights(estimator: Estimator, components: number): Float64Array {
  const value = estimator.value("weight_concentration_");
  if (Array.isArray(value)) {
    // Of a Dirichlet process: what is left of a stick.
    const [first, second] = value.map((part) => NumpyArray.of(part)?.numbers());
    if (first?.length !== components || second?.length !== components) {
      throw estimator.damaged("weight_concentration_", `is not of ${components} components`);
    }
    let left = 0;
    return first.map((a, i) => {
      const sum = digamma(a + second[i]);
      const logarithm = digamma(a) - sum + left;
      left += digamma(second[i]) - sum;
      return logarithm;
    });
  }
  const concentration = estimator.numbers("weight_concentration_", components);
  const whole = digamma(concentration.reduce((a, b) => a + b, 0));
  return concentration.map((each) => digamma(each) - whole);
}

/** What the uncertainty of a component's mean and covariance adds to its density. */
function bayesianTerm(estimator: Estimator, component: number, columns: number, components: number): number {
  // One for all where they share a covariance.
  const all = estimator.array("degrees_of_freedom_")?.count ?? 1;
  const degrees =
    all === 1 ? estimator.number("degrees_of_freedom_") : estimator.numbers("degrees_of_freedom_", components)[component];
  const precision = estimator.numbers("mean_precision_", components)[component];
  let sum = columns * Math.log(2);
  for (let column = 0; column < columns; column++) sum += digamma(0.5 * (degrees - column));
  return 0.5 * (sum - columns / precision) - 0.5 * columns * Math.log(degrees);
}
