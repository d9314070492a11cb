import type { PmmlPredicate } from "../../../model/tabular/pmml-fields.ts";
import { type FieldReaders, readsAsNumber } from "./field-readers.ts";
import { COMPARES } from "./function-values.ts";
import { type Row, RowFault } from "./row.ts";

export const FALSE = 0;
export const TRUE = 1;
/** What a condition is that hangs on a missing value. */
export const UNKNOWN = 2;

/** Whether a condition holds of a row: {@link TRUE}, {@link FALSE} or {@link UNKNOWN}. */
export type Test = (row: Row) => number;

/** Tests a condition. */
export function predicateTest(predicate: PmmlPredicate, fields: FieldReaders): Test {
  switch (predicate.kind) {
    case "true":
      return () => TRUE;
    case "false":
      return () => FALSE;
    case "missing": {
      const read = fields.reader(predicate.slot);
      const { is } = predicate;
      return (row) => ((read(row) === null) === is ? TRUE : FALSE);
    }
    case "compare":
      return compare(predicate, fields);
    case "unreadable": {
      const read = fields.reader(predicate.slot);
      const { name, type } = fields.fields[predicate.slot];
      return (row) => {
        if (read(row) === null) return UNKNOWN;
        throw new RowFault(`field "${name}" is compared with "${predicate.text}", which is no ${type}`);
      };
    }
    case "set": {
      const read = fields.reader(predicate.slot);
      const values = new Set(predicate.values);
      const { is } = predicate;
      return (row) => {
        const value = read(row);
        return value === null ? UNKNOWN : values.has(value) === is ? TRUE : FALSE;
      };
    }
    case "compound":
      return compound(predicate, fields);
  }
}

function compare({ operator, slot, value }: PmmlPredicate & { readonly kind: "compare" }, fields: FieldReaders): Test {
  const { type, order } = fields.fields[slot];
  if (operator === "equal" || operator === "notEqual") {
    const read = fields.reader(slot);
    const when = operator === "equal";
    return (row) => {
      const given = read(row);
      return given === null ? UNKNOWN : (given === value) === when ? TRUE : FALSE;
    };
  }
  const holds = COMPARES[operator];
  if (order !== undefined) {
    const read = fields.reader(slot);
    const places = new Map(order.map((each, i) => [each, i]));
    const place = places.get(value) ?? Number.NaN;
    return (row) => {
      const given = read(row);
      return given === null ? UNKNOWN : holds(places.get(given) ?? Number.NaN, place) ? TRUE : FALSE;
    };
  }
  const read = readsAsNumber(type) ? fields.number(slot) : () => Number.NaN;
  const limit = Number(value);
  return (row) => {
    const given = read(row);
    return Number.isNaN(given) ? UNKNOWN : holds(given, limit) ? TRUE : FALSE;
  };
}

function compound({ operator, of }: PmmlPredicate & { readonly kind: "compound" }, fields: FieldReaders): Test {
  const tests = of.map((each) => predicateTest(each, fields));
  switch (operator) {
    case "and":
      return (row) => {
        let result = TRUE;
        for (const test of tests) {
          const found = test(row);
          if (found === FALSE) return FALSE;
          if (found === UNKNOWN) result = UNKNOWN;
        }
        return result;
      };
    case "or":
      return (row) => {
        let result = FALSE;
        for (const test of tests) {
          const found = test(row);
          if (found === TRUE) return TRUE;
          if (found === UNKNOWN) result = UNKNOWN;
        }
        return result;
      };
    case "xor":
      return (row) => {
        let result = FALSE;
        for (const test of tests) {
          const found = test(row);
          if (found === UNKNOWN) return UNKNOWN;
          result ^= found;
        }
        return result;
      };
    // The first that is known.
    case "surrogate":
      return (row) => {
        for (let i = 0; i < tests.length; i++) {
          const found = tests[i](row);
          if (found === UNKNOWN) continue;
          if (i > 0) row.surrogates++;
          return found;
        }
        return UNKNOWN;
      };
  }
}
