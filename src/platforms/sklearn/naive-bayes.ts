import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer } from "./answers.ts";
import { type ClassLabels, classified, classLabels } from "./class-labels.ts";
import { type Estimator, type Table, tableOf } from "./estimator.ts";
import { columnwise, product } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** BernoulliNB: of columns that are there or not. */
export function bernoulliNaiveBayes(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const { classes, table, priors } = discreteOf(estimator, columns);
  const absent = table.data.map((logarithm) => Math.log1p(-Math.exp(logarithm)));
  const threshold = estimator.value("binarize");
  let from = builder.finite(value);
  if (typeof threshold === "number")
    from = builder.link(columnwise(from, "subtract", threshold, builder, columns), { kind: "step" });
  const bias = priors.map((prior, row) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += absent[row * columns + column];
    return prior + sum;
  });
  const weights = { ...table, data: table.data.map((logarithm, i) => logarithm - absent[i]) };
  return likelihoodAnswers(classes, product(from, weights, bias, builder), builder);
}

/** MultinomialNB: of counts. */
export function multinomialNaiveBayes(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const { classes, table, priors } = discreteOf(estimator, columns);
  return likelihoodAnswers(classes, product(builder.finite(value), table, priors, builder), builder);
}

/** ComplementNB: of counts, by what the other classes have. */
export function complementNaiveBayes(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const { classes, table, priors } = discreteOf(estimator, columns);
  const bias = table.rows === 1 ? priors : new Float64Array(table.rows);
  return likelihoodAnswers(classes, product(builder.finite(value), table, bias, builder), builder);
}

/** CategoricalNB: of numbers that stand for categories. */
export function categoricalNaiveBayes(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const tables = estimator.list("feature_log_prob_").map((each): Table => {
    const array = NumpyArray.of(each);
    if (array === undefined) throw estimator.damaged("feature_log_prob_", "has something else than arrays");
    const table = tableOf(array, undefined, (what) => estimator.damaged("feature_log_prob_", what));
    if (table.rows !== width) throw estimator.damaged("feature_log_prob_", `are of ${table.rows} classes, not ${width}`);
    return table;
  });
  if (tables.length !== columns) throw estimator.damaged("feature_log_prob_", `are of ${tables.length} columns, not ${columns}`);
  const sizes = Int32Array.from(tables, (table) => table.columns);
  const starts = Int32Array.from(sizes, (_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  const values = new Float64Array(sizes.reduce((a, b) => a + b, 0) * width);
  for (const [column, table] of tables.entries()) {
    for (let i = 0; i < table.data.length; i++) {
      const [row, category] = [Math.floor(i / table.columns), i % table.columns];
      values[(starts[column] + category) * width + row] = table.data[i];
    }
  }
  const bias = estimator.numbers("class_log_prior_", width);
  const step = { kind: "category-sums", starts, sizes, width, values: sharedFloats(values), bias: sharedFloats(bias) } as const;
  return likelihoodAnswers(classes, builder.add(builder.finite(value), step), builder);
}

function discreteOf(
  estimator: Estimator,
  columns: number,
): { readonly classes: ClassLabels; readonly table: Table; readonly priors: Float64Array } {
  const classes = classLabels(estimator);
  const table = estimator.table("feature_log_prob_", columns);
  const width = classes.labels.length;
  if (table.rows !== width) throw estimator.damaged("feature_log_prob_", `is of ${table.rows} classes, not ${width}`);
  return { classes, table, priors: estimator.numbers("class_log_prior_", width) };
}

/** Answers from the logarithm of how likely each class and the row are together. */
export function likelihoodAnswers(classes: ClassLabels, joint: string, builder: ProgramBuilder): Answers {
  const width = classes.labels.length;
  return classified(
    builder,
    classes,
    builder.link(joint, { kind: "argmax" }),
    ["predict_proba", matrixAnswer(builder.link(joint, { kind: "softmax" }), width)],
    ["predict_log_proba", matrixAnswer(builder.link(joint, { kind: "log-softmax" }), width)],
  );
}
