import type { PmmlValue } from "../../model/tabular/pmml-fields.ts";
import type { PmmlColumn, PmmlResult, PmmlVerification } from "../../model/tabular/pmml-operations.ts";
import { parsePmmlValue } from "../../model/tabular/pmml-values.ts";
import { type Element, shortened } from "./element.ts";
import { cellOf, readInlineTable } from "./inline-table.ts";

const PRECISION = 1e-6;
const ZERO_THRESHOLD = 1e-16;
/** More are not looked at: they are many enough. */
const MOST_ROWS = 1000;

/** What a model says that its results of some rows are. Undefined where it says nothing of what it answers. */
export function readVerification(
  model: Element,
  columns: readonly PmmlColumn[],
  results: readonly PmmlResult[],
  file: string,
): PmmlVerification | undefined {
  const element = model.child("ModelVerification");
  if (element === undefined) return undefined;
  const fields = element
    .needChild("VerificationFields")
    .all("VerificationField")
    .map((field) => {
      const name = field.need("field");
      return {
        field,
        cell: field.get("column") ?? name,
        column: columns.findIndex((column) => column.name === name),
        result: results.findIndex((result) => result.name === name && !result.several),
        precision: field.number("precision", PRECISION),
        zeroThreshold: field.number("zeroThreshold", ZERO_THRESHOLD),
      };
    });
  const tested = fields.filter(({ result }) => result >= 0);
  if (tested.length === 0) return undefined;
  const rows = readInlineTable(element)
    .slice(0, MOST_ROWS)
    .map((row) => {
      const given = columns.map((): PmmlValue | null => null);
      for (const { column, cell } of fields) {
        const text = column < 0 ? undefined : cellOf(row, cell);
        if (text !== undefined) given[column] = columns[column].texts ? text : number(text, element);
      }
      const expected = tested.flatMap(({ result, cell, precision, zeroThreshold }) => {
        const text = cellOf(row, cell);
        const value = text === undefined ? undefined : parsePmmlValue(text, results[result].type);
        return value === undefined ? [] : [{ result, value, precision, zeroThreshold }];
      });
      return { given, expected };
    });
  return { file, rows };
}

function number(text: string, at: Element): PmmlValue | null {
  if (text.trim() === "") return null;
  const value = parsePmmlValue(text, "double");
  if (value === undefined) throw at.fault(`has "${shortened(text)}" where a number is expected`);
  return value;
}
