import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlOperation, PmmlResult } from "../../../model/tabular/pmml-operations.ts";
import { decimalOfFloat, isNumberType, pmmlText } from "../../../model/tabular/pmml-values.ts";
import type { Matrix, Texts, Value } from "../matrix.ts";
import { RowError } from "../row-error.ts";
import type { ResultValue } from "./evaluator.ts";
import { Fields } from "./fields.ts";
import { makeEvaluator } from "./make-evaluator.ts";
import { NodeWalk } from "./node-walk.ts";
import { type ColumnValues, type Read, Row, RowFault } from "./row.ts";

/** The results of rows, by result; then the probabilities of labels, where the operation has labels. */
export interface PmmlRows {
  readonly results: readonly (readonly ResultValue[])[];
  readonly scores: Float64Array;
}

/** Evaluates rows that are given by column. @throws RowError for a row that the model refuses */
export type PmmlEvaluation = (columns: readonly ColumnValues[], rows: number) => PmmlRows;

/** Makes closures of an operation, once: what it gives is for one thread. */
export function pmmlEvaluation(operation: PmmlOperation): PmmlEvaluation {
  const fields = new Fields(operation.fields, operation.functions);
  const model = makeEvaluator(operation.model, fields, new NodeWalk(operation.nodes, fields));
  const checked: readonly Read[] = Array.from(operation.checked, (slot) => fields.reader(slot));
  const row = new Row(operation.fields.length);
  const { labels = [], results } = operation;
  return (columns, rows) => {
    const found = results.map((): ResultValue[] => Array.from({ length: rows }, () => null));
    const scores = new Float64Array(rows * labels.length).fill(Number.NaN);
    row.columns = columns;
    for (let i = 0; i < rows; i++) {
      row.begin(i);
      try {
        for (const read of checked) read(row);
        model.run(row);
      } catch (reason) {
        if (reason instanceof RowFault) throw new RowError(i, reason.message, { cause: reason });
        throw reason;
      }
      for (let j = 0; j < results.length; j++) found[j][i] = model.result(results[j].name, row) ?? null;
      if (model.value === null) continue;
      for (let j = 0; j < labels.length; j++) scores[i * labels.length + j] = model.probability(labels[j]) ?? Number.NaN;
    }
    return { results: found, scores };
  };
}

/** What an operation does with the values of a request: a value for each of its names. */
export function pmmlStep(operation: PmmlOperation): (values: readonly Value[]) => readonly Value[] {
  const evaluate = pmmlEvaluation(operation);
  const { labels = [], results } = operation;
  return (values) => {
    const { rows } = values[0] as Matrix | Texts;
    const columns = values.map((value, i): ColumnValues => {
      if (!("texts" in value)) return (value as Matrix).data;
      return operation.columns[i].lists === true ? listsOf(value) : value.texts;
    });
    const { results: found, scores } = evaluate(columns, rows);
    const made: Value[] = results.map((result, i) => resultValue(result, found[i], rows));
    return labels.length === 0 ? made : [...made, { rows, width: labels.length, data: scores }];
  };
}

/** The texts of each row, null for one that has none. */
function listsOf({ rows, width, texts }: Texts): readonly (readonly (string | null)[] | null)[] {
  return Array.from({ length: rows }, (_, row) => {
    const list = texts.slice(row * width, (row + 1) * width);
    return width > 0 && list.every((text) => text === null) ? null : list;
  });
}

function resultValue(result: PmmlResult, found: readonly ResultValue[], rows: number): Value {
  if (!result.several)
    return isNumeral(result)
      ? numbers(result, found, rows, 1)
      : { rows, width: 1, texts: found.map((value) => textOf(value, result)) };
  const lists = found.map((value) => (Array.isArray(value) ? (value as readonly (PmmlValue | null)[]) : []));
  if (!isNumeral(result) || result.type === "boolean") {
    // A missing text is null among words too.
    const words = lists.map((list) => list.map((value) => textOf(value, result) as string));
    return { rows, words };
  }
  const width = lists.reduce((most, { length }) => Math.max(most, length), 0);
  return numbers(
    result,
    lists.flatMap((list) => Array.from({ length: width }, (_, i) => list[i] ?? null)),
    rows,
    width,
  );
}

/** Numbers of float32 are answered with the digits that they are written with. */
function numbers({ type }: PmmlResult, values: readonly ResultValue[], rows: number, width: number): Matrix {
  const number = type === "float" ? (value: ResultValue) => decimalOfFloat(Number(value)) : Number;
  return { rows, width, data: Float64Array.from(values, (value) => (value === null ? Number.NaN : number(value))) };
}

function textOf(value: ResultValue, { type }: PmmlResult): string | null {
  return value === null ? null : pmmlText(value as PmmlValue, type);
}

/** Whether it is answered as a number: all but texts, dates and times. */
function isNumeral({ type }: PmmlResult): boolean {
  return isNumberType(type) || type === "boolean" || /^(?:date|dateTime|time)S|^dateDays/.test(type);
}
