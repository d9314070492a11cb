import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type DType, type NumericArray, type NumericDType } from "../../tensor/dtype.ts";
import type { Shape } from "../../tensor/shape.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type ElementReader, typeError, typeName } from "./element.ts";
import { toBfloat16Bits, toFloat16Bits } from "./half.ts";
import { printValue } from "./json-error.ts";
import { lastNumber, nearestFloat32, numberValue, scanNumber } from "./number.ts";
import { type BlockType, blockType, type NumberBlock } from "./number-block.ts";
import { scanValue } from "./scan.ts";
import { StringElements } from "./string-elements.ts";
import { TextElements } from "./text-elements.ts";

/** Chooses how the elements of an input are read. */
export type ElementsOf = (input: TensorInfo) => ElementReader;

/** By the input's type, and null where the input's values may be missing. */
export const elementsByType: ElementsOf = ({ dtype, nullable }) => elementReader(dtype, nullable);

/** The same, and numbers where texts may be missing: of a rowwise signature. */
export const rowwiseElements: ElementsOf = ({ dtype, nullable, booleanDigits }) =>
  nullable === true && dtype === "string" ? new TextElements(booleanDigits) : elementReader(dtype, nullable);

/**
 * A reader for elements of a type; of `nullable` ones null is NaN or the missing text, and an error of types that have neither. Among
 * nullable floats true is 1 and false is 0, as in a data frame.
 */
export function elementReader(dtype: DType, nullable = false): ElementReader {
  switch (dtype) {
    case "float32":
    case "float64":
    case "float16":
    case "bfloat16":
      return new FloatElements(dtype, nullable);
    case "int8":
    case "int16":
    case "int32":
      return new IntegerElements(dtype, nullable, -(2 ** (ARRAY_TYPES[dtype].bytes * 8 - 1)));
    case "uint8":
    case "uint16":
    case "uint32":
      return new IntegerElements(dtype, nullable, 0);
    case "int64":
    case "uint64":
      return new LongElements(dtype, nullable);
    case "bool":
      return new BoolElements(dtype, nullable);
    case "string":
      return new StringElements(nullable);
    case "complex64":
    case "complex128":
      return new NoElements(dtype, nullable);
  }
}

/** What readers start with; never written to. */
const EMPTY = Object.fromEntries(
  Object.entries(ARRAY_TYPES).map(([dtype, { array }]) => [dtype, new array(0)]),
) as unknown as Readonly<Record<NumericDType, NumericArray>>;

/** The first letters of null, true and false, and their lengths. */
const NULL = 0x6e;
const NULL_LENGTH = 4;
const TRUE = 0x74;
const TRUE_LENGTH = 4;
const FALSE = 0x66;
const FALSE_LENGTH = 5;

/** The part that readers of numbers share: a typed array that grows. */
abstract class NumericElements<A extends NumericArray> {
  readonly dtype: NumericDType;
  readonly blockType: BlockType | undefined;
  count = 0;
  protected data: A;
  protected readonly nullable: boolean;

  constructor(dtype: NumericDType, nullable: boolean) {
    this.dtype = dtype;
    this.nullable = nullable;
    this.blockType = blockType(dtype);
    this.data = EMPTY[dtype] as A;
  }

  readBlock({ values }: NumberBlock): void {
    this.append(values);
  }

  /** Appends numbers of the array class of the type; the first are taken over, not copied. */
  protected append(values: NumericArray): void {
    if (this.count === 0) this.data = values as A;
    else {
      this.reserve(values.length);
      // All arrays of a reader are of one class.
      (this.data as Uint8Array).set(values as Uint8Array, this.count);
    }
    this.count += values.length;
  }

  /** Makes room for `more` elements; exactly as many for the first, so that a tensor from one block is never copied. */
  protected reserve(more: number): void {
    const wanted = this.count + more;
    if (wanted <= this.data.length) return;
    const { array } = ARRAY_TYPES[this.dtype];
    const before = this.data;
    this.data = new array(this.count === 0 ? wanted : Math.max(wanted, before.length * 2, 16)) as A;
    // All arrays of a reader are of one class.
    if (this.count > 0) (this.data as Uint8Array).set(before.subarray(0, this.count) as Uint8Array);
  }

  finish(shape: Shape): Tensor {
    const data = this.count === this.data.length ? this.data : (this.data.slice(0, this.count) as A);
    return { dtype: this.dtype, shape, data };
  }

  addMissing(): void {
    throw new ServingError("invalid-argument", `a value is missing, and ${typeName(this.dtype)} has none that says so`);
  }

  /** The error for a value that is not of the type. */
  protected wrongType(bytes: Uint8Array, start: number): ServingError {
    if (!this.nullable || bytes[start] !== NULL) return typeError(bytes, start, this.dtype);
    return new ServingError("invalid-argument", `JSON Value: null is a missing value, and ${typeName(this.dtype)} has none`);
  }
}

