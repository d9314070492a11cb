import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { putRegression } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** IsotonicRegressionModel, of a column of numbers, or of one number of a vector. */
export async function isotonicRegression(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const places = table.numberLists("boundaries").values;
  const values = table.numberLists("predictions").values;
  if (places.length === 0 || places.length !== values.length || !places.every((place, i) => i === 0 || place >= places[i - 1])) {
    throw stage.damaged("boundaries", "are no numbers that rise, one for each prediction");
  }
  const index = stage.number("featureIndex", 0);
  if (!Number.isInteger(index) || index < 0) throw stage.damaged("featureIndex", "is no number of a column");
  const column = builder.numbers(stage, stage.text("featuresCol", "features"), index === 0 ? "number" : "vector");
  if (column.width !== undefined && index >= column.width && column.kind === "vector")
    throw stage.damaged("featureIndex", `is ${index}, of ${column.width} columns`);
  const dense = builder.dense(column);
  const from = column.kind === "number" ? dense : builder.add(dense, { kind: "spark-select", columns: sharedIntegers([index]) });
  putRegression(
    stage,
    builder,
    builder.add(from, { kind: "spark-isotonic", places: sharedFloats(places), values: sharedFloats(values) }),
  );
}
