import type { PmmlExpression, PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { castPmmlValue } from "../../../model/tabular/pmml-values.ts";
import { type FieldReaders, isWithin, numberOf } from "./field-readers.ts";
import { applyReader } from "./functions.ts";
import { type Read, RowFault, shown } from "./row.ts";
import { textIndexReader } from "./text-index.ts";

/** Reads an expression's value for a row. */
export function expressionReader(expression: PmmlExpression, fields: FieldReaders): Read {
  switch (expression.kind) {
    case "constant": {
      const { value } = expression;
      return () => value;
    }
    case "field": {
      const read = fields.reader(expression.slot);
      const { missing } = expression;
      return missing === null ? read : (row) => read(row) ?? missing;
    }
    case "cast":
      return cast(expressionReader(expression.of, fields), expression.of.type, expression.type);
    case "norm-continuous":
      return normContinuous(expression, fields);
    case "norm-discrete": {
      const read = fields.reader(expression.slot);
      const { value, missing } = expression;
      return (row) => {
        const given = read(row);
        return given === null ? missing : Number(given === value);
      };
    }
    case "discretize": {
      const read = fields.number(expression.slot);
      const { bins, otherwise, missing } = expression;
      return (row) => {
        const value = read(row);
        if (Number.isNaN(value)) return missing;
        const bin = bins.find(({ interval }) => isWithin(interval, value));
        return bin === undefined ? otherwise : bin.value;
      };
    }
    case "map-values":
      return mapValues(expression, fields);
    case "text-index":
      return textIndexReader(expression, fields.reader(expression.text), expressionReader(expression.term, fields), fields.texts);
    case "apply": {
      const args = expression.args.map((arg) => expressionReader(arg, fields));
      const [first] = expression.args;
      return applyReader(expression, args, first.kind === "field" ? fields.validity(first.slot) : () => true);
    }
    case "call":
      return call(expression, fields);
  }
}

/** A value of one type as one of another. @throws RowFault for one that is none */
export function cast(read: Read, from: PmmlType, to: PmmlType): Read {
  if (from === to) return read;
  if (from === "integer" && to === "double") return read;
  return (row) => {
    const value = read(row);
    if (value === null) return null;
    const made = castPmmlValue(value, from, to);
    if (made === undefined) throw new RowFault(`${shown(value)} is no ${to}`);
    return made;
  };
}

function normContinuous(expression: PmmlExpression & { readonly kind: "norm-continuous" }, fields: FieldReaders): Read {
  const read = fields.number(expression.slot);
  const { orig, norm, outliers, missing } = expression;
  const last = orig.length - 1;
  return (row) => {
    const value = read(row);
    if (Number.isNaN(value)) return missing;
    if (outliers !== "asIs" && (value < orig[0] || value > orig[last])) {
      return outliers === "asMissingValues" ? null : value < orig[0] ? norm[0] : norm[last];
    }
    return onLine(orig, norm, value);
  };
}

/** The value of a line through points; beyond the ends the outermost pieces go on. */
export function onLine(orig: readonly number[], norm: readonly number[], value: number): number {
  let at = 1;
  while (at < orig.length - 1 && value > orig[at]) at++;
  const [from, to] = [orig[at - 1], orig[at]];
  return norm[at - 1] + ((value - from) / (to - from)) * (norm[at] - norm[at - 1]);
}

function mapValues(expression: PmmlExpression & { readonly kind: "map-values" }, fields: FieldReaders): Read {
  const { slots, rows, otherwise, missing } = expression;
  const readers = slots.map((slot) => fields.reader(slot));
  const [first] = readers;
  if (readers.length === 1) {
    const found = new Map<PmmlValue | null, PmmlValue | null>();
    for (const { keys, value } of rows) if (!found.has(keys[0])) found.set(keys[0], value);
    return (row) => {
      const key = first(row);
      if (key === null) return missing;
      return found.get(key) ?? otherwise;
    };
  }
  const found = new Map<string, PmmlValue | null>();
  for (const { keys, value } of rows) {
    const key = JSON.stringify(keys);
    if (!found.has(key)) found.set(key, value);
  }
  return (row) => {
    const keys = readers.map((read) => read(row));
    if (keys.includes(null)) return missing;
    return found.get(JSON.stringify(keys)) ?? otherwise;
  };
}

/** Parameters are set and set back: an argument's field may be made of another call of the function. */
function call(expression: PmmlExpression & { readonly kind: "call" }, fields: FieldReaders): Read {
  const { parameters } = fields.functions[expression.function];
  const { missing, otherwise } = expression;
  const readers = expression.args.map((arg, i) => cast(expressionReader(arg, fields), arg.type, fields.typeOf(parameters[i])));
  const inner = fields.functionReader(expression.function);
  return (row) => {
    const given = readers.map((read) => read(row));
    if (missing !== null && given.includes(null)) return missing;
    const before = parameters.map((slot) => row.values[slot]);
    for (const [i, slot] of parameters.entries()) row.give(slot, given[i]);
    const value = inner(row);
    for (const [i, slot] of parameters.entries()) {
      row.values[slot] = before[i];
      row.known[slot] = 0;
    }
    return value ?? otherwise;
  };
}

/** The number of an expression, NaN where it is missing. */
export function expressionNumber(expression: PmmlExpression, fields: FieldReaders): (row: Parameters<Read>[0]) => number {
  if (expression.kind === "field" && expression.missing === null) return fields.number(expression.slot);
  const read = expressionReader(expression, fields);
  return (row) => numberOf(read(row));
}
