import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** What a classifier makes of a row: values of a number for each class, and the number of the class that it chooses. */
export interface ClassPrediction {
  readonly raw: string;
  readonly shares?: string;
  readonly prediction: string;
  readonly classes: number;
}

/** Puts the columns of a classifier into the data frame; those whose names are empty are not made. */
export function putClasses(stage: Stage, builder: ProgramBuilder, { raw, shares, prediction, classes }: ClassPrediction): void {
  // By an indexer of the label, whose texts are the classes' names.
  const names = builder.labelsOf(stage.text("labelCol", "label"));
  const vector = { kind: "vector", width: classes, sparse: false } as const;
  const rawName = stage.text("rawPredictionCol", "");
  if (rawName !== "") builder.put(stage, rawName, { ...vector, value: raw });
  const sharesName = stage.text("probabilityCol", "");
  if (shares !== undefined && sharesName !== "") builder.put(stage, sharesName, { ...vector, value: shares });
  putPrediction(stage, builder, prediction);
  builder.classes = {
    scores: shares ?? raw,
    // One that keeps unknown texts has a name more, which no class may have.
    labels:
      names !== undefined && names.length >= classes ? names.slice(0, classes) : Array.from({ length: classes }, (_, i) => i),
  };
  builder.regression = undefined;
}

/** Puts the column of a regressor into the data frame. */
export function putRegression(stage: Stage, builder: ProgramBuilder, value: string): void {
  putPrediction(stage, builder, value);
  builder.regression = value;
  builder.classes = undefined;
}

/** Puts the number of the cluster that a row belongs to into the data frame. */
export function putCluster(stage: Stage, builder: ProgramBuilder, value: string): void {
  const name = stage.text("predictionCol", "prediction");
  if (name !== "") builder.put(stage, name, { kind: "number", value, width: 1, sparse: false, dtype: "int64" });
}

function putPrediction(stage: Stage, builder: ProgramBuilder, value: string): void {
  const name = stage.text("predictionCol", "prediction");
  if (name !== "") builder.put(stage, name, { kind: "number", value, width: 1, sparse: false });
}

/** The class with the largest number, or with the largest share of its threshold where the stage has some. */
export function largestClass(stage: Stage, builder: ProgramBuilder, raw: string, shares: string, classes: number): string {
  const thresholds = stage.numbers("thresholds");
  if (thresholds === undefined) return builder.link(raw, { kind: "argmax" });
  if (thresholds.length !== classes) throw stage.damaged("thresholds", `are ${thresholds.length}, of ${classes} classes`);
  return builder.add(shares, { kind: "spark-largest", thresholds });
}
