import { sharedFloats } from "../shared-arrays.ts";
import { largestClass, putClasses } from "./predictions.ts";
import { type ProgramBuilder, shown } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** NaiveBayesModel of every type. */
export async function naiveBayes(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const theta = table.matrix("theta");
  const { rows: classes, columns, data } = theta;
  const priors = table.vector("pi", classes);
  const name = stage.text("featuresCol", "features");
  const column = builder.vector(stage, name, columns);
  const type = stage.text("modelType", "multinomial");
  const linear = (numbers: "not-negative" | "zero-or-one", weightOf: (chance: number) => number, bias: Float64Array) => {
    const checked = builder.add(column.value, { kind: "spark-require", numbers, what: shown(name) });
    const weights = sharedFloats(data);
    for (let row = 0; row < classes; row++)
      for (let i = 0; i < columns; i++) weights[i * classes + row] = weightOf(data[row * columns + i]);
    return builder.add(checked, { kind: "spark-linear", weights, bias: sharedFloats(bias) });
  };
  let raw: string;
  if (type === "multinomial") raw = linear("not-negative", (chance) => chance, priors);
  else if (type === "complement") {
    const bias = classes === 1 ? priors : new Float64Array(classes);
    raw = builder.link(
      linear("not-negative", (chance) => chance, bias),
      { kind: "log-softmax" },
    );
  } else if (type === "bernoulli") {
    const never = data.map((chance) => Math.log(1 - Math.exp(chance)));
    const bias = priors.map(
      (prior, row) => prior + never.subarray(row * columns, (row + 1) * columns).reduce((a, b) => a + b, 0),
    );
    raw = linear("zero-or-one", (chance) => chance - Math.log(1 - Math.exp(chance)), bias);
  } else if (type === "gaussian") {
    const sigma = table.matrix("sigma");
    if (sigma.rows !== classes || sigma.columns !== columns) throw stage.damaged("sigma", "is of another size than theta");
    const bias = priors.map((prior, row) => prior - sumOfLogs(sigma.data.subarray(row * columns, (row + 1) * columns)) / 2);
    raw = builder.add(builder.dense(column), {
      kind: "squares",
      points: sharedFloats(data),
      weights: sharedFloats(sigma.data.map((variance) => -0.5 / variance)),
      bias: sharedFloats(bias),
    });
  } else throw stage.uncovered(`modelType="${type.slice(0, 50)}" is not covered`);
  const shares = builder.link(raw, { kind: "softmax" });
  putClasses(stage, builder, { raw, shares, prediction: largestClass(stage, builder, raw, shares, classes), classes });
}

function sumOfLogs(numbers: Float64Array): number {
  return numbers.reduce((sum, number) => sum + Math.log(number), 0);
}
