import { ServingError } from "../../base/serving-error.ts";
import type { TabularInput } from "../../model/tabular/tabular-program.ts";
import { isMissingText, stringAt } from "../../tensor/string-array.ts";
import type { NamedTensors, NumericTensor, StringTensor, Tensor } from "../../tensor/tensor.ts";
import type { Matrix, Texts } from "./matrix.ts";

/** Types whose numbers have a decimal text. */
const INTEGERS: ReadonlySet<string> = new Set(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]);

/** A request's inputs as values for operations, by the values' names. */
export interface ReadInputs {
  readonly rows: number;
  readonly values: ReadonlyMap<string, Matrix | Texts>;
}

/**
 * Reads a request's inputs. One that may be left out is missing in every row; a matrix may come as its columns.
 * @throws ServingError invalid-argument for one that is missing, or has another type, shape or number of rows, and for a matrix
 * together with its columns
 */
export function readInputs(declared: readonly TabularInput[], given: NamedTensors): ReadInputs {
  const values = new Map<string, Matrix | Texts>();
  let rows: number | undefined;
  let first = "";
  for (const input of declared) {
    const value = readInput(input, given);
    if (value === undefined) continue;
    if (rows === undefined) first = input.alias;
    else if (value.rows !== rows) {
      throw new ServingError(
        "invalid-argument",
        `input "${input.alias}" has ${value.rows} rows where input "${first}" has ${rows}`,
      );
    }
    rows = value.rows;
    values.set(input.value, value);
  }
  if (rows === undefined) throw new ServingError("invalid-argument", "the request has no input");
  for (const input of declared) if (!values.has(input.value)) values.set(input.value, missing(input, rows));
  return { rows, values };
}

function readInput(input: TabularInput, given: NamedTensors): Matrix | Texts | undefined {
  const { alias, optional = false, unused = false, columnNames } = input;
  if (unused) return undefined;
  const tensor = given.get(alias);
  if (tensor !== undefined) {
    const column = given.size === 1 ? undefined : columnNames?.find((name) => given.has(name));
    if (column === undefined) return tensorValue(input, tensor);
    throw new ServingError(
      "invalid-argument",
      `the request has both input "${alias}" and its column "${column}", and may have one of them`,
    );
  }
  if (columnNames?.some((name) => given.has(name))) return fromColumns(input, columnNames, given);
  if (optional) return undefined;
  const columns = columnNames === undefined ? "" : `, and none of its columns ${listed(columnNames)} is there`;
  throw new ServingError("invalid-argument", `input "${alias}" is missing${columns}`);
}

function fromColumns(input: TabularInput, names: readonly string[], given: NamedTensors): Matrix | Texts {
  const parts = names.map((name) => {
    const tensor = given.get(name);
    if (tensor === undefined) throw new ServingError("invalid-argument", `column "${name}" of input "${input.alias}" is missing`);
    return { name, value: tensorValue({ ...input, alias: name, columns: 1, vector: true }, tensor) };
  });
  const { rows } = parts[0].value;
  const width = names.length;
  const other = parts.find(({ value }) => value.rows !== rows);
  if (other !== undefined) {
    throw new ServingError(
      "invalid-argument",
      `column "${other.name}" has ${other.value.rows} rows where column "${parts[0].name}" has ${rows}`,
    );
  }
  if (input.type === "texts") {
    const columns = parts.map(({ value }) => (value as Texts).texts);
    return { rows, width, texts: Array.from({ length: rows * width }, (_, i) => columns[i % width][Math.floor(i / width)]) };
  }
  const data = numbersOf(input.type, rows * width);
  for (const [column, { value }] of parts.entries()) {
    const own = (value as Matrix).data;
    for (let row = 0; row < rows; row++) data[row * width + column] = own[row];
  }
  return { rows, width, data };
}

function tensorValue(input: TabularInput, tensor: Tensor): Matrix | Texts {
  const { alias, type, columns, vector, integers = false, booleanDigits = false } = input;
  const { dtype, shape } = tensor;
  if (input.takesNumbers === true && dtype !== "string")
    return tensorValue({ ...input, type: "float64", takesNumbers: false }, tensor);
  const isDecimal = (integers && INTEGERS.has(dtype)) || (booleanDigits && dtype === "bool");
  if (type === "texts" ? dtype !== "string" && !isDecimal : dtype === "string" || dtype.startsWith("complex")) {
    throw new ServingError(
      "invalid-argument",
      `input "${alias}" must be ${type === "texts" ? "texts" : "numbers"}, got ${dtype}`,
    );
  }
  if (!(shape.length === 2 && (columns < 0 || shape[1] === columns)) && !(vector && shape.length === 1)) {
    const wanted = vector ? "[?]" : `[?, ${columns < 0 ? "?" : columns}]`;
    throw new ServingError("invalid-argument", `input "${alias}" must have the shape ${wanted}, got [${shape.join(", ")}]`);
  }
  const rows = shape[0];
  if (type === "texts" && isDecimal) return { rows, width: columns, texts: Array.from(tensor.data as ArrayLike<number>, String) };
  if (type === "texts") return { rows, width: columns < 0 ? shape[1] : columns, texts: textsOf(tensor as StringTensor) };
  return { rows, width: columns, data: inPrecision(tensor as NumericTensor, type) };
}

function textsOf({ data }: StringTensor): readonly (string | null)[] {
  return Array.from({ length: data.length }, (_, i) => (isMissingText(data, i) ? null : stringAt(data, i)));
}

function missing({ type, columns: declared }: TabularInput, rows: number): Matrix | Texts {
  const columns = Math.max(1, declared);
  if (type === "texts") return { rows, width: columns, texts: Array.from({ length: rows * columns }, () => null) };
  return { rows, width: columns, data: numbersOf(type, rows * columns).fill(Number.NaN) };
}

function inPrecision({ dtype, data }: NumericTensor, precision: "float32" | "float64"): Float32Array | Float64Array {
  if (dtype === precision) return data as Float32Array | Float64Array;
  if (dtype === "float16" || dtype === "bfloat16") {
    throw new ServingError("invalid-argument", `an input of ${dtype} is not taken, send ${precision}`);
  }
  const numbers = numbersOf(precision, data.length);
  for (let i = 0; i < data.length; i++) numbers[i] = Number(data[i]);
  return numbers;
}

function numbersOf(precision: "float32" | "float64", length: number): Float32Array | Float64Array {
  return precision === "float32" ? new Float32Array(length) : new Float64Array(length);
}

/** Some names, for errors. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name.slice(0, 60)}"`);
  return shown.join(", ") + (names.length > shown.length ? ", ..." : "");
}
