import { sharedFloats } from "../shared-arrays.ts";
import type { Mojo } from "./mojo.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** Since this version trees hold levels to be missing that the model does not know. */
const VERSION = 1.2;
const OF_TREES = ["Gradient Boosting", "Random Forest", "Isolation Forest"];

/** Rows in which levels are missing that a model of trees does not know: where they are those of another model, which knows more. */
export function levelsAreLimited(
  mojo: Mojo,
  known: readonly (number | undefined)[],
  rows: string,
  builder: ProgramBuilder,
): string {
  const { algorithm, version, domains } = mojo;
  if (version < VERSION || algorithm.startsWith("Extended") || !OF_TREES.some((name) => algorithm.includes(name))) return rows;
  const limits = known.map((count, column) => {
    const own = domains.get(column)?.length;
    return own === undefined || (count !== undefined && count <= own) ? Number.POSITIVE_INFINITY : own;
  });
  if (limits.every((limit) => limit === Number.POSITIVE_INFINITY)) return rows;
  return builder.add(rows, { kind: "limit-levels", limits: sharedFloats(limits) });
}
