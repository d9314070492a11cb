import type { Answers } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV: the best estimator they found. */
export function searched(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  if (estimator.value("best_estimator_") === null) throw estimator.uncovered("refit=False keeps no estimator");
  return builder.answers(estimator.value("best_estimator_"), rows);
}

/** RANSACRegressor: the estimator of the best consensus. */
export async function consented(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  return predictOnly(await builder.answers(estimator.value("estimator_"), rows));
}

/** FixedThresholdClassifier, TunedThresholdClassifierCV and others that have an estimator whose answers are not theirs alone. */
function predictOnly({ methods, ...rest }: Answers): Answers {
  return { ...rest, methods: new Map(Array.from(methods).filter(([method]) => method === "predict")) };
}
