import type { PmmlTreatment, PmmlType, PmmlValidity } from "../../model/tabular/pmml-fields.ts";
import { isNumberType, parsePmmlValue } from "../../model/tabular/pmml-values.ts";
import { readOptionalValue } from "./data-dictionary.ts";
import type { Element } from "./element.ts";
import { DEFAULT_TREATMENT, type Scope } from "./scope.ts";

/** What a mining schema says beside the values that it declares. */
export interface MiningSchema {
  /** Fields that the model predicts, by name. */
  readonly targets: readonly Element[];
  /** Slots of the request's values that are checked even where the model does not look at them. */
  readonly checked: readonly number[];
}

const USAGES = ["active", "predicted", "target", "supplementary", "group", "order", "frequencyWeight", "analysisWeight"] as const;
const REPLACEMENTS = ["asIs", "asMean", "asMode", "asMedian", "asValue", "returnInvalid"] as const;
const NO_VALIDITY: PmmlValidity = { missing: [], invalid: [], values: [], intervals: [] };

/** Declares the fields of a model. Those of the outermost model are the request's. */
export function readMiningSchema(model: Element, scope: Scope, outermost: boolean): MiningSchema {
  const targets: Element[] = [];
  const checked: number[] = [];
  const fields = model.needChild("MiningSchema").all("MiningField");
  // Items of a basket are no single value that could be checked.
  const baskets = model.name === "AssociationModel" && fields.some((field) => field.get("usageType") === "group");
  for (const element of fields) {
    const usage = element.choice("usageType", USAGES, "active");
    if (usage === "target" || usage === "predicted") {
      targets.push(element);
      continue;
    }
    const name = element.need("name");
    if (!outermost) {
      redeclare(name, element, scope);
      continue;
    }
    if (usage !== "active" && usage !== "group") {
      const field = scope.document.dataFields.get(name);
      if (field !== undefined) scope.document.spare.set(name, readTreatment(element, field.type));
      continue;
    }
    const slot = declareInput(name, element, scope);
    if (!baskets || usage === "group") checked.push(slot);
  }
  return { targets, checked };
}

/** Declares a field of the request's. */
export function declareInput(name: string, element: Element, scope: Scope): number {
  const field = scope.document.dataFields.get(name);
  if (field === undefined) throw element.fault("is no field of the data dictionary");
  const slot = scope.document.input(field, readTreatment(element, field.type));
  scope.declare(name, slot);
  return slot;
}

/** A field that is treated here as well; any other has the value that the model around this one sees. */
function redeclare(name: string, element: Element, scope: Scope): void {
  const outer = scope.find(name, element);
  if (outer === undefined) return;
  const { type, optype, order } = scope.document.fields[outer];
  const treatment = readTreatment(element, type);
  if (isDefault(treatment)) return;
  const given = scope.document.dataFields.get(name)?.validity ?? NO_VALIDITY;
  const missing = isNumberType(type) ? given.missing : given.missing.flatMap((text) => parsePmmlValue(String(text), type) ?? []);
  const validity = { ...given, missing };
  const depth = scope.document.depths[outer] + 1;
  scope.declare(
    name,
    scope.document.add(
      { name, type, optype, ...(order && { order }), source: { kind: "treated", of: outer, validity, treatment } },
      depth,
    ),
  );
}

function readTreatment(element: Element, type: PmmlType): PmmlTreatment {
  const outliers = element.choice("outliers", ["asIs", "asMissingValues", "asExtremeValues"], "asIs");
  const low = element.get("lowValue") === undefined ? Number.NEGATIVE_INFINITY : element.number("lowValue");
  const high = element.get("highValue") === undefined ? Number.POSITIVE_INFINITY : element.number("highValue");
  return {
    outliers,
    low,
    high,
    invalid: element.choice("invalidValueTreatment", ["returnInvalid", "asIs", "asMissing", "asValue"], "returnInvalid"),
    invalidReplacement: readOptionalValue(element, "invalidValueReplacement", type),
    refusesMissing: element.choice("missingValueTreatment", REPLACEMENTS, "asIs") === "returnInvalid",
    missingReplacement: readOptionalValue(element, "missingValueReplacement", type),
  };
}

function isDefault(treatment: PmmlTreatment): boolean {
  const keys = ["outliers", "invalid", "refusesMissing", "missingReplacement"] as const;
  return keys.every((key) => treatment[key] === DEFAULT_TREATMENT[key]);
}
