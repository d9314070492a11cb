import { ServingError } from "../../base/serving-error.ts";
import { ProtobufReader } from "../../codec/protobuf/reader.ts";
import type { TabularInput } from "../../model/tabular/tabular-program.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Matrix, Texts } from "./matrix.ts";
import type { ReadInputs } from "./read-inputs.ts";

// Tags of tensorflow.Example, Features, the entries of its map, and Feature.
const FEATURES = 0x0a;
const ENTRY = 0x0a;
const KEY = 0x0a;
const VALUE = 0x12;
const BYTES_LIST = 0x0a;
const FLOAT_LIST = 0x12;
const INT64_LIST = 0x1a;

// Tags of `value` in BytesList, FloatList and Int64List, which may be packed or not.
const BYTES_VALUE = 0x0a;
const FLOAT_VALUE = 0x0d;
const PACKED = 0x0a;
const INT64_VALUE = 0x08;

const NOTHING = new Uint8Array(0);

/** Most letters of a feature's name in an error. */
const SHOWN = 60;

/** Columns that a feature fills. */
interface Target {
  readonly input: TabularInput;
  readonly column: number;
  readonly width: number;
  readonly cells: Cells;
}

/** One input's values as they are filled: numbers from NaN, or texts from null. */
type Cells =
  | { readonly kind: "numbers"; readonly data: Float32Array | Float64Array }
  | { readonly kind: "texts"; readonly data: (string | null)[] };

/** Reads serialized `tf.Example`s into the inputs of a program. Made once for a program. */
export class ExampleFeatures {
  readonly #inputs: readonly TabularInput[];

  constructor(inputs: readonly TabularInput[]) {
    this.#inputs = inputs;
  }

  /**
   * The examples as rows. A feature is an input's of the same name, with all its values, or the column's of a matrix; features that are no
   * input's are passed over, and what an example lacks is missing. Numbers come from int64_list and float_list, texts from bytes_list, and
   * from int64_list as they are written.
   * @throws ServingError invalid-argument that names the example for one that is malformed, and the feature for one of another type or
   * number of values
   */
  read(examples: Tensor | undefined): ReadInputs {
    if (examples === undefined) throw new ServingError("invalid-argument", "the request has no examples");
    const { dtype, shape, data } = examples;
    if (dtype !== "string" || shape.length !== 1) {
      const got = `${dtype} of shape [${shape.join(", ")}]`;
      throw new ServingError("invalid-argument", `examples must be a vector of serialized tf.Example, got ${got}`);
    }
    const rows = shape[0];
    const values = new Map<string, Matrix | Texts>();
    const targets = this.#targets(rows, values);
    const found = new Map<string, Uint8Array>();
    for (let row = 0; row < rows; row++) {
      try {
        found.clear();
        findFeatures(stringBytes(data, row), targets, found);
        for (const [name, feature] of found) fill(targets.get(name)!, name, feature, row);
      } catch (reason) {
        const error = ServingError.from(reason);
        throw new ServingError(error.code, `example ${row}: ${error.message}`, { cause: reason });
      }
    }
    return { rows, values };
  }

  #targets(rows: number, values: Map<string, Matrix | Texts>): ReadonlyMap<string, Target> {
    const targets = new Map<string, Target>();
    for (const input of this.#inputs) {
      const { value, alias, columns, columnNames = [] } = input;
      const cells = missingCells(input, rows * columns);
      values.set(
        value,
        cells.kind === "texts" ? { rows, width: columns, texts: cells.data } : { rows, width: columns, data: cells.data },
      );
      for (const [column, name] of columnNames.entries()) {
        if (!targets.has(name)) targets.set(name, { input, column, width: 1, cells });
      }
      targets.set(alias, { input, column: 0, width: columns, cells });
    }
    return targets;
  }
}

function missingCells({ type }: TabularInput, length: number): Cells {
  if (type === "texts") return { kind: "texts", data: Array.from({ length }, () => null) };
  const data = type === "float32" ? new Float32Array(length) : new Float64Array(length);
  return { kind: "numbers", data: data.fill(Number.NaN) };
}

