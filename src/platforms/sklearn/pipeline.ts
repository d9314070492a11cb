import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { type Answers, matrixAnswer, plainAnswers } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** What a Pipeline answers: its last step, over what the others make of the rows. */
export async function pipelineAnswers(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const steps = stepsOf(estimator);
  builder.expect(steps, rows);
  const last = steps.pop();
  if (last === undefined) throw estimator.uncovered("it has no step that does anything");
  const given = await transformedBy(steps, rows, builder);
  if (!isPassed(last)) return builder.answers(last, given);
  if (given.kind === "request") throw estimator.uncovered("it has no step that does anything");
  const numbers = builder.numbers(estimator, given);
  return plainAnswers(["transform", matrixAnswer(numbers.value, numbers.columns)]);
}

/** What a Pipeline of transformers makes of rows. */
export function pipelineRows(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Rows> {
  const steps = stepsOf(estimator);
  builder.expect(steps, rows);
  return transformedBy(steps, rows, builder);
}

async function transformedBy(steps: readonly PickleValue[], rows: Rows, builder: ProgramBuilder): Promise<Rows> {
  const done = steps.filter((step) => !isPassed(step));
  for (const [i, step] of done.entries()) rows = await builder.transformed(step, { ...rows, nones: noneColumns(done[i + 1]) });
  return rows;
}

function stepsOf(estimator: Estimator): PickleValue[] {
  return estimator.list("steps").map((step) => {
    if (!Array.isArray(step) || step.length !== 2) throw estimator.damaged("steps", "are no pairs of a name and an estimator");
    return step[1];
  });
}

/** Columns of a step that encodes texts in which None is a category. */
function noneColumns(step: PickleValue | undefined): ReadonlySet<number> {
  const columns = step instanceof PickleObject && step.state instanceof Map ? step.state.get("categories_") : undefined;
  if (!Array.isArray(columns)) return new Set();
  const hasNone = columns.map((each) => NumpyArray.of(each)?.values().includes(null) === true);
  return new Set([...hasNone.keys()].filter((column) => hasNone[column]));
}

function isPassed(step: PickleValue): boolean {
  return step === null || step === "passthrough";
}