function startsNumber(byte: number): boolean {
  return (byte - 48) >>> 0 <= 9 || byte === 0x2d || byte === 0x4e || byte === 0x49;
}

class FloatElements extends NumericElements<Float32Array | Float64Array | Uint16Array> implements ElementReader {
  read(bytes: Uint8Array, start: number): number {
    if (!startsNumber(bytes[start])) {
      return this.readWord(bytes, start);
    }
    const end = scanNumber(bytes, start, bytes.length);
    if (this.count === this.data.length) this.reserve(1);
    const value = numberValue(bytes, start, end);
    this.data[this.count++] = this.dtype === "float32" ? nearestFloat32(bytes, start, end, value) : this.stored(value);
    return end;
  }

  override addMissing(): void {
    this.add(Number.NaN);
  }

  /** Reads null, true or false where they may be. */
  private readWord(bytes: Uint8Array, start: number): number {
    const first = this.nullable ? bytes[start] : 0;
    switch (first) {
      case NULL:
        this.addMissing();
        return start + NULL_LENGTH;
      case TRUE:
        this.add(1);
        return start + TRUE_LENGTH;
      case FALSE:
        this.add(0);
        return start + FALSE_LENGTH;
      default:
        throw typeError(bytes, start, this.dtype);
    }
  }

  private add(value: number): void {
    if (this.count === this.data.length) this.reserve(1);
    this.data[this.count++] = this.stored(value);
  }

  override readBlock({ dtype, values }: NumberBlock): void {
    if (dtype === this.dtype) {
      this.append(values);
      return;
    }
    this.reserve(values.length);
    for (let i = 0; i < values.length; i++) this.data[this.count + i] = this.stored(values[i] as number);
    this.count += values.length;
  }

  private stored(value: number): number {
    if (this.dtype === "float16") return toFloat16Bits(value);
    return this.dtype === "bfloat16" ? toBfloat16Bits(value) : value;
  }
}

class IntegerElements extends NumericElements<Int8Array | Int16Array | Int32Array | Uint8Array> implements ElementReader {
  private readonly least: number;
  private readonly greatest: number;

  constructor(dtype: NumericDType, nullable: boolean, least: number) {
    super(dtype, nullable);
    this.least = least;
    this.greatest = least + 2 ** (ARRAY_TYPES[dtype].bytes * 8) - 1;
  }

  read(bytes: Uint8Array, start: number): number {
    if (!startsNumber(bytes[start])) throw this.wrongType(bytes, start);
    const end = scanNumber(bytes, start, bytes.length);
    const value = lastNumber.integer ? numberValue(bytes, start, end) : Number.NaN;
    if (!(value >= this.least && value <= this.greatest)) throw typeError(bytes, start, this.dtype);
    if (this.count === this.data.length) this.reserve(1);
    this.data[this.count++] = value;
    return end;
  }
}

/** No 64-bit integer has more characters than this. */
const LONGEST_INTEGER = 20;
/** Integers of at most this many characters are exact in a double. */
const SHORT_INTEGER = 15;

class LongElements extends NumericElements<BigInt64Array | BigUint64Array> implements ElementReader {
  read(bytes: Uint8Array, start: number): number {
    if (!startsNumber(bytes[start])) throw this.wrongType(bytes, start);
    const end = scanNumber(bytes, start, bytes.length);
    if (!lastNumber.integer || end - start > LONGEST_INTEGER) throw typeError(bytes, start, this.dtype);
    const value =
      end - start <= SHORT_INTEGER
        ? BigInt(numberValue(bytes, start, end))
        : BigInt(String.fromCharCode(...bytes.subarray(start, end)));
    const wrapped = this.dtype === "int64" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
    if (wrapped !== value) throw typeError(bytes, start, this.dtype);
    if (this.count === this.data.length) this.reserve(1);
    this.data[this.count++] = value;
    return end;
  }
}

class BoolElements extends NumericElements<Uint8Array> implements ElementReader {
  read(bytes: Uint8Array, start: number): number {
    const byte = bytes[start];
    if (byte !== 0x74 && byte !== 0x66) throw this.wrongType(bytes, start);
    if (this.count === this.data.length) this.reserve(1);
    this.data[this.count++] = byte === 0x74 ? 1 : 0;
    return start + (byte === 0x74 ? 4 : 5);
  }
}

/** Stands for the types that JSON has no form of. */
class NoElements extends NumericElements<Float32Array | Float64Array> implements ElementReader {
  read(bytes: Uint8Array, start: number): number {
    if (bytes[start] === 0x7b) throw typeError(bytes, start, this.dtype);
    const value = printValue(bytes, start, scanValue(bytes, start, bytes.length));
    throw new ServingError("unimplemented", `Conversion of JSON Value: ${value} to type: ${typeName(this.dtype)}`);
  }
}
