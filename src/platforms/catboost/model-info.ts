import type { ModelInfo } from "./catboost-model.ts";

/** CatBoost's own, where a model does not say. */
const THRESHOLD = 0.5;

/** What a file tells of training. @param value what it has under a key, as JSON; undefined for nothing */
export function modelInfo(value: (key: string) => unknown): ModelInfo {
  const parameters = value("params");
  const threshold = Number(value("binclass_probability_threshold") ?? THRESHOLD);
  return {
    parameters,
    classParameters: value("class_params") ?? value("multiclass_params"),
    lossFunction: memberOf(parameters, "loss_function") ?? value("loss_function"),
    // What is no number is passed over by the library too.
    threshold: Number.isNaN(threshold) ? THRESHOLD : threshold,
  };
}

/** A member of a JSON object; undefined where there is none, or no object. */
export function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
