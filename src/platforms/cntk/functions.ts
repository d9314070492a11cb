import type { FunctionEntry } from "./function-call.ts";
import { ELEMENTWISE } from "./functions/elementwise.ts";
import { NORMALIZING } from "./functions/normalizing.ts";
import { PRODUCTS } from "./functions/products.ts";
import { REDUCTIONS } from "./functions/reductions.ts";
import { SEQUENCES } from "./functions/sequences.ts";
import { SHAPES } from "./functions/shapes.ts";
import { WINDOWS } from "./functions/windows.ts";

/** Every function that is covered, in the order of the README's table. */
export const FUNCTIONS: readonly FunctionEntry[] = [
  ...PRODUCTS,
  ...WINDOWS,
  ...NORMALIZING,
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...SHAPES,
  ...SEQUENCES,
];

/** Names of the functions that are not covered, by CNTK's number. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [13, "Where"],
  [18, "SumAll"],
  [28, "PackedIndex"],
  [30, "ScatterPacked"],
  [34, "SquaredError"],
  [35, "CrossEntropyWithSoftmax"],
  [36, "ClassificationError"],
  [44, "Combine"],
  [45, "RandomSample"],
  [46, "RandomSampleInclusionFrequency"],
  [48, "Logistic"],
  [49, "OptimizedRNNStack"],
  [57, "Block"],
  [59, "LambdaRank"],
  [60, "NDCG"],
  [61, "EditDistanceError"],
  [63, "LabelsToGraph"],
  [66, "ForwardBackward"],
  [67, "CosDistanceWithNegativeSamples"],
  [73, "Assign"],
  [76, "RandomDistribution"],
  [90, "LatticeSequenceWithSoftmax"],
  [93, "CustomProxyOp"],
  [97, "ConvolutionSequenceShape"],
]);

/** What training minimises or reports, and blocks that are it. */
const LOSS_NUMBERS: ReadonlySet<number> = new Set([34, 35, 36, 48, 59, 60, 61, 66, 67, 90]);
const LOSS_BLOCKS: ReadonlySet<string> = new Set([
  "SquaredError",
  "BinaryCrossEntropy",
  "WeightedBinaryCrossEntropy",
  "CrossEntropyWithSoftmax",
  "ClassificationError",
  "NCELoss",
  "EditDistanceError",
  "LambdaRank",
  "NDCG",
]);

const BY_NUMBER: ReadonlyMap<number, FunctionEntry> = new Map(FUNCTIONS.map((each) => [each.number, each]));

/** What translates a function; undefined for one that is not covered. */
export function functionNumbered(number: number | undefined): FunctionEntry | undefined {
  return BY_NUMBER.get(number ?? -1);
}

/** CNTK's name of a function. */
export function nameOfFunction(number: number | undefined): string {
  return functionNumbered(number)?.name ?? OTHERS.get(number ?? -1) ?? `function ${number}`;
}

/** Whether a function, or what a block is called, is a loss or a metric. */
export function isLoss(what: number | string | undefined): boolean {
  return typeof what === "string" ? LOSS_BLOCKS.has(what) : LOSS_NUMBERS.has(what ?? -1);
}
