import type { OperatorEntry } from "./aten-call.ts";
import { ATTENTION } from "./operators/attention.ts";
import { CONVOLUTIONS } from "./operators/convolutions.ts";
import { CREATION } from "./operators/creation.ts";
import { ELEMENTWISE } from "./operators/elementwise.ts";
import { INDEXING } from "./operators/indexing.ts";
import { LINEAR } from "./operators/linear.ts";
import { NORMALIZATION } from "./operators/normalization.ts";
import { POOLING } from "./operators/pooling.ts";
import { RECURRENT } from "./operators/recurrent.ts";
import { REDUCTIONS } from "./operators/reductions.ts";
import { RESIZING } from "./operators/resizing.ts";
import { SHAPES } from "./operators/shapes.ts";

/** Every operation that is covered, in the order of the README's table. */
export const OPERATORS: readonly OperatorEntry[] = [
  ...LINEAR,
  ...CONVOLUTIONS,
  ...POOLING,
  ...NORMALIZATION,
  ...ATTENTION,
  ...RECURRENT,
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...SHAPES,
  ...INDEXING,
  ...RESIZING,
  ...CREATION,
];

const BY_NAME: ReadonlyMap<string, OperatorEntry> = new Map(
  OPERATORS.flatMap((entry) => entry.names.map((name) => [name, entry] as const)),
);

/** What translates an operation; undefined for one that is not covered. */
export function operatorNamed(name: string, overload: string): OperatorEntry | undefined {
  return BY_NAME.get(`${name}.${overload}`) ?? BY_NAME.get(name);
}
