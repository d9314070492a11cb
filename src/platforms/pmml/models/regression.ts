import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlRegressionTable } from "../../../model/tabular/pmml-models.ts";
import { sharedFloats, sharedIntegers } from "../../shared-arrays.ts";
import { readValue } from "../data-dictionary.ts";
import type { Element } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import type { Scope } from "../scope.ts";

const LINKS = ["none", "simplemax", "softmax", "logit", "probit", "cloglog", "exp", "loglog", "cauchit"] as const;

/** Links of more than two classes. */
const OF_MANY: readonly string[] = ["none", "simplemax", "softmax", "logit"];

/** A `<RegressionModel>`. */
export function readRegression({ element, scope, purpose, target }: ModelSource): ReadBody {
  const tables = element.all("RegressionTable");
  const classifies = purpose === "classification";
  if (tables.length === 0) throw element.fault("has no <RegressionTable>");
  if (!classifies && tables.length > 1) throw element.fault("has several <RegressionTable>, and is no classification");
  const read = tables.map((table) =>
    readTable(table, scope, classifies ? readValue(table, "targetCategory", target.type) : null),
  );
  const ordinal = target.optype === "ordinal" && classifies;
  const link = element.choice("normalizationMethod", LINKS, "none");
  if (ordinal && (link === "softmax" || link === "simplemax")) throw element.refused(`${link} of an ordinal target`);
  if (!classifies && link === "simplemax") throw element.refused('normalizationMethod="simplemax" of numbers');
  if (classifies && link === "exp") throw element.refused('normalizationMethod="exp" of a classification');
  if (classifies && !ordinal && read.length > 2 && !OF_MANY.includes(link))
    throw element.refused(`normalizationMethod="${link}" of ${read.length} classes`);
  const labels = read.flatMap(({ label }) => label ?? []);
  return { body: { kind: "regression", classifies, link, tables: read, ordinal }, labels };
}

function readTable(table: Element, scope: Scope, label: PmmlValue | null): PmmlRegressionTable {
  const numeric = table.all("NumericPredictor");
  return {
    label,
    intercept: table.get("intercept") === undefined ? null : table.number("intercept"),
    slots: sharedIntegers(numeric.map((each) => numberSlot(each, each.need("name"), scope))),
    coefficients: sharedFloats(numeric.map((each) => each.number("coefficient"))),
    exponents: sharedFloats(numeric.map((each) => each.number("exponent", 1))),
    categories: table.all("CategoricalPredictor").map((each) => {
      const slot = scope.slot(each.need("name"), each);
      return {
        slot,
        value: readValue(each, "value", scope.document.fields[slot].type),
        coefficient: each.number("coefficient"),
      };
    }),
    terms: table.all("PredictorTerm").map((term) => ({
      coefficient: term.number("coefficient"),
      slots: term.all("FieldRef").map((each) => numberSlot(each, each.need("field"), scope)),
    })),
  };
}

/** The slot of a field that has numbers. */
export function numberSlot(at: Element, name: string, scope: Scope): number {
  const slot = scope.slot(name, at);
  if (scope.document.fields[slot].type === "string") throw at.fault("is of a field of texts, where a number is expected");
  return slot;
}
