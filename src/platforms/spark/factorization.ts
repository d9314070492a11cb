import { sharedFloats } from "../shared-arrays.ts";
import { largestClass, putClasses, putRegression } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** FMRegressionModel. */
export async function factorizationRegressor(stage: Stage, builder: ProgramBuilder): Promise<void> {
  putRegression(stage, builder, await sumOfFactors(stage, builder));
}

/** FMClassificationModel. */
export async function factorizationClassifier(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const raw = builder.link(await sumOfFactors(stage, builder), { kind: "mirror" });
  const shares = builder.add(raw, { kind: "spark-binary-shares", of: 1, steepness: 1 });
  putClasses(stage, builder, { raw, shares, prediction: largestClass(stage, builder, raw, shares, 2), classes: 2 });
}

async function sumOfFactors(stage: Stage, builder: ProgramBuilder): Promise<string> {
  const table = await stage.table();
  const factors = table.matrix("factors");
  const weights = table.vector("linear", factors.rows);
  const column = builder.vector(stage, stage.text("featuresCol", "features"), factors.rows);
  return builder.add(builder.dense(column), {
    kind: "spark-factors",
    bias: table.number("intercept"),
    weights: sharedFloats(weights),
    factors: sharedFloats(factors.data),
    width: factors.columns,
  });
}
