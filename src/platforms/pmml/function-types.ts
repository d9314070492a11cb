import type { PmmlFunctionName, PmmlType } from "../../model/tabular/pmml-fields.ts";
import { isNumberType } from "../../model/tabular/pmml-values.ts";

/** A built-in function: how many arguments it takes, and the type of its result by those of the arguments. */
export interface BuiltIn {
  readonly name: PmmlFunctionName;
  readonly least: number;
  readonly most: number;
  readonly type: (args: readonly PmmlType[]) => PmmlType;
}

const ANY_NUMBER = Number.POSITIVE_INFINITY;

/** The type in which numbers of several types are reckoned with. */
export function commonType(types: readonly PmmlType[]): PmmlType {
  if (types.includes("double") || !types.every(isNumberType)) return "double";
  return types.includes("float") ? "float" : "integer";
}

const fixed =
  (type: PmmlType): BuiltIn["type"] =>
  () =>
    type;
const real: BuiltIn["type"] = (types) => (commonType(types) === "float" ? "float" : "double");
/** Of `if`: what both branches have. */
const either: BuiltIn["type"] = ([, first, second = first]) =>
  first === second ? first : isNumberType(first) && isNumberType(second) ? commonType([first, second]) : first;

const ROWS: readonly (readonly [names: readonly PmmlFunctionName[], least: number, most: number, type: BuiltIn["type"]])[] = [
  [["+", "-", "*", "/"], 2, 2, commonType],
  [["pow", "modulo", "threshold"], 2, 2, commonType],
  [["abs"], 1, 1, commonType],
  [["min", "max", "sum", "product"], 1, ANY_NUMBER, commonType],
  [["avg"], 1, ANY_NUMBER, real],
  [["median"], 1, ANY_NUMBER, real],
  [["floor", "ceil", "round"], 1, 1, fixed("integer")],
  [["log10", "ln", "sqrt", "exp", "rint", "expm1", "ln1p"], 1, 1, fixed("double")],
  [["sin", "asin", "sinh", "cos", "acos", "cosh", "tan", "atan", "tanh"], 1, 1, fixed("double")],
  [["erf", "stdNormalCDF", "stdNormalPDF", "stdNormalIDF"], 1, 1, fixed("double")],
  [["hypot", "atan2"], 2, 2, fixed("double")],
  [["normalCDF", "normalPDF", "normalIDF"], 3, 3, fixed("double")],
  [["isMissing", "isNotMissing", "isValid", "isNotValid", "not"], 1, 1, fixed("boolean")],
  [["equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"], 2, 2, fixed("boolean")],
  [["and", "or"], 2, ANY_NUMBER, fixed("boolean")],
  [["isIn", "isNotIn"], 2, ANY_NUMBER, fixed("boolean")],
  [["if"], 2, 3, either],
  [["uppercase", "lowercase", "trimBlanks"], 1, 1, fixed("string")],
  [["stringLength"], 1, 1, fixed("integer")],
  [["substring"], 3, 3, fixed("string")],
  [["concat"], 2, ANY_NUMBER, fixed("string")],
  [["replace"], 3, 3, fixed("string")],
  [["matches"], 2, 2, fixed("boolean")],
  [["formatNumber", "formatDatetime"], 2, 2, fixed("string")],
  [["dateDaysSinceYear", "dateSecondsSinceYear"], 2, 2, fixed("integer")],
  [["dateSecondsSinceMidnight"], 1, 1, fixed("integer")],
];

const BUILT_IN: ReadonlyMap<string, BuiltIn> = new Map(
  ROWS.flatMap(([names, least, most, type]) => names.map((name) => [name, { name, least, most, type }] as const)),
);

/** The built-in function of a name; `x-atan2` is what some exporters call `atan2`. */
export function builtInFunction(name: string): BuiltIn | undefined {
  return BUILT_IN.get(name === "x-atan2" ? "atan2" : name);
}
