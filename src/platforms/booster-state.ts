import { ServingError } from "../base/serving-error.ts";
import type { PickleObject, PickleValue } from "../codec/pickle/pickle-value.ts";

/** The attributes that a pickle gives an object. @throws ServingError data-loss, naming the class, for one without any */
export function boosterState({ type, state }: PickleObject): ReadonlyMap<PickleValue, PickleValue> {
  if (!(state instanceof Map)) throw new ServingError("data-loss", `${type.full} has no attributes`);
  return state;
}

/**
 * Labels of classes: texts or numbers, true being 1; undefined for a list of something else, or of nothing.
 * @throws ServingError unimplemented for whole numbers that a float64 does not hold
 */
export function labelsIn(values: readonly PickleValue[] | undefined): readonly (string | number)[] | undefined {
  const labels = values?.map((value) => (typeof value === "boolean" ? Number(value) : value));
  if (labels === undefined || labels.length === 0) return undefined;
  if (labels.every((label) => typeof label === "string")) return labels;
  if (!labels.every((label) => typeof label === "number")) return undefined;
  if (labels.every((label) => Number.isSafeInteger(label) || !Number.isInteger(label))) return labels;
  throw new ServingError("unimplemented", "labels of more than 53 bits are not covered");
}
