import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import type { WholePickles } from "../pickled-booster.ts";
import { PREDICTORS, TRANSFORMERS } from "./estimators.ts";
import { ProgramBuilder } from "./program-builder.ts";

/**
 * Makes a program of a fitted estimator, with all that are within it.
 *
 * @param bytes size of the model's files
 * @param boosters reads other libraries' estimators
 * @throws ServingError unimplemented, which names the estimator, for those that are not covered; data-loss for damaged ones
 */
export async function compileModel(
  model: PickleValue,
  bytes: number,
  signal: AbortSignal,
  boosters?: WholePickles,
): Promise<TabularProgram> {
  if (model instanceof PickleObject && boosters?.knows(model)) return boosters.program(model, bytes, signal);
  const builder = new ProgramBuilder({ predictors: PREDICTORS, transformers: TRANSFORMERS }, signal, boosters, bytes);
  return builder.program(await builder.answers(model, ProgramBuilder.REQUEST), bytes);
}
