import type { AddStep, CompiledBooster } from "../pickled-booster.ts";
import type { FeatureColumns } from "./bin-columns.ts";
import { binTrees } from "./bin-trees.ts";
import type { CatboostModel } from "./catboost-model.ts";
import { classLabels, labelPlaces } from "./class-labels.ts";
import { predictionTypes } from "./prediction-types.ts";

/** Values that a model is asked: numbers in float32, and hashes of categories; undefined for a kind that it has no column of. */
export interface AskedValues {
  readonly numbers: string | undefined;
  readonly hashes: string | undefined;
}

/**
 * Adds a model's steps to a program.
 * @param columns where its features are in the values
 * @param file what errors call it
 * @throws ServingError data-loss for a model that does not fit together, unimplemented for what is not covered
 */
export async function compileModel(
  model: CatboostModel,
  columns: FeatureColumns,
  { numbers, hashes }: AskedValues,
  add: AddStep,
  file: string,
  signal: AbortSignal,
): Promise<CompiledBooster> {
  const classes = classLabels(model, file);
  const { dimensions } = model;
  const isWider = classes !== undefined && dimensions > 1 && classes.labels.length !== dimensions;
  const width = isWider ? classes.labels.length : dimensions;
  const places = isWider ? labelPlaces(model, width, file) : Array.from({ length: dimensions }, (_, i) => i);
  const trees = await binTrees(model, columns, { width, places }, file, signal);
  const needed: string[] = [];
  if (trees.numbers.columns.length > 0) needed.push(numbers!);
  if (trees.categories.columns.length > 0 || trees.statistics.length > 0) needed.push(hashes!);
  // A constant needs some value to tell how many rows there are.
  if (needed.length === 0) needed.push((numbers ?? hashes)!);
  const sums = add(needed, { kind: "bin-tree-sums", model: trees });
  return predictionTypes(model, classes, sums, width, add);
}
