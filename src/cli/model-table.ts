import { shownInputs } from "../tensor/own-inputs.ts";
import { DEFAULT_SIGNATURE, type Signature, type Signatures, type TensorInfo } from "../tensor/signature.ts";

/** One version as it is shown to people. */
export interface TableRow {
  readonly model: string;
  readonly version: string;
  readonly platform: string;
  readonly why: string;
  readonly state: string;
  readonly signatures: Signatures;
  readonly error?: string;
}

const COLUMNS = ["model", "version", "platform", "why", "state"] as const;

/** Rows as a table with one line per version, and below each its signatures, or what is wrong with it. */
export function modelTable(rows: readonly TableRow[]): string {
  const widths = COLUMNS.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) => `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join("  ")}`.trimEnd();
  const lines = [line(COLUMNS.map((column) => column.toUpperCase()))];
  for (const row of rows) {
    lines.push(line(COLUMNS.map((column) => row[column])));
    if (row.error !== undefined) lines.push(`    ${row.error}`);
    for (const [name, signature] of shown(row.signatures)) lines.push(`    ${name}${describe(signature)}`);
  }
  return lines.join("\n");
}

/** The default one first; what TensorFlow keeps for itself, named with two underscores, cannot be called and is nobody's business. */
function shown(signatures: Signatures): readonly (readonly [string, Signature])[] {
  const entries = [...signatures].filter(([name, { uncallable }]) => uncallable === undefined || !name.startsWith("__"));
  const first = entries.filter(([name]) => name === DEFAULT_SIGNATURE);
  return [...first, ...entries.filter(([name]) => name !== DEFAULT_SIGNATURE)];
}

function describe({ inputs, outputs, uncallable }: Signature): string {
  if (uncallable !== undefined) return ` cannot be called: ${uncallable}`;
  return `(${shownInputs(inputs).map(tensor).join(", ")}) -> ${outputs.map(tensor).join(", ")}`;
}

function tensor({ alias, dtype, shape, dimensionNames, optional }: TensorInfo): string {
  const sizes =
    shape === undefined ? "[...]" : `[${shape.map((size, i) => (size < 0 ? dimensionNames?.[i] || "?" : size)).join(", ")}]`;
  return `${alias}${optional ? "?" : ""}: ${dtype}${sizes}`;
}
