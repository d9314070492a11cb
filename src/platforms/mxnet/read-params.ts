import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../../tensor/dtype.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { FileWindow } from "../file-window.ts";
import { damaged } from "./damaged.ts";

/** An array of a `.params` file, in row-major order; sparse ones have been filled up with zeros. */
export interface Parameter {
  readonly dtype: NumericDType;
  readonly shape: Shape;
  readonly data: NumericArray;
}

const LIST_MAGIC = 0x112n;
/** What an array begins with, by the layout's version; older ones begin with their number of dimensions. */
const LAYOUT = { V1: 0xf993fac8, V2: 0xf993fac9, V3: 0xf993faca } as const;
/** The dtypes by MXNet's numbers. */
const DTYPES: ReadonlyMap<number, NumericDType> = new Map(
  (
    [
      "float32",
      "float64",
      "float16",
      "uint8",
      "int32",
      "int8",
      "int64",
      "bool",
      "int16",
      "uint16",
      "uint32",
      "uint64",
      "bfloat16",
    ] as const
  ).map((dtype, number) => [number, dtype]),
);
const MOST_DIMENSIONS = 32;
const LONGEST_NAME = 1 << 12;
/** A sparse array is at most so many times as large as its file. */
const MOST_GROWTH = 1024;
/** Arrays without a dimension, as a V2 file may have many of, are read in turns of so many. */
const ARRAYS_IN_A_TURN = 1000;
const PREFIX = /^(?:arg|aux):/;

/**
 * Reads the arrays of a `.params` file of any version, each into memory of its own; names are without `arg:` and `aux:`.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged file, unimplemented for a dtype or storage that is not known; each names the file
 */
export async function readParams(window: FileWindow, file: string, signal: AbortSignal): Promise<ReadonlyMap<string, Parameter>> {
  return new ParamsReader(window, file, signal).list();
}

/** The dtype of MXNet's number; undefined for one that is not known. */
export function dtypeOfNumber(number: number): NumericDType | undefined {
  return DTYPES.get(number);
}

class ParamsReader {
  readonly #window: FileWindow;
  readonly #file: string;
  readonly #signal: AbortSignal;
  #position = 0;

  constructor(window: FileWindow, file: string, signal: AbortSignal) {
    this.#window = window;
    this.#file = file;
    this.#signal = signal;
  }

