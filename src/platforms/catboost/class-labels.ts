import type { DType } from "../../tensor/dtype.ts";
import { type CatboostModel, damaged, uncovered } from "./catboost-model.ts";
import { memberOf } from "./model-info.ts";

/** Losses of classifiers, where a model has no parameters of classes. */
const OF_CLASSIFIERS = [
  "Logloss",
  "CrossEntropy",
  "Focal",
  "MultiClass",
  "MultiClassOneVsAll",
  "MultiLogloss",
  "MultiCrossEntropy",
];
const MOST_CLASSES = 2 ** 20;

/** The labels of a classifier. */
export interface ClassLabels {
  readonly labels: readonly (string | number)[];
  readonly dtype: DType;
}

/** The name of the loss that a model was trained for, without its parameters; empty where it does not say. */
export function lossName({ info }: CatboostModel): string {
  const name = memberOf(info.lossFunction, "type") ?? info.lossFunction;
  return typeof name === "string" ? name.split(":")[0]! : "";
}

/**
 * The labels of a classifier in the order of its sums; undefined for what is none.
 * @throws ServingError data-loss for labels that are neither texts nor numbers, or too many
 */
export function classLabels(model: CatboostModel, file: string): ClassLabels | undefined {
  const { classParameters, parameters } = model.info;
  const names = listOf(memberOf(classParameters, "class_names"));
  if (names.length > 0) {
    const { labels, dtype } = labelsOf(names, file);
    return { labels, dtype: dtype === "int64" && memberOf(classParameters, "class_label_type") === "Float" ? "float64" : dtype };
  }
  const count = memberOf(classParameters, "classes_count");
  if (typeof count === "number" && count > 0) return sequence(count, file);
  const known = listOf(memberOf(classParameters, "class_to_label"));
  if (known.length > 0)
    return labelsOf(
      known.map((label) => Math.trunc(Number(label))),
      file,
    );
  const options = listOf(memberOf(memberOf(parameters, "data_processing_options"), "class_names"));
  if (options.length > 0) return labelsOf(options, file);
  if (OF_CLASSIFIERS.includes(lossName(model))) return sequence(Math.max(2, model.dimensions), file);
  return undefined;
}

/**
 * Where each sum is among the labels: with classes that were not in the training data there are more labels.
 * @throws ServingError data-loss for places that are no labels' or not one for each sum
 */
export function labelPlaces({ dimensions, info }: CatboostModel, labels: number, file: string): readonly number[] {
  const places = listOf(memberOf(info.classParameters, "class_to_label"));
  if (
    places.length === dimensions &&
    places.every((place) => Number.isInteger(place) && Number(place) >= 0 && Number(place) < labels)
  ) {
    return places.map(Number);
  }
  throw damaged(file, `has ${dimensions} sums for ${labels} classes and does not say which are which`);
}

function sequence(count: number, file: string): ClassLabels {
  if (!(Number.isInteger(count) && count <= MOST_CLASSES)) throw uncovered(file, `has ${count} classes`);
  return { labels: Array.from({ length: count }, (_, i) => i), dtype: "int64" };
}

function labelsOf(values: readonly unknown[], file: string): ClassLabels {
  if (values.every((value) => typeof value === "string")) return { labels: values, dtype: "string" };
  if (values.every((value) => typeof value === "boolean")) return { labels: values.map(Number), dtype: "bool" };
  if (!values.every((value) => typeof value === "number"))
    throw damaged(file, "has labels of classes that are neither texts nor numbers");
  return { labels: values, dtype: values.every(Number.isSafeInteger) ? "int64" : "float64" };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
