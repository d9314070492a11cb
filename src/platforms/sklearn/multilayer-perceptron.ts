import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import type { Link } from "../../model/tabular/tabular-program.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, regressed } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import { type Estimator, tableOf } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

const ACTIVATIONS: ReadonlyMap<string, readonly Link[]> = new Map<string, readonly Link[]>([
  ["identity", []],
  ["logistic", [{ kind: "sigmoid", steepness: 1 }]],
  ["tanh", [{ kind: "tanh" }]],
  ["relu", [{ kind: "relu" }]],
  ["softmax", [{ kind: "softmax" }]],
  // Since 1.7, of the loss `poisson`.
  ["exp", [{ kind: "exp" }]],
]);

/** MLPClassifier. */
export function perceptronClassifier(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const { value, columns: outputs } = forward(estimator, rows, builder);
  const isBinary = estimator.text("out_activation_") === "logistic";
  if (isBinary && outputs > 1) throw estimator.uncovered("several labels at once are not covered");
  if (outputs !== (isBinary ? 1 : width) || (isBinary && width !== 2)) {
    throw estimator.damaged("coefs_", `has ${outputs} outputs for ${width} classes`);
  }
  const shares = isBinary ? builder.link(value, { kind: "complement" }) : value;
  // The first of equals is the smaller label, which a half is too.
  const number = builder.link(shares, { kind: "argmax" });
  return classified(
    builder,
    classes,
    number,
    ["predict_proba", matrixAnswer(shares, width)],
    ["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), width)],
  );
}

/** MLPRegressor. */
export function perceptronRegressor(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Answers {
  const { value, columns: outputs } = forward(estimator, rows, builder);
  return regressed(value, outputs === 1 ? 0 : outputs);
}

function forward(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): { readonly value: string; readonly columns: number } {
  const layers = estimator.list("coefs_").map((layer) => NumpyArray.of(layer));
  const intercepts = estimator.list("intercepts_").map((layer) => NumpyArray.of(layer));
  if (layers.length === 0 || layers.length !== intercepts.length)
    throw estimator.damaged("coefs_", "are not as many as intercepts_");
  let width = columns;
  let value = builder.link(from, { kind: "finite", nan: "refused" });
  for (const [i, layer] of layers.entries()) {
    if (layer === undefined) throw estimator.damaged("coefs_", "has something else than arrays");
    // A column's weights lie side by side there as here.
    const weights = tableOf(layer, undefined, (what) => estimator.damaged("coefs_", what));
    const bias = intercepts[i]?.numbers();
    if (weights.rows !== width || bias?.length !== weights.columns)
      throw estimator.damaged("coefs_", `do not fit together in layer ${i}`);
    value = builder.add(value, { kind: "linear", weights: sharedFloats(weights.data), bias: sharedFloats(bias) });
    const activation = estimator.text(i === layers.length - 1 ? "out_activation_" : "activation");
    const links = ACTIVATIONS.get(activation);
    if (links === undefined) throw estimator.uncovered(`activation="${activation.slice(0, 50)}" is not covered`);
    value = builder.link(value, ...links);
    width = weights.columns;
  }
  return { value, columns: width };
}
