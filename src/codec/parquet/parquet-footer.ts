import { ServingError } from "../../base/serving-error.ts";
import { damagedParquet, uncoveredParquet } from "./damaged-parquet.ts";
import { countIn, readThriftStruct, structIn, structsIn, type ThriftStruct } from "./thrift-struct.ts";

/** The types of values in a column, by their numbers. */
const TYPES = ["boolean", "int32", "int64", "int96", "float", "double", "bytes", "fixed"] as const;
/** How a group of fields is meant, by its number. */
const MAP = 1;
const MAP_ENTRIES = 2;
const LIST = 3;
const REQUIRED = 0;
const REPEATED = 2;

const MOST_DEPTH = 16;
const MOST_COLUMNS = 10_000;
const MAGIC = Buffer.from("PAR1");
const ENCRYPTED = Buffer.from("PARE");

/** A column of values. */
export interface ParquetLeaf {
  /** Names of the groups that it is in and its own, with dots; what lists and maps are wrapped in has none. */
  readonly path: string;
  readonly type: (typeof TYPES)[number];
  /** Definition level of a value that is there. */
  readonly present: number;
  /** For each list that the column is in, from the outermost on, the definition level from which on the list has an entry. */
  readonly repeated: readonly number[];
}

/** Where a column's values of some rows lie. */
export interface ParquetChunk {
  readonly codec: number;
  readonly values: number;
  readonly start: number;
  readonly end: number;
}

/** Rows, and a chunk for each column. */
export interface ParquetGroup {
  readonly rows: number;
  readonly chunks: readonly ParquetChunk[];
}

/** What the end of a file says of it. */
export interface ParquetFooter {
  readonly leaves: readonly ParquetLeaf[];
  readonly groups: readonly ParquetGroup[];
}

/**
 * Reads the footer of a Parquet file. Chunks lie within the file.
 * @throws ServingError data-loss; unimplemented for what is encrypted
 */
export function readParquetFooter(file: Buffer): ParquetFooter {
  const magic = file.subarray(-4);
  if (magic.equals(ENCRYPTED)) throw uncoveredParquet("encryption");
  if (file.length < 12 || !magic.equals(MAGIC) || !file.subarray(0, 4).equals(MAGIC))
    throw damagedParquet("it does not begin and end as such");
  const length = file.readUInt32LE(file.length - 8);
  const end = file.length - 8;
  if (length > end - 4) throw damagedParquet("its footer is longer than the file");
  const { struct } = readThriftStruct(file.subarray(end - length, end));
  const leaves = leavesOf(structsIn(struct, 2));
  return { leaves, groups: structsIn(struct, 4).map((group) => groupOf(group, leaves, end - length)) };
}

/** Fields come depth first; a group says how many it has. */
function leavesOf(fields: readonly ThriftStruct[]): readonly ParquetLeaf[] {
  const leaves: ParquetLeaf[] = [];
  let next = 0;
  const taken = (): ThriftStruct => {
    const field = fields[next++];
    if (field === undefined) throw damagedParquet("its schema breaks off");
    return field;
  };
  /** @param wrapped how many groups from here on have no name of their own: those that a list or map is wrapped in */
  const walk = (
    path: readonly string[],
    present: number,
    repeated: readonly number[],
    depth: number,
    wrapped: Wrapping,
  ): void => {
    const field = taken();
    const repetition = countIn(field, 3, REQUIRED);
    const children = countIn(field, 5, 0);
    if (depth > MOST_DEPTH || leaves.length > MOST_COLUMNS)
      throw damagedParquet(`its schema has more than ${MOST_COLUMNS} columns, or is ${MOST_DEPTH} deep`);
    const named = wrapped === "named" ? [...path, nameOf(field)] : path;
    const defined = depth === 0 || repetition === REQUIRED ? present : present + 1;
    const lists = depth > 0 && repetition === REPEATED ? [...repeated, defined] : repeated;
    if (children === 0) {
      if (depth === 0) throw damagedParquet("its schema has no column");
      leaves.push({ path: named.join("."), type: typeOf(field), present: defined, repeated: lists });
      return;
    }
    const kind = field.get(6);
    const inside = wrappingOf(wrapped, kind, children);
    for (let i = 0; i < children; i++) walk(depth === 0 ? [] : named, defined, lists, depth + 1, inside);
  };
  walk([], 0, [], 0, "root");
  if (next !== fields.length) throw damagedParquet("its schema has fields that belong nowhere");
  if (new Set(leaves.map(({ path }) => path)).size !== leaves.length)
    throw damagedParquet("its schema has two columns of one name");
  return leaves;
}

/** Whether a field has a name, or is the repeated group of a list or map, or the only field of a list's group. */
type Wrapping = "root" | "named" | "entries" | "map-entries" | "element";

function wrappingOf(own: Wrapping, kind: unknown, children: number): Wrapping {
  if (own === "entries" && children === 1) return "element";
  if (own === "root" || own === "entries" || own === "map-entries") return "named";
  if (kind === LIST && children === 1) return "entries";
  return (kind === MAP || kind === MAP_ENTRIES) && children === 1 ? "map-entries" : "named";
}

function nameOf(field: ThriftStruct): string {
  const name = field.get(4);
  if (!(name instanceof Uint8Array)) throw damagedParquet("a column has no name");
  return Buffer.from(name).toString();
}

function typeOf(field: ThriftStruct): ParquetLeaf["type"] {
  const type = TYPES[countIn(field, 1)];
  if (type === undefined) throw damagedParquet("a column is of no type that there is");
  return type;
}

function groupOf(group: ThriftStruct, leaves: readonly ParquetLeaf[], end: number): ParquetGroup {
  const columns = structsIn(group, 1);
  if (columns.length !== leaves.length) throw damagedParquet(`${columns.length} columns are there, not ${leaves.length}`);
  const chunks = columns.map((column, i) => chunkOf(column, leaves[i], end));
  return { rows: countIn(group, 3), chunks };
}

function chunkOf(column: ThriftStruct, leaf: ParquetLeaf, end: number): ParquetChunk {
  if (column.has(1)) throw uncoveredParquet("columns in other files");
  if (!column.has(3)) throw uncoveredParquet("encryption");
  const about = structIn(column, 3);
  if (TYPES[countIn(about, 1)] !== leaf.type)
    throw damagedParquet(`column "${shown(leaf.path)}" has another type than its schema says`);
  const data = countIn(about, 9);
  const dictionary = countIn(about, 11, 0);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const length = countIn(about, 7);
  if (start < 4 || start + length > end) throw damagedParquet(`column "${shown(leaf.path)}" does not lie in the file`);
  return { codec: countIn(about, 4), values: countIn(about, 5), start, end: start + length };
}

/** A name for errors. */
export function shown(path: string): string {
  return path.slice(0, 100);
}

/** Adds to an error of one part of a file which it was. */
export function inColumn(path: string, reason: unknown): unknown {
  if (!(reason instanceof ServingError)) return reason;
  return new ServingError(reason.code, `column "${shown(path)}": ${reason.message}`, { cause: reason });
}