  async list(): Promise<ReadonlyMap<string, Parameter>> {
    if ((await this.#number(8)) !== LIST_MAGIC) throw damaged(this.#file, "is no .params file of MXNet");
    await this.#number(8);
    // An array has 4 bytes at least, a name 8.
    const count = await this.#count(4, "arrays");
    const arrays: (Parameter | undefined)[] = [];
    for (let i = 0; i < count; i++) {
      throwIfAborted(this.#signal);
      if (i % ARRAYS_IN_A_TURN === 0) await setImmediate();
      arrays.push(await this.#array(`${this.#file}: array ${i}`));
    }
    const names = await this.#count(8, "names");
    if (names !== count) {
      throw damaged(this.#file, names === 0 ? "has no names of arrays" : `has ${names} names of ${count} arrays`);
    }
    const found = new Map<string, Parameter>();
    for (const array of arrays) {
      const name = (await this.#name()).replace(PREFIX, "");
      if (found.has(name)) throw damaged(this.#file, `has two arrays called ${JSON.stringify(name)}`);
      if (array !== undefined) found.set(name, array);
    }
    return found;
  }

  /** Undefined where only the place of an array is kept. */
  async #array(where: string): Promise<Parameter | undefined> {
    const magic = Number(await this.#number(4));
    let shape: Shape | undefined;
    let storage: Shape | undefined;
    let sparse = 0;
    if (magic === LAYOUT.V2 || magic === LAYOUT.V3) {
      sparse = await this.#signed(where);
      if (sparse === 1 || sparse === 2) storage = await this.#shape(8, await this.#signed(where), where);
      else if (sparse !== 0 && sparse !== -1) {
        throw new ServingError("unimplemented", `${where} has the storage type ${sparse}, which is not known`);
      }
      shape = await this.#shape(8, await this.#signed(where), where);
    } else if (magic === LAYOUT.V1) {
      shape = await this.#shape(8, await this.#signed(where), where);
    } else {
      shape = await this.#shape(4, magic, where);
    }
    if (shape === undefined || (shape.length === 0 && magic !== LAYOUT.V3)) return undefined;
    // Where it lay when it was saved.
    await this.#number(4);
    await this.#number(4);
    const dtype = await this.#dtype(where);
    if (storage === undefined) return { dtype, shape, data: await this.#data(dtype, shape, where) };
    return sparse === 1 ? this.#rows(dtype, shape, storage, where) : this.#compressedRows(dtype, shape, where);
  }

  /** Some rows of an array; the others are zeros. */
  async #rows(dtype: NumericDType, shape: Shape, storage: Shape, where: string): Promise<Parameter> {
    const rows = await this.#auxiliary(where);
    const data = await this.#data(dtype, storage, where);
    const indices = await this.#indices(rows, where);
    const width = sizeOf(shape.slice(1));
    if (data.length !== indices.length * width) throw damaged(where, `has ${data.length} values of ${indices.length} rows`);
    const dense = this.#dense(dtype, shape, where);
    for (const [i, row] of indices.entries()) {
      if (!(row >= 0 && row < shape[0]!)) throw damaged(where, `has row ${row} of ${shape[0]}`);
      dense.set(data.subarray(i * width, (i + 1) * width) as never, row * width);
    }
    return { dtype, shape, data: dense };
  }

  /** A matrix by rows: where each row's values begin, and their columns. */
  async #compressedRows(dtype: NumericDType, shape: Shape, where: string): Promise<Parameter> {
    const [pointers, columns] = [await this.#auxiliary(where), await this.#auxiliary(where)];
    // The shape of what is stored may be written as 0: there are as many values as columns.
    const data = await this.#data(dtype, columns.shape, where);
    const starts = await this.#indices(pointers, where);
    const places = await this.#indices(columns, where);
    const [rows, width] = shape;
    if (shape.length !== 2 || starts.length !== rows! + 1) {
      throw damaged(where, "is no matrix of compressed rows");
    }
    const dense = this.#dense(dtype, shape, where);
    for (let row = 0; row < rows!; row++) {
      const [from, to] = [starts[row]!, starts[row + 1]!];
      if (!(from >= 0 && from <= to && to <= places.length)) throw damaged(where, `has values ${from} to ${to} in row ${row}`);
      for (let i = from; i < to; i++) {
        const column = places[i]!;
        if (!(column >= 0 && column < width!)) throw damaged(where, `has column ${column} of ${width}`);
        dense[row * width! + column] = data[i]!;
      }
    }
    return { dtype, shape, data: dense };
  }

  #dense(dtype: NumericDType, shape: Shape, where: string): NumericArray {
    const { array, bytes } = ARRAY_TYPES[dtype];
    const count = sizeOf(shape);
    if (!(count * bytes <= this.#window.size * MOST_GROWTH)) {
      throw new ServingError("unimplemented", `${where} is sparse and has a shape of ${count} elements, which are too many`);
    }
    return new array(count);
  }

  async #auxiliary(where: string): Promise<{ readonly dtype: NumericDType; readonly shape: Shape }> {
    const dtype = await this.#dtype(where);
    const shape = await this.#shape(8, await this.#signed(where), where);
    if (dtype !== "int64" && dtype !== "int32") throw damaged(where, `has indices of ${dtype}`);
    if (shape?.length !== 1) throw damaged(where, "has no list of indices");
    return { dtype, shape };
  }

  async #indices(type: { readonly dtype: NumericDType; readonly shape: Shape }, where: string): Promise<Float64Array> {
    const data = await this.#data(type.dtype, type.shape, where);
    const numbers = new Float64Array(data.length);
    for (let i = 0; i < data.length; i++) numbers[i] = Number(data[i]);
    return numbers;
  }

  async #dtype(where: string): Promise<NumericDType> {
    const number = await this.#signed(where);
    const dtype = DTYPES.get(number);
    if (dtype === undefined) throw new ServingError("unimplemented", `${where} has the dtype ${number}, which is not known`);
    return dtype;
  }

  /** Undefined for an unknown number of dimensions. */
  async #shape(width: 4 | 8, rank: number, where: string): Promise<Shape | undefined> {
    if (rank === -1) return undefined;
    if (!(rank >= 0 && rank <= MOST_DIMENSIONS)) throw damaged(where, `has ${rank} dimensions`);
    const shape: number[] = [];
    for (let i = 0; i < rank; i++) shape.push(Number(await this.#number(width)));
    return shape;
  }

  /** In memory of its own, so that it is aligned. */
  async #data(dtype: NumericDType, shape: Shape, where: string): Promise<NumericArray> {
    const { array, bytes } = ARRAY_TYPES[dtype];
    const count = sizeOf(shape);
    const length = count * bytes;
    const left = this.#window.size - this.#position;
    if (!(length <= left))
      throw damaged(where, `has a shape of [${shape.join(", ")}] but only ${left} bytes are left of the file`);
    const data = await this.#window.read(this.#position, this.#position + length);
    this.#position += length;
    return new array(data.buffer, 0, count);
  }

  async #name(): Promise<string> {
    const length = await this.#count(1, "bytes of a name");
    if (length > LONGEST_NAME) throw damaged(this.#file, `has a name of ${length} bytes`);
    await this.#expect(length);
    const bytes = this.#window.slice(this.#position, this.#position + length);
    this.#position += length;
    return Buffer.from(bytes).toString("utf8");
  }

  /** How many of something follow, each of `least` bytes at least. */
  async #count(least: number, what: string): Promise<number> {
    const count = await this.#number(8);
    const left = this.#window.size - this.#position;
    if (count * BigInt(least) > left) throw damaged(this.#file, `says that ${count} ${what} follow in ${left} bytes`);
    return Number(count);
  }

  async #signed(where: string): Promise<number> {
    return Number(BigInt.asIntN(32, await this.#number(4, where)));
  }

  /** An unsigned number; sizes of 2^63 and more fail as those that are too large do. */
  async #number(bytes: 4 | 8, where = this.#file): Promise<bigint> {
    await this.#expect(bytes, where);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#window.at(this.#position + i));
    this.#position += bytes;
    return value;
  }

  async #expect(bytes: number, where = this.#file): Promise<void> {
    if (this.#position + bytes > this.#window.size) throw damaged(where, "ends too early");
    if (!this.#window.holds(this.#position, bytes)) await this.#window.move(this.#position);
  }
}

function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}
