import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { Apply } from "./function-values.ts";
import { lenientFunction } from "./lenient-functions.ts";
import { type Read, type Row, RowFault } from "./row.ts";
import { strictFunction } from "./strict-functions.ts";

/**
 * Reads what a built-in function gives for a row.
 * @param isValid whether a value of the first argument is one that its field takes
 */
export function applyReader(apply: Apply, args: readonly Read[], isValid: (value: PmmlValue) => boolean): Read {
  const { missing, otherwise, invalid } = apply;
  const evaluate = apply.function === "if" ? branch(args) : whole(apply, args, isValid);
  return (row) => {
    if (missing !== null && args.some((read) => read(row) === null)) return missing;
    const value = evaluate(row);
    if (typeof value === "number" && Number.isNaN(value) && invalid !== "asIs") {
      if (invalid === "returnInvalid") throw new RowFault(`the function "${apply.function}" gives no number`);
      return otherwise;
    }
    return value ?? otherwise;
  };
}

/** Only the branch that counts is evaluated. */
function branch([condition, first, second]: readonly Read[]): Read {
  return (row) => {
    const holds = condition(row);
    if (holds === null) throw missingArgument("if");
    return holds === true ? first(row) : second === undefined ? null : second(row);
  };
}

function whole(apply: Apply, args: readonly Read[], isValid: (value: PmmlValue) => boolean): Read {
  const lenient = lenientFunction(apply, isValid);
  if (lenient !== undefined) return (row) => lenient(args.map((read) => read(row)));
  const strict = strictFunction(apply);
  const check = (value: PmmlValue | null): PmmlValue => {
    if (value === null) throw missingArgument(apply.function);
    return value;
  };
  const [first, second] = args;
  if (args.length === 1) return (row) => strict([check(first(row))]);
  if (args.length === 2) return (row) => strict([check(first(row)), check(second(row))]);
  return (row: Row) => strict(args.map((read) => check(read(row))));
}

function missingArgument(name: string): RowFault {
  return new RowFault(`the function "${name}" does not take a missing value`);
}
