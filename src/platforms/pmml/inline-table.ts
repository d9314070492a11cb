import { type Element, shortened } from "./element.ts";

/** A row of a table: texts by column, as the table writes their names. */
export type TableRow = ReadonlyMap<string, string>;

/** The rows of an element's `<InlineTable>`. @throws ServingError unimplemented for a table that lies elsewhere. */
export function readInlineTable(element: Element): TableRow[] {
  const elsewhere = element.child("TableLocator");
  if (elsewhere !== undefined) throw elsewhere.uncovered();
  return element
    .needChild("InlineTable")
    .all("row")
    .map((row) => new Map(row.children.map(({ name, text }) => [name, text])));
}

/** The cell of a column; a name matches with or without its prefix. */
export function cellOf(row: TableRow, column: string): string | undefined {
  const own = row.get(column);
  if (own !== undefined) return own;
  const local = localPart(column);
  for (const [name, text] of row) if (localPart(name) === local) return text;
  return undefined;
}

/** @throws ServingError data-loss, naming `at`, for a row without the column. */
export function needCell(row: TableRow, column: string, at: Element): string {
  const text = cellOf(row, column);
  if (text === undefined) throw at.fault(`has a row without the column "${shortened(column)}"`);
  return text;
}

function localPart(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}
