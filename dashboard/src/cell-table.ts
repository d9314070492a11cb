/** Cells of a spreadsheet; undefined for what is but one. */
export function tableOf(text: string): readonly (readonly string[])[] | undefined {
  const rows = text
    .replace(/\r?\n$/, "")
    .split(/\r?\n/)
    .map((row) => row.split("\t"));
  return rows.length > 1 || rows[0]!.length > 1 ? rows : undefined;
}

/** The rows with a table laid over them from a cell on; what is outside of them is dropped, but for rows below where those may grow. */
export function pasted(
  rows: readonly (readonly string[])[],
  table: readonly (readonly string[])[],
  row: number,
  column: number,
  grows: boolean,
): readonly (readonly string[])[] {
  const last = rows.at(-1) ?? [];
  const count = grows ? Math.max(rows.length, row + table.length) : rows.length;
  return Array.from({ length: count }, (_, r) =>
    (rows[r] ?? last).map((cell, c) => table[r - row]?.[c - column]?.trim() ?? cell),
  );
}
