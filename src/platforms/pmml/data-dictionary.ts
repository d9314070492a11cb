import type { PmmlInterval, PmmlOptype, PmmlType, PmmlValidity, PmmlValue } from "../../model/tabular/pmml-fields.ts";
import { isNumberType, parseNumber, parsePmmlValue } from "../../model/tabular/pmml-values.ts";
import { type Element, shortened } from "./element.ts";

/** A field that a document has of its rows. */
export interface DataField {
  readonly name: string;
  readonly type: PmmlType;
  readonly optype: PmmlOptype;
  readonly validity: PmmlValidity;
  /** Values that are valid, with the texts that people see. */
  readonly displayValues: readonly { readonly value: PmmlValue; readonly text: string }[];
}

const OPTYPES = ["continuous", "categorical", "ordinal"] as const;
const CLOSURES = ["openClosed", "openOpen", "closedOpen", "closedClosed"] as const;
const TYPES: ReadonlySet<string> = new Set([
  "string",
  "integer",
  "float",
  "double",
  "boolean",
  "date",
  "time",
  "dateTime",
  "timeSeconds",
  ...["0", "1960", "1970", "1980", "1990", "2000", "2010", "2020"].flatMap((year) => [
    `dateDaysSince[${year}]`,
    `dateTimeSecondsSince[${year}]`,
  ]),
]);

/** The fields of a document, by name. */
export function readDataDictionary(root: Element): ReadonlyMap<string, DataField> {
  const fields = new Map<string, DataField>();
  for (const element of root.child("DataDictionary")?.all("DataField") ?? []) {
    const field = readDataField(element);
    if (fields.has(field.name)) throw element.fault(`is the second one of the name "${shortened(field.name)}"`);
    fields.set(field.name, field);
  }
  return fields;
}

/** The data type that an element declares. Default: what its optype makes likely, as PMML 2 has no data types. */
export function readType(element: Element, otherwise?: PmmlType): PmmlType {
  const type = element.get("dataType")?.trim();
  if (type === undefined) return otherwise ?? (element.get("optype") === "continuous" ? "double" : "string");
  if (!TYPES.has(type)) throw element.refused(`dataType="${shortened(type)}"`);
  return type as PmmlType;
}

/** The optype that an element declares. Default: what fits the type. */
export function readOptype(element: Element, type: PmmlType): PmmlOptype {
  return element.choice("optype", OPTYPES, isNumberType(type) ? "continuous" : "categorical");
}

/** A value of a type, of an attribute. @throws ServingError data-loss for a text that writes none. */
export function readValue(element: Element, name: string, type: PmmlType): PmmlValue {
  const text = element.need(name);
  const value = parsePmmlValue(text, type);
  if (value === undefined) throw element.fault(`has ${name}="${shortened(text)}", which is no ${type}`);
  return value;
}

/** As {@link readValue}, null where there is no such attribute. */
export function readOptionalValue(element: Element, name: string, type: PmmlType): PmmlValue | null {
  return element.get(name) === undefined ? null : readValue(element, name, type);
}

/** An `<Interval>`. */
export function readInterval(element: Element): PmmlInterval {
  const closure = element.choice("closure", CLOSURES);
  const margin = (name: string, otherwise: number): number => {
    const text = element.get(name);
    const value = text === undefined ? otherwise : parseNumber(text);
    if (value === undefined || Number.isNaN(value))
      throw element.fault(`has ${name}="${shortened(text ?? "")}", which is no number`);
    return value;
  };
  return {
    low: margin("leftMargin", Number.NEGATIVE_INFINITY),
    high: margin("rightMargin", Number.POSITIVE_INFINITY),
    lowClosed: closure.startsWith("closed"),
    highClosed: closure.endsWith("Closed"),
  };
}

function readDataField(element: Element): DataField {
  const name = element.need("name");
  const type = readType(element);
  if (element.flag("isCyclic")) throw element.refused('isCyclic="1"');
  const missing: PmmlValue[] = [];
  const invalid: PmmlValue[] = [];
  const values: PmmlValue[] = [];
  const displayValues: { value: PmmlValue; text: string }[] = [];
  for (const each of element.all("Value")) {
    const property = each.choice("property", ["valid", "invalid", "missing"], "valid");
    const text = each.need("value");
    const value = parsePmmlValue(text, type);
    if (property === "missing") {
      // What is no number cannot come as one, and what comes as a text is compared before it is read.
      if (!isNumberType(type)) missing.push(text);
      else if (value !== undefined) missing.push(value);
    } else if (value !== undefined) {
      (property === "valid" ? values : invalid).push(value);
      const display = each.get("displayValue");
      if (property === "valid" && display !== undefined) displayValues.push({ value, text: display });
    } else if (property === "valid") {
      throw each.fault(`has value="${shortened(text)}", which is no ${type}`);
    }
  }
  const optype = readOptype(element, type);
  const intervals = optype === "continuous" ? element.all("Interval").map(readInterval) : [];
  return { name, type, optype, validity: { missing, invalid, values, intervals }, displayValues };
}
