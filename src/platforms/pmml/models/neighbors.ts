import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlNeighbors } from "../../../model/tabular/pmml-models.ts";
import type { PmmlResult } from "../../../model/tabular/pmml-operations.ts";
import { parsePmmlValue } from "../../../model/tabular/pmml-values.ts";
import { type Element, shortened } from "../element.ts";
import { isMadeOf } from "../field-inputs.ts";
import { cellOf, readInlineTable, type TableRow } from "../inline-table.ts";
import type { ModelSource, ReadBody, TargetField } from "../model-reading.ts";
import { readCompared, readMeasure } from "./measure.ts";

const MOST_VALUES = 10_000_000;

/** A `<NearestNeighborModel>`. */
export function readNeighbors({ element, scope, targets, purpose }: ModelSource): ReadBody {
  const { measure, compare } = readMeasure(element.needChild("ComparisonMeasure"));
  const fields = element
    .needChild("KNNInputs")
    .all("KNNInput")
    .map((input) => readCompared(input, scope, compare));
  const training = element.needChild("TrainingInstances");
  const rows = readInlineTable(training);
  const columns = new Map(
    training
      .needChild("InstanceFields")
      .all("InstanceField")
      .map((field) => [field.need("field"), field.get("column") ?? field.need("field")] as const),
  );
  const named = targets.flatMap((target) => (target.name === undefined ? [] : [{ ...target, name: target.name }]));
  const given = [...columns].flatMap(([name, column]) => {
    const slot = named.some((target) => target.name === name) ? undefined : scope.find(name, training);
    return slot === undefined ? [] : [{ slot, column }];
  });
  const known = new Set(given.map(({ slot }) => slot));
  const { fields: all, functions } = scope.document;
  for (const [i, { slot }] of fields.entries()) {
    const input = element.needChild("KNNInputs").all("KNNInput")[i];
    if (!isMadeOf(slot, known, all, functions)) throw input.fault("is of a field that instances do not have");
  }
  if (rows.length * given.length > MOST_VALUES) throw training.refused(`${rows.length} instances`);
  const instances = rows.flatMap((row) =>
    given.map(({ slot, column }) => cellValue(row, column, scope.document.fields[slot].type, training)),
  );
  const idColumn = element.get("instanceIdVariable");
  const continuous = element.choice("continuousScoringMethod", ["average", "median", "weightedAverage"], "average");
  const categorical = element.choice("categoricalScoringMethod", ["majorityVote", "weightedMajorityVote"], "majorityVote");
  const read = named.map((target) => {
    const column = columns.get(target.name);
    if (column === undefined) throw training.fault(`has no column for the field "${shortened(target.name)}"`);
    const numbers = purpose === "regression" || (purpose === "mixed" && target.optype === "continuous");
    return {
      target: target.target,
      continuous: numbers,
      method: numbers ? continuous : categorical,
      values: rows.map((row) => cellValue(row, column, target.type, training)),
    } satisfies PmmlNeighbors["targets"][number];
  });
  const count = element.integer("numberOfNeighbors", 1, Number.MAX_SAFE_INTEGER);
  const results = read.map(({ target }): PmmlResult => ({ name: target.name, type: target.type, several: false }));
  return {
    body: {
      kind: "neighbors",
      measure,
      fields,
      count,
      given: given.map(({ slot }) => slot),
      instances,
      ids: rows.map(
        (row, i) => (idColumn === undefined ? undefined : cellOf(row, columns.get(idColumn) ?? idColumn)) ?? String(i + 1),
      ),
      threshold: element.number("threshold", 0.001),
      targets: read,
    },
    labels: named[0]?.labels ?? [],
    ...(results.length > 0 ? { results } : {}),
  };
}

function cellValue(row: TableRow, column: string, type: TargetField["type"], at: Element): PmmlValue | null {
  const text = cellOf(row, column);
  if (text === undefined || (text === "" && type !== "string")) return null;
  const value = parsePmmlValue(text, type);
  if (value === undefined) throw at.fault(`has "${shortened(text)}" in the column "${shortened(column)}", which is no ${type}`);
  return value;
}