/** The serialized features of an example that are some target's; of one that is there twice the last, as in any map of protobuf. */
function findFeatures(bytes: Uint8Array, targets: ReadonlyMap<string, Target>, found: Map<string, Uint8Array>): void {
  const reader = new ProtobufReader(bytes);
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== FEATURES) {
      reader.skip(tag);
      continue;
    }
    const outer = reader.enter();
    for (let inner = reader.readTag(); inner !== 0; inner = reader.readTag()) {
      if (inner === ENTRY) findFeature(reader, targets, found);
      else reader.skip(inner);
    }
    reader.leave(outer);
  }
}

function findFeature(reader: ProtobufReader, targets: ReadonlyMap<string, Target>, found: Map<string, Uint8Array>): void {
  let name = "";
  let feature: Uint8Array = NOTHING;
  const outer = reader.enter();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === KEY) name = reader.readString();
    else if (tag === VALUE) feature = merged(feature, reader.readBytes());
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (targets.has(name)) found.set(name, feature);
}

/** A message that comes in two parts is that of their bytes one after the other. */
function merged(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.length === 0 ? other : Buffer.concat([one, other]);
}

/** Fills a row's cells with a feature. */
function fill(target: Target, name: string, feature: Uint8Array, row: number): void {
  const start = row * target.input.columns + target.column;
  const { kind, count } = readFeature(feature, target, start);
  if (count === 0) return;
  const { cells, width } = target;
  if (kind === (cells.kind === "texts" ? FLOAT_LIST : BYTES_LIST)) throw wrongKind(name, cells.kind);
  if (count === width) return;
  throw new ServingError(
    "invalid-argument",
    `feature "${name.slice(0, SHOWN)}" has ${count} values where ${width} ${width === 1 ? "is" : "are"} expected`,
  );
}

/** Fills in a feature's values, of the kind that comes last, and tells how many there are; those of no use are counted alone. */
function readFeature(feature: Uint8Array, target: Target, start: number): { readonly kind: number; readonly count: number } {
  const reader = new ProtobufReader(feature);
  const isText = target.cells.kind === "texts";
  let kind = 0;
  let count = 0;
  clear(target, start);
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== BYTES_LIST && tag !== FLOAT_LIST && tag !== INT64_LIST) {
      reader.skip(tag);
      continue;
    }
    if (tag !== kind) {
      kind = tag;
      count = 0;
      clear(target, start);
    }
    const outer = reader.enter();
    for (let inner = reader.readTag(); inner !== 0; inner = reader.readTag()) {
      if (tag === BYTES_LIST && inner === BYTES_VALUE) put(target, start, count++, reader.readString());
      else if (tag === FLOAT_LIST && inner === FLOAT_VALUE) put(target, start, count++, reader.readFloat());
      else if (tag === INT64_LIST && inner === INT64_VALUE) put(target, start, count++, integer(reader, isText));
      else if (tag !== BYTES_LIST && inner === PACKED) {
        const list = reader.enter();
        while (reader.position < reader.end) {
          put(target, start, count++, tag === FLOAT_LIST ? reader.readFloat() : integer(reader, isText));
        }
        reader.leave(list);
      } else reader.skip(inner);
    }
    reader.leave(outer);
  }
  return { kind, count };
}

function clear({ cells, width }: Target, start: number): void {
  if (cells.kind === "texts") cells.data.fill(null, start, start + width);
  else cells.data.fill(Number.NaN, start, start + width);
}

function integer(reader: ProtobufReader, asText: boolean): number | string {
  return asText ? String(reader.readInt64()) : reader.readInt64AsNumber();
}

/** A value that is of another kind than the target's is refused in the end. */
function put({ cells, width }: Target, start: number, index: number, value: number | string): void {
  if (index >= width) return;
  if (cells.kind === "texts") cells.data[start + index] = value as string;
  else if (typeof value === "number") cells.data[start + index] = value;
}

function wrongKind(name: string, kind: Cells["kind"]): ServingError {
  const [sent, expected] = kind === "texts" ? ["numbers of float_list", "texts are"] : ["texts of bytes_list", "numbers are"];
  return new ServingError("invalid-argument", `feature "${name.slice(0, SHOWN)}" has ${sent} where ${expected} expected`);
}
