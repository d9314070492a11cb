import type { TabularClasses } from "../../model/tabular/tabular-program.ts";
import type { TabularAnswer } from "../../model/tabular/tabular-signatures.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored, ScoredClasses } from "./scored.ts";

/** Classes at most that have a column of their own. */
const MOST_CLASS_COLUMNS = 100;

/** What requests are answered with, as H2O's `EasyPredictModelWrapper` calls it. */
export interface Answers {
  readonly answers: readonly TabularAnswer[];
  readonly classes?: TabularClasses;
  readonly regression?: string;
}

/** The answers of a model. */
export function answersOf(scored: Scored, builder: ProgramBuilder): Answers {
  switch (scored.kind) {
    case "classes":
      return ofClasses(scored, builder);
    case "number":
      return { answers: [vector("value", scored.value)], regression: scored.value };
    case "cluster":
      return { answers: [{ ...vector("cluster", scored.value), dtype: "int64" }] };
    case "anomaly": {
      const answers = [vector("score", scored.score), vector("normalizedScore", scored.normalizedScore)];
      if (scored.isAnomaly !== undefined) answers.push({ ...vector("isAnomaly", scored.isAnomaly), dtype: "bool" });
      return { answers };
    }
    case "matrix": {
      const { alias, value, width, dtype } = scored;
      return { answers: [{ alias, value, dtype, vector: false, width }] };
    }
    case "reconstruction": {
      const { width } = scored;
      const part = (alias: string, value: string): TabularAnswer => ({ alias, value, dtype: "float64", vector: false, width });
      return {
        answers: [part("original", scored.original), part("reconstructed", scored.reconstructed), vector("mse", scored.mse)],
      };
    }
  }
}

function ofClasses({ probabilities, number, labels, calibrated, asFrame }: ScoredClasses, builder: ProgramBuilder): Answers {
  const width = labels.length;
  const label = builder.add(number, { kind: "labels", labels });
  const answers: TabularAnswer[] = [
    { ...vector("labelIndex", number), dtype: "int64" },
    { ...vector("label", label), dtype: "string" },
    { alias: "classProbabilities", value: probabilities, dtype: "float64", vector: false, width },
  ];
  if (calibrated !== undefined) {
    answers.push({ alias: "calibratedClassProbabilities", value: calibrated, dtype: "float64", vector: false, width });
  }
  if (asFrame === true && width <= MOST_CLASS_COLUMNS)
    answers.push(...frameColumns(answers, probabilities, label, labels, builder));
  return { answers, classes: { scores: probabilities, labels } };
}

/** The columns of a frame that H2O predicts in a cluster: the label, then the probability of each class under its name. */
function frameColumns(
  others: readonly TabularAnswer[],
  probabilities: string,
  label: string,
  labels: readonly string[],
  builder: ProgramBuilder,
): readonly TabularAnswer[] {
  const taken = new Set([...others.map(({ alias }) => alias), "predict"]);
  const columns: TabularAnswer[] = [{ ...vector("predict", label), dtype: "string" }];
  for (const [i, name] of labels.entries()) {
    const alias = /^[+-]?\d{1,9}$/.test(name) ? `p${name}` : name;
    if (alias === "" || taken.has(alias)) continue;
    taken.add(alias);
    columns.push(vector(alias, builder.add(probabilities, { kind: "select", columns: Int32Array.of(i) })));
  }
  return columns;
}

function vector(alias: string, value: string): TabularAnswer {
  return { alias, value, dtype: "float64", vector: true, width: 1 };
}
