import { sharedFloats } from "../shared-arrays.ts";
import type { Answers } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import { columnwise } from "./members.ts";
import { outlierAnswers } from "./nearest-neighbours.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** EllipticEnvelope: minus the squared distance from a centre, as a covariance measures it. */
export function ellipticEnvelope(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  if (!estimator.isSince(0, 20)) throw estimator.uncovered("versions before 0.20 are not covered");
  const from = builder.finite(value);
  const centred = columnwise(from, "subtract", estimator.numbers("location_", columns), builder);
  const precision = estimator.table("precision_", columns);
  if (precision.rows !== columns) throw estimator.damaged("precision_", `has ${precision.rows} rows, not ${columns}`);
  const turned = builder.add(centred, { kind: "linear", weights: sharedFloats(precision.data), bias: new Float64Array(columns) });
  const squares = builder.add([turned, centred], { kind: "row-product" });
  const offset = estimator.array("offset_")?.numbers()[0] ?? estimator.number("offset_");
  return outlierAnswers(columnwise(squares, "multiply", -1, builder), offset, builder);
}
