import { ServingError } from "../../base/serving-error.ts";
import { type PickleName, PickleObject, type PickleValue } from "./pickle-value.ts";
import type { Inline } from "./read-pickle.ts";

/** How numpy keeps the values of an array. */
interface NumpyType {
  /** Of numpy's letters: `f`, `i`, `u`, `b`, `O` (objects), `U` (text), `S` (bytes), `V` (records). */
  readonly kind: "f" | "i" | "u" | "b" | "O" | "U" | "S" | "V";
  readonly itemBytes: number;
  readonly littleEndian: boolean;
  /** Of records. */
  readonly fields: ReadonlyMap<string, { readonly type: NumpyType; readonly offset: number }>;
}

const MOST_DIMENSIONS = 32;
const MULTIARRAY = /^numpy\.(core|_core)\.multiarray$/;
const NUMERIC = /^numpy\.(core|_core)\.numeric$/;
const WRAPPER = /^(sklearn\.externals\.)?joblib\.numpy_pickle$/;
const TYPE = /^[<>=|]?([fiubOUSVmM])(\d+)$/;
/** Bytes of numbers that are read here. */
const NUMBERS: ReadonlySet<string> = new Set(["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]);

/** Names that arrays, and what is written of them, are made of. */
export function isNumpyName({ module, name }: PickleName): boolean {
  if (MULTIARRAY.test(module)) return name === "_reconstruct" || name === "scalar";
  if (WRAPPER.test(module)) return name === "NumpyArrayWrapper";
  if (NUMERIC.test(module)) return name === "_frombuffer";
  return (module === "numpy" && (name === "ndarray" || name === "dtype")) || (module === "_codecs" && name === "encode");
}

/** What joblib writes behind its wrapper of an array: the array's bytes, or a pickle of its objects. */
export function inlineArray(object: PickleObject): Inline | undefined {
  if (!isWrapper(object)) return undefined;
  const state = dictionary(object.state);
  const type = typeOf(state.get("dtype"));
  if (type.kind === "O") return { kind: "pickle" };
  const length = countOf(shapeOf(state.get("shape"))) * type.itemBytes;
  const padding = state.get("numpy_array_alignment_bytes");
  return { kind: "bytes", length, aligned: padding !== undefined && padding !== null };
}

/** An array of numpy's. Its numbers are where they were in the file, checked to be as many as its shape says. */
export class NumpyArray {
  readonly shape: readonly number[];
  readonly #type: NumpyType;
  readonly #fortran: boolean;
  readonly #bytes: Uint8Array;
  readonly #objects: readonly PickleValue[];
  readonly #count: number;

  private constructor(type: NumpyType, shape: readonly number[], fortran: boolean, data: PickleValue) {
    this.shape = shape;
    this.#type = type;
    this.#fortran = fortran && shape.length > 1;
    this.#count = countOf(shape);
    const isObjects = type.kind === "O";
    this.#objects = isObjects && Array.isArray(data) ? data : [];
    this.#bytes = isObjects ? new Uint8Array(0) : rawBytes(data);
    const found = isObjects ? this.#objects.length : this.#bytes.length;
    const expected = isObjects ? this.#count : this.#count * type.itemBytes;
    if (found !== expected || (type.itemBytes === 0 && this.#count > 0)) {
      throw damaged(`of the shape [${shape.join(", ")}] has ${found} ${isObjects ? "values" : "bytes"}, not ${expected}`);
    }
  }

  /** The array that a value is; undefined where it is none. @throws ServingError data-loss for a damaged one, unimplemented for dates */
  static of(value: PickleValue | undefined): NumpyArray | undefined {
    if (!(value instanceof PickleObject)) return undefined;
    if (isWrapper(value)) {
      const state = dictionary(value.state);
      const type = typeOf(state.get("dtype"));
      if (type.kind === "O") return NumpyArray.of(value.inline as PickleValue);
      return new NumpyArray(type, shapeOf(state.get("shape")), state.get("order") === "F", value.inline);
    }
    const { module, name } = value.type;
    // How protocol 5 has them.
    if (NUMERIC.test(module) && name === "_frombuffer") {
      const [data, type, shape, order] = Array.isArray(value.args) ? value.args : [];
      return new NumpyArray(typeOf(type), shapeOf(shape), order === "F", data ?? null);
    }
    if (!((MULTIARRAY.test(module) && name === "_reconstruct") || (module === "numpy" && name === "ndarray"))) return undefined;
    if (!Array.isArray(value.state) || value.state.length < 5) throw damaged("has no state");
    const [, shape, type, fortran, data] = value.state;
    return new NumpyArray(typeOf(type), shapeOf(shape), fortran === true || fortran === 1, data!);
  }

  /** The number, text or truth that numpy's scalar is. @throws ServingError as {@link NumpyArray.of} */
  static scalar({ args }: PickleObject): PickleValue {
    if (!Array.isArray(args) || args.length < 2) throw damaged("of one number has no value");
    const type = typeOf(args[0]);
    const array = new NumpyArray(type, [1], false, type.kind === "O" ? [args[1]!] : args[1]!);
    return array.values()[0]!;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether the values are floats. */
  get isFloat(): boolean {
    return this.#type.kind === "f";
  }

  /** Whether the values are true or false. */
  get isBoolean(): boolean {
    return this.#type.kind === "b";
  }

  /** The numbers, the last dimension's beside one another. @throws ServingError data-loss for what is no number */
  numbers(): Float64Array {
    if (this.#type.kind !== "O") return this.#ordered(numbersAt(this.#bytes, this.#type, this.#count, this.#type.itemBytes, 0));
    const numbers = this.#objects.map((value) => plainValue(value));
    if (!numbers.every((value) => typeof value === "number")) throw damaged("has something else where numbers are expected");
    return this.#ordered(Float64Array.from(numbers));
  }

  /** The numbers of a field of records. @throws ServingError data-loss for a field that is not there */
  field(name: string): Float64Array {
    const field = this.#type.fields.get(name);
    if (field === undefined) throw damaged(`of records has no field "${name}"`);
    return numbersAt(this.#bytes, field.type, this.#count, this.#type.itemBytes, field.offset);
  }

  /** Whether the values are records with a field. */
  hasField(name: string): boolean {
    return this.#type.fields.has(name);
  }

  /** Values as they are: numbers, texts, truths; objects as the pickle has them. Only for a list, or an array in C order. */
  values(): readonly PickleValue[] {
    const { kind, itemBytes, littleEndian } = this.#type;
    if (this.#fortran) throw damaged("of values is in Fortran's order");
    if (kind === "O") return this.#objects.map((value) => plainValue(value));
    if (kind === "V") throw damaged("is of records where values are expected");
    if (kind === "U" || kind === "S") {
      return Array.from({ length: this.#count }, (_, i) => {
        const bytes = this.#bytes.subarray(i * itemBytes, (i + 1) * itemBytes);
        return kind === "U" ? utf32(bytes, littleEndian) : Buffer.from(bytes).toString("latin1").replace(/\0+$/, "");
      });
    }
    const numbers = Array.from(this.numbers());
    return kind === "b" ? numbers.map((value) => value !== 0) : numbers;
  }

  /** From Fortran's order, with the first dimension's side by side, to C's. */
  #ordered(numbers: Float64Array): Float64Array {
    if (!this.#fortran || numbers.length === 0) return numbers;
    const ordered = new Float64Array(numbers.length);
    const places = this.shape.map(() => 0);
    const strides = this.shape.map((_, i) => this.shape.slice(0, i).reduce((a, b) => a * b, 1));
    let from = 0;
    for (let to = 0; to < ordered.length; to++) {
      ordered[to] = numbers[from]!;
      for (let dimension = this.shape.length - 1; dimension >= 0; dimension--) {
        from += strides[dimension]!;
        if (++places[dimension]! < this.shape[dimension]!) break;
        from -= strides[dimension]! * this.shape[dimension]!;
        places[dimension] = 0;
      }
    }
    return ordered;
  }
}

/** A value without numpy around it: a scalar of numpy's is its number, text or truth. */
export function plainValue(value: PickleValue): PickleValue {
  return value instanceof PickleObject && MULTIARRAY.test(value.type.module) && value.type.name === "scalar"
    ? NumpyArray.scalar(value)
    : value;
}

function isWrapper({ type }: PickleObject): boolean {
  return type.name === "NumpyArrayWrapper" && WRAPPER.test(type.module);
}

function typeOf(value: PickleValue | undefined, inRecord = false): NumpyType {
  if (!(value instanceof PickleObject) || value.type.full !== "numpy.dtype" || !Array.isArray(value.args)) {
    throw damaged("has no type");
  }
  const text = latin1(value.args[0]);
  const match = TYPE.exec(text);
  if (match === null)
    throw new ServingError("unimplemented", `an array of numpy has the type ${JSON.stringify(text.slice(0, 20))}`);
  const kind = match[1]!;
  if (kind === "m" || kind === "M")
    throw new ServingError("unimplemented", "an array of numpy has dates, which are no model's numbers");
  const state = Array.isArray(value.state) ? value.state : [];
  const size = Number(match[2]);
  const shared = { littleEndian: latin1(state[1] ?? "<") !== ">", fields: NO_FIELDS };
  switch (kind) {
    case "O":
      return { kind, itemBytes: 8, ...shared };
    case "U":
      return { kind, itemBytes: size * 4, ...shared };
    case "S":
      return { kind, itemBytes: size, ...shared };
    case "V":
      // Records within records are none of a model's.
      if (inRecord) throw new ServingError("unimplemented", "an array of numpy has records within records");
      return recordOf(state, size);
    default:
      if (!NUMBERS.has(`${kind}${size}`))
        throw new ServingError("unimplemented", `an array of numpy has the type ${kind}${size}`);
      return { kind: kind as "f" | "i" | "u" | "b", itemBytes: size, ...shared };
  }
}

const NO_FIELDS: NumpyType["fields"] = new Map();

function recordOf(state: readonly PickleValue[], size: number): NumpyType {
  const fields = new Map<string, { type: NumpyType; offset: number }>();
  if (size === 0 || !(state[4] instanceof Map)) throw damaged("of records does not say its fields");
  for (const [name, place] of state[4]) {
    if (!Array.isArray(place)) throw damaged("of records does not say where a field is");
    const type = typeOf(place[0], true);
    const offset = place[1];
    if (typeof offset !== "number" || !Number.isInteger(offset) || offset < 0 || offset + type.itemBytes > size) {
      throw damaged("of records has a field outside of them");
    }
    fields.set(latin1(name), { type, offset });
  }
  return { kind: "V", itemBytes: size, littleEndian: true, fields };
}

function shapeOf(value: PickleValue | undefined): readonly number[] {
  const shape = Array.isArray(value) ? value.map((each) => plainValue(each)) : undefined;
  if (shape === undefined || shape.length > MOST_DIMENSIONS) throw damaged("has no shape");
  return shape.map((size) => {
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw damaged("has no shape");
    return size;
  });
}

function countOf(shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count)) throw damaged("has a shape of too many values");
  return count;
}

function numbersAt(bytes: Uint8Array, type: NumpyType, count: number, stride: number, offset: number): Float64Array {
  const numbers = new Float64Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readerOf(type);
  for (let i = 0; i < count; i++) numbers[i] = read(view, i * stride + offset, type.littleEndian);
  return numbers;
}

function readerOf({ kind, itemBytes }: NumpyType): (view: DataView, at: number, little: boolean) => number {
  switch (`${kind}${itemBytes}`) {
    case "f8":
      return (view, at, little) => view.getFloat64(at, little);
    case "f4":
      return (view, at, little) => view.getFloat32(at, little);
    case "i8":
      return (view, at, little) => Number(view.getBigInt64(at, little));
    case "u8":
      return (view, at, little) => Number(view.getBigUint64(at, little));
    case "i4":
      return (view, at, little) => view.getInt32(at, little);
    case "u4":
      return (view, at, little) => view.getUint32(at, little);
    case "i2":
      return (view, at, little) => view.getInt16(at, little);
    case "u2":
      return (view, at, little) => view.getUint16(at, little);
    case "i1":
      return (view, at) => view.getInt8(at);
    case "u1":
    case "b1":
      return (view, at) => view.getUint8(at);
    default:
      throw damaged("has something else where numbers are expected");
  }
}

function utf32(bytes: Uint8Array, little: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const code = view.getUint32(at, little);
    if (code > 0x10ffff) throw damaged("of texts has something that is no character");
    text += String.fromCodePoint(code);
  }
  return text.replace(/\0+$/, "");
}

/** Bytes, or what stands for them: Python 2's text, or how Python 3 writes them in old protocols. */
function rawBytes(value: PickleValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return Buffer.from(value, "latin1");
  if (value instanceof PickleObject && value.type.full === "_codecs.encode" && Array.isArray(value.args)) {
    const [text, encoding] = value.args;
    if (typeof text === "string" && encoding === "latin1") return Buffer.from(text, "latin1");
  }
  // No bytes at all have their own way.
  if (value instanceof PickleObject && value.type.full === "builtins.bytes") return new Uint8Array(0);
  throw damaged("has no bytes");
}

function latin1(value: PickleValue | undefined): string {
  return typeof value === "string" ? value : Buffer.from(rawBytes(value)).toString("latin1");
}

function dictionary(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> {
  if (!(value instanceof Map)) throw damaged("has no state");
  return value;
}

function damaged(what: string): ServingError {
  return new ServingError("data-loss", `an array of numpy ${what}`);
}
