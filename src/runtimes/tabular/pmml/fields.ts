import type {
  PmmlField,
  PmmlFunction,
  PmmlTreatment,
  PmmlType,
  PmmlValidity,
  PmmlValue,
} from "../../../model/tabular/pmml-fields.ts";
import { castPmmlValue, parsePmmlValue } from "../../../model/tabular/pmml-values.ts";
import { expressionReader } from "./expressions.ts";
import { type FieldReaders, isWithin, numberOf } from "./field-readers.ts";
import { type Read, type ReadNumber, type Row, RowFault, shown } from "./row.ts";
import { TextWords } from "./text-index.ts";

/** A value that a request has and that is none of its field's type. */
const UNREADABLE = Symbol("unreadable");
type Raw = PmmlValue | null | typeof UNREADABLE;

/** The fields of a document as readers of rows. */
export class Fields implements FieldReaders {
  readonly fields: readonly PmmlField[];
  readonly functions: readonly PmmlFunction[];
  readonly texts = new TextWords();
  readonly #functionReaders = new Map<number, Read>();
  readonly #makers: (Read | undefined)[];

  constructor(fields: readonly PmmlField[], functions: readonly PmmlFunction[]) {
    this.fields = fields;
    this.functions = functions;
    this.#makers = fields.map(() => undefined);
  }

  typeOf(slot: number): PmmlType {
    return this.fields[slot].type;
  }

  validity(slot: number): (value: PmmlValue) => boolean {
    const { source } = this.fields[slot];
    if (source.kind !== "input" && source.kind !== "treated") return () => true;
    const { invalid, missingReplacement } = source.treatment;
    const isValid = validityTest(source.validity);
    // What a treatment puts in counts as valid.
    return invalid === "asIs" ? (value) => isValid(value) || value === missingReplacement : () => true;
  }

  reader(slot: number): Read {
    const make = this.#maker(slot);
    return (row) => {
      const known = row.values[slot];
      if (known !== undefined) return known;
      const value = make(row);
      row.values[slot] = value;
      return value;
    };
  }

  number(slot: number): ReadNumber {
    const read = this.reader(slot);
    return (row) => {
      if (row.known[slot] === 1) return row.numbers[slot];
      const number = numberOf(read(row));
      row.numbers[slot] = number;
      row.known[slot] = 1;
      return number;
    };
  }

  functionReader(index: number): Read {
    const known = this.#functionReaders.get(index);
    if (known !== undefined) return known;
    const made = expressionReader(this.functions[index].body, this);
    this.#functionReaders.set(index, made);
    return made;
  }

  #maker(slot: number): Read {
    const known = this.#makers[slot];
    if (known !== undefined) return known;
    const make = this.#compile(this.fields[slot]);
    this.#makers[slot] = make;
    return make;
  }

  #compile(field: PmmlField): Read {
    const { source, name, type } = field;
    switch (source.kind) {
      case "given": {
        const slot = this.fields.indexOf(field);
        return (row) => {
          if (row.lost.has(slot)) throw new RowFault(`"${name}" is not known, for want of a prediction`);
          return null;
        };
      }
      case "input": {
        const raw = rawReader(source.column, source.validity, type);
        const treat = treatment(name, source.validity, source.treatment);
        return (row) => treat(raw(row));
      }
      case "treated": {
        const read = this.reader(source.of);
        const missing = new Set(source.validity.missing);
        const treat = treatment(name, source.validity, source.treatment);
        return (row) => {
          const value = read(row);
          return treat(value !== null && missing.has(value) ? null : value);
        };
      }
      case "derived":
        return expressionReader(source.expression, this);
    }
  }
}

/** What a request has, in the field's type. */
function rawReader(column: number, { missing }: PmmlValidity, type: PmmlType): (row: Row) => Raw {
  const marks = new Set(missing);
  return ({ columns, index }) => {
    const given = columns[column][index] as number | string | null;
    if (given === null || marks.has(given)) return null;
    if (typeof given === "string") return parsePmmlValue(given, type) ?? UNREADABLE;
    if (Number.isNaN(given)) return null;
    if (type === "string") return String(given);
    return castPmmlValue(given, "double", type) ?? UNREADABLE;
  };
}

function treatment(name: string, validity: PmmlValidity, rules: PmmlTreatment): (value: Raw) => PmmlValue | null {
  const isValid = validityTest(validity);
  const { outliers, low, high, invalid, invalidReplacement, refusesMissing, missingReplacement } = rules;
  return (given) => {
    let value = given;
    if (value !== null && (value === UNREADABLE || !isValid(value))) {
      if (invalid === "returnInvalid") throw new RowFault(`field "${name}" has ${described(value)}, which is invalid`);
      if (invalid === "asValue") value = invalidReplacement;
      else if (invalid === "asMissing") value = null;
      else if (value === UNREADABLE) throw new RowFault(`field "${name}" has ${described(value)}, which cannot be read`);
    } else if (typeof value === "number" && outliers !== "asIs") {
      if (value < low) value = outliers === "asExtremeValues" ? low : null;
      else if (value > high) value = outliers === "asExtremeValues" ? high : null;
    }
    if (value !== null) return value as PmmlValue;
    if (refusesMissing) throw new RowFault(`field "${name}" is missing, and must not be`);
    return missingReplacement;
  };
}

function described(value: PmmlValue | typeof UNREADABLE): string {
  return value === UNREADABLE ? "a value of another type" : shown(value);
}

/** With values that are valid, only they are, whatever intervals say. */
function validityTest({ invalid, values, intervals }: PmmlValidity): (value: PmmlValue) => boolean {
  const bad = new Set(invalid);
  const good = new Set(values);
  if (good.size > 0) return (value) => good.has(value) && !bad.has(value);
  if (intervals.length === 0) return bad.size === 0 ? () => true : (value) => !bad.has(value);
  return (value) => !bad.has(value) && typeof value === "number" && intervals.some((interval) => isWithin(interval, value));
}
