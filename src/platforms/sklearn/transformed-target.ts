import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { type Answers, regressed } from "./answers.ts";
import { Estimator } from "./estimator.ts";
import { numberFunction } from "./feature-transformers.ts";
import { answerOf, columnwise } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** TransformedTargetRegressor: the regressor's answer, with what was done to the targets undone. */
export async function transformedTarget(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const answers = await builder.answers(estimator.value("regressor_"), rows);
  const predict = answerOf(answers, "predict");
  if (predict === undefined || (predict.dtype !== "float64" && predict.dtype !== "float32"))
    throw estimator.uncovered("a regressor_ that does not predict is not covered");
  const value = undone(estimator, estimator.value("transformer_"), predict.value, predict.width, builder);
  const columns = predict.vector || estimator.value("_training_dim") === 1 ? 0 : predict.width;
  if (predict.dtype === "float64") return regressed(value, columns);
  // What numpy makes of a float32 is one.
  return regressed(builder.link(value, { kind: "round-to-float32" }), columns, "float32");
}

function undone(owner: Estimator, value: PickleValue, from: string, width: number, builder: ProgramBuilder): string {
  if (!(value instanceof PickleObject)) throw owner.damaged("transformer_", "is no estimator");
  const transformer = new Estimator(value);
  const by = (key: string, does: "add" | "subtract" | "multiply" | "divide", to: string) =>
    columnwise(to, does, transformer.numbers(key, width), builder);
  switch (transformer.name) {
    case "StandardScaler": {
      const scaled = transformer.isTrue("with_std") ? by("scale_", "multiply", from) : from;
      return transformer.isTrue("with_mean") ? by("mean_", "add", scaled) : scaled;
    }
    case "MinMaxScaler":
      return by("scale_", "divide", by("min_", "subtract", from));
    case "MaxAbsScaler":
      return by("scale_", "multiply", from);
    case "RobustScaler": {
      const scaled = transformer.isTrue("with_scaling") ? by("scale_", "multiply", from) : from;
      return transformer.isTrue("with_centering") ? by("center_", "add", scaled) : scaled;
    }
    case "FunctionTransformer":
      return unapplied(transformer, from, builder);
    default:
      throw owner.uncovered(`transformer_ of ${transformer.name.slice(0, 100)} is not covered`);
  }
}

function unapplied(transformer: Estimator, from: string, builder: ProgramBuilder): string {
  if (transformer.value("inverse_func") === null) return from;
  const does = numberFunction(transformer, "inverse_func");
  if (does === undefined)
    throw transformer.uncovered("an inverse_func that is no function of numpy's for single numbers is not covered");
  return builder.add(from, { kind: "function", does });
}
