import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../../base/abort.ts";
import { ServingError } from "../../../base/serving-error.ts";
import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlOperation, PmmlVerification } from "../../../model/tabular/pmml-operations.ts";
import type { ResultValue } from "./evaluator.ts";
import { type PmmlEvaluation, pmmlEvaluation } from "./pmml-steps.ts";
import { shown } from "./row.ts";

/** Milliseconds that rows are evaluated before others have their turn. */
const TURN_MS = 10;

type VerificationRow = PmmlVerification["rows"][number];
type Expected = VerificationRow["expected"][number];

/**
 * Evaluates the rows that a document says the results of, if any.
 * @throws ServingError data-loss for a model that cannot be evaluated, and, naming the row and the result, for a result that is another
 */
export async function verifyPmml(operation: PmmlOperation, signal: AbortSignal): Promise<void> {
  const { verification } = operation;
  const evaluate = pmmlEvaluation(operation);
  if (verification === undefined) return;
  let last = performance.now();
  for (const [i, row] of verification.rows.entries()) {
    verifyRow(operation, evaluate, row, `${verification.file}: row ${i} of <ModelVerification>`);
    if (performance.now() - last < TURN_MS) continue;
    await setImmediate();
    throwIfAborted(signal);
    last = performance.now();
  }
}

function verifyRow({ columns, results }: PmmlOperation, evaluate: PmmlEvaluation, row: VerificationRow, what: string): void {
  const given = columns.map(({ texts, lists = false }, i) => {
    const value = row.given[i];
    if (lists) return [value === null ? null : [String(value)]];
    return texts ? [value as string | null] : [value === null ? Number.NaN : Number(value)];
  });
  const found = resultsOf(evaluate, given, what);
  for (const expected of row.expected) {
    const value = found[expected.result][0];
    if (isAsExpected(value, expected)) continue;
    const name = results[expected.result].name;
    throw new ServingError(
      "data-loss",
      `${what} says that "${name}" is ${shown(expected.value)}, and it is ${shown(value as PmmlValue | null)} here`,
    );
  }
}

function resultsOf(evaluate: PmmlEvaluation, given: Parameters<PmmlEvaluation>[0], what: string) {
  try {
    return evaluate(given, 1).results;
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    throw new ServingError("data-loss", `${what} has no answer here: ${reason.message}`, { cause: reason });
  }
}

function isAsExpected(found: ResultValue, { value, precision, zeroThreshold }: Expected): boolean {
  if (typeof value !== "number") return found === value;
  if (typeof found !== "number") return false;
  if (Math.abs(value) <= zeroThreshold && Math.abs(found) <= zeroThreshold) return true;
  const [one, other] = [value * (1 - precision), value * (1 + precision)];
  return found >= Math.min(one, other) && found <= Math.max(one, other);
}
