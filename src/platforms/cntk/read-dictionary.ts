import { ProtobufReader } from "../../codec/protobuf/reader.ts";
import {
  type Dictionary,
  type DictionaryValue,
  damaged,
  type StoredArray,
  type StoredAxis,
  type StoredDType,
  type StoredSize,
} from "./dictionary.ts";

const MOST_DEPTH = 64;
const MOST_DIMENSIONS = 64;

/** Tags of CNTK.proto's fields: number << 3 | wire type. */
const DATA = 0x12;
const KEY = 0x0a;
const VALUE = 0x12;
const VALUE_TYPE = 0x10;
const BOOLEAN = 0x18;
const INTEGER = 0x20;
const SIZE = 0x28;
const FLOAT = 0x35;
const DOUBLE = 0x39;
const TEXT = 0x42;
const SHAPE = 0x4a;
const AXIS = 0x52;
const VECTOR = 0x5a;
const DICTIONARY = 0x62;
const ARRAY = 0x6a;

/** What a value without a field is, by `DictionaryValue.Type`: fields of proto3 that have their default are left out. */
const DEFAULTS: ReadonlyMap<number, DictionaryValue> = new Map<number, DictionaryValue>([
  [1, false],
  [2, 0],
  [3, 0],
  [4, 0],
  [5, 0],
  [6, ""],
  [7, { kind: "shape", sizes: [] }],
  [8, { kind: "axis", index: 0, name: "" }],
  [9, []],
  [10, new Map()],
]);

const DTYPES: ReadonlyMap<number, StoredDType> = new Map([
  [1, "float32"],
  [2, "float64"],
  [4, "float16"],
]);

/** The dtype of CNTK's number; undefined for one that is not known here. */
export function dtypeOfNumber(number: number): StoredDType | undefined {
  return DTYPES.get(number);
}

/**
 * Reads a serialized `CNTK.proto.Dictionary`. Arrays stay where they are: only their places are told.
 * @throws ServingError data-loss or invalid-argument for what is damaged
 */
export function readDictionary(bytes: Uint8Array): Dictionary {
  return dictionary(new ProtobufReader(bytes), 0);
}

function dictionary(reader: ProtobufReader, depth: number): Dictionary {
  if (depth > MOST_DEPTH) throw damaged(`values lie more than ${MOST_DEPTH} deep in each other`);
  const entries = new Map<string, DictionaryValue>();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== DATA) {
      reader.skip(tag);
      continue;
    }
    const outer = reader.enter();
    let key = "";
    let found: DictionaryValue | undefined;
    for (let field = reader.readTag(); field !== 0; field = reader.readTag()) {
      if (field === KEY) key = reader.readString();
      else if (field === VALUE) found = inside(reader, () => value(reader, depth));
      else reader.skip(field);
    }
    reader.leave(outer);
    if (found !== undefined) entries.set(key, found);
  }
  return entries;
}

function value(reader: ProtobufReader, depth: number): DictionaryValue | undefined {
  let type = 0;
  let found: DictionaryValue | undefined;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === VALUE_TYPE) type = reader.readVarint32();
    else if (tag === BOOLEAN) found = reader.readBool();
    else if (tag === INTEGER) found = reader.readVarint32();
    else if (tag === SIZE) found = unsigned(reader);
    else if (tag === FLOAT) found = reader.readFloat();
    else if (tag === DOUBLE) found = reader.readDouble();
    else if (tag === TEXT) found = reader.readString();
    else if (tag === SHAPE) found = { kind: "shape", sizes: inside(reader, () => sizes(reader)) };
    else if (tag === AXIS) found = inside(reader, () => axis(reader));
    else if (tag === VECTOR) found = inside(reader, () => vector(reader, depth + 1));
    else if (tag === DICTIONARY) found = inside(reader, () => dictionary(reader, depth + 1));
    else if (tag === ARRAY) found = inside(reader, () => array(reader));
    else reader.skip(tag);
  }
  return found ?? DEFAULTS.get(type);
}

function vector(reader: ProtobufReader, depth: number): readonly DictionaryValue[] {
  if (depth > MOST_DEPTH) throw damaged(`values lie more than ${MOST_DEPTH} deep in each other`);
  const values: DictionaryValue[] = [];
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== KEY) reader.skip(tag);
    else {
      const found = inside(reader, () => value(reader, depth));
      if (found === undefined) throw damaged("a list has an item without a value");
      values.push(found);
    }
  }
  return values;
}

function axis(reader: ProtobufReader): StoredAxis {
  let index = 0;
  let name = "";
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === 0x08) index = reader.readVarint32();
    else if (tag === 0x12) name = reader.readString();
    else reader.skip(tag);
  }
  return { kind: "axis", index, name };
}

function sizes(reader: ProtobufReader): readonly StoredSize[] {
  const found: StoredSize[] = [];
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === 0x08) found.push(size(reader));
    else if (tag === 0x0a) {
      const outer = reader.enter();
      while (reader.position < reader.end && found.length <= MOST_DIMENSIONS) found.push(size(reader));
      reader.leave(outer);
    } else reader.skip(tag);
    if (found.length > MOST_DIMENSIONS) throw damaged(`a shape has more than ${MOST_DIMENSIONS} dimensions`);
  }
  return found;
}

function size(reader: ProtobufReader): StoredSize {
  const number = unsigned(reader);
  if (reader.high === -1) {
    if (reader.low === -1) return "inferred";
    if (reader.low === -2) return "unknown";
    if (reader.low === -3) return "free";
  }
  if (!Number.isSafeInteger(number)) throw damaged(`a shape has a size of ${number}`);
  return number;
}

function array(reader: ProtobufReader): StoredArray {
  let dtype: StoredDType | undefined;
  let sparse = false;
  let shape: readonly StoredSize[] = [];
  const ranges: { start: number; end: number }[] = [];
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === 0x08) dtype = dtypeOfNumber(reader.readVarint32());
    else if (tag === 0x10) sparse = reader.readVarint32() !== 0;
    else if (tag === 0x1a) shape = inside(reader, () => sizes(reader));
    else if (tag === 0x22 || tag === 0x2a) inside(reader, () => values(reader, ranges));
    else reader.skip(tag);
  }
  return { kind: "array", dtype, sparse, sizes: shape, ranges };
}

/** Where the packed numbers of a message lie. */
function values(reader: ProtobufReader, ranges: { start: number; end: number }[]): void {
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== 0x0a) {
      reader.skip(tag);
      continue;
    }
    const length = reader.readLength();
    const start = reader.position;
    reader.position += length;
    if (length > 0) ranges.push({ start, end: start + length });
  }
}

function unsigned(reader: ProtobufReader): number {
  reader.readVarint64();
  return (reader.high >>> 0) * 4294967296 + (reader.low >>> 0);
}

/** What `read` makes of the message that begins here. */
function inside<Result>(reader: ProtobufReader, read: () => Result): Result {
  const outer = reader.enter();
  const result = read();
  reader.leave(outer);
  return result;
}
