import type { PmmlValue } from "../../model/tabular/pmml-fields.ts";
import type { PmmlTarget } from "../../model/tabular/pmml-models.ts";
import { readOptionalValue, readOptype, readType, readValue } from "./data-dictionary.ts";
import type { Element } from "./element.ts";
import type { ModelPurpose, TargetField } from "./model-reading.ts";
import type { Scope } from "./scope.ts";

/** What answers call the target of a model that names no field for it. */
export const NO_TARGET = "_target";

/** The fields that a model predicts; one without a name where its mining schema has none. */
export function readTargets(
  model: Element,
  declared: readonly Element[],
  scope: Scope,
  purpose: ModelPurpose,
): readonly TargetField[] {
  const targets = model.child("Targets")?.all("Target") ?? [];
  if (declared.length === 0) return [targetField(undefined, targets[0], scope, purpose)];
  return declared.map((field) => {
    const name = field.need("name");
    const own = targets.find((target) => (target.get("field") ?? name) === name);
    return targetField(name, own, scope, purpose);
  });
}

function targetField(name: string | undefined, element: Element | undefined, scope: Scope, purpose: ModelPurpose): TargetField {
  const field = name === undefined ? undefined : scope.document.dataFields.get(name);
  const derived = name === undefined || field !== undefined ? undefined : scope.document.derived.get(name);
  const numbers = purpose === "regression";
  const type = field?.type ?? (derived && readType(derived, numbers ? "double" : "string")) ?? (numbers ? "double" : "string");
  const optype =
    element?.get("optype") === undefined
      ? (field?.optype ?? (numbers ? "continuous" : "categorical"))
      : readOptype(element, type);
  const values = element?.all("TargetValue") ?? [];
  const rescales = element !== undefined && numbers;
  const otherwise = numbers ? values.find((value) => value.get("defaultValue") !== undefined) : undefined;
  const target: PmmlTarget = {
    name: name ?? NO_TARGET,
    type,
    ...(rescales ? { rescale: rescaling(element) } : {}),
    otherwise: otherwise === undefined ? null : readOptionalValue(otherwise, "defaultValue", "double"),
    priors: numbers
      ? []
      : values
          .filter((value) => value.get("priorProbability") !== undefined)
          .map((value) => ({ value: readValue(value, "value", type), probability: value.number("priorProbability") })),
    displayValues: [
      ...values.flatMap((value) => {
        const text = value.get("displayValue");
        return text === undefined || value.get("value") === undefined ? [] : [{ value: readValue(value, "value", type), text }];
      }),
      ...(field?.displayValues ?? []),
    ],
  };
  const labels: readonly PmmlValue[] = field?.validity.values ?? [];
  return { ...(name === undefined ? {} : { name }), type, optype, labels, target };
}

function rescaling(target: Element): NonNullable<PmmlTarget["rescale"]> {
  return {
    low: target.get("min") === undefined ? Number.NEGATIVE_INFINITY : target.number("min"),
    high: target.get("max") === undefined ? Number.POSITIVE_INFINITY : target.number("max"),
    factor: target.number("rescaleFactor", 1),
    constant: target.number("rescaleConstant", 0),
    cast: target.get("castInteger") === undefined ? "none" : target.choice("castInteger", ["round", "ceiling", "floor"]),
  };
}
