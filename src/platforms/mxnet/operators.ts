import type { OperatorEntry } from "./operator-call.ts";
import { CREATION } from "./operators/creation.ts";
import { ELEMENTWISE } from "./operators/elementwise.ts";
import { INDEXING } from "./operators/indexing.ts";
import { LAYERS } from "./operators/layers.ts";
import { LINEAR } from "./operators/linear.ts";
import { NORMALIZATION } from "./operators/normalization.ts";
import { POOLING } from "./operators/pooling.ts";
import { RECURRENT } from "./operators/recurrent.ts";
import { REDUCTIONS } from "./operators/reductions.ts";
import { SEQUENCES } from "./operators/sequences.ts";
import { SHAPES } from "./operators/shapes.ts";
import { VISION } from "./operators/vision.ts";

/** Every operator that is covered, in the order of the README's table. */
export const OPERATORS: readonly OperatorEntry[] = [
  ...LAYERS,
  ...POOLING,
  ...NORMALIZATION,
  ...RECURRENT,
  ...ELEMENTWISE,
  ...SHAPES,
  ...INDEXING,
  ...REDUCTIONS,
  ...LINEAR,
  ...CREATION,
  ...SEQUENCES,
  ...VISION,
];

const BY_NAME: ReadonlyMap<string, OperatorEntry> = new Map(
  OPERATORS.flatMap((entry) => entry.names.map((name) => [name.replace(/^_sparse_/, ""), entry] as const)),
);

/** What translates an operator; undefined for one that is not covered. */
export function operatorNamed(name: string): OperatorEntry | undefined {
  return BY_NAME.get(name) ?? (name.startsWith("_sparse_") ? BY_NAME.get(name.slice("_sparse_".length)) : undefined);
}
