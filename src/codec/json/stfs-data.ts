import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type DType } from "../../tensor/dtype.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { StringArray } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { base64Text } from "./base64.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementReader } from "./element.ts";
import { type ElementsOf, elementReader, elementsByType } from "./element-reader.ts";
import { InputNames } from "./input-names.ts";
import { printValue } from "./json-error.ts";
import { withMissing } from "./missing-inputs.ts";
import { plainInput } from "./plain-input.ts";
import type { PredictInputs } from "./predict-inputs.ts";
import { isRow, readRows } from "./rowwise-instances.ts";
import { scanColon, scanValue, skipSpace } from "./scan.ts";
import { StfsStrings } from "./stfs-strings.ts";
import { readTensorValue } from "./tensor-value.ts";
import { stringEnd, stringEquals } from "./text.ts";

/** The inputs of a request to Simple TensorFlow Serving. */
export interface StfsInputs extends PredictInputs {
  /** Encoded images for one input, which takes pixels and is not among the tensors. */
  readonly images?: { readonly alias: string; readonly encoded: StringArray };
}

const EMPTY_DATA = /^(?:null|""|\{\s*\}|\[\s*\])$/;

/**
 * Reads the `data` of a request: an object of inputs by name, or the only input's value. `{"data": VALUE}` is the only input's value too,
 * where no input is named `data`; names that no input has are ignored. As numpy does, an integer takes a number such as 11.0, and a
 * boolean 0 or 1. With `base64`, strings are base64 of the bytes that are meant, in either alphabet; `{"b64": TEXT}` always is.
 * Of a `rowwise` signature the value may be a list of rows too, as in TensorFlow Serving's row form, and what lacks is missing.
 * To be called once for a document.
 * @throws ServingError invalid-argument in Simple TensorFlow Serving's words for what is missing, in TensorFlow Serving's for values.
 */
export function readStfsInputs(
  document: JsonDocument,
  base64: boolean,
  inputs: readonly TensorInfo[],
  rowwise = false,
): StfsInputs {
  const { bytes, members } = document;
  const data = members.inputs;
  if (data === undefined || EMPTY_DATA.test(printValue(bytes, data.start, data.end))) {
    throw invalid("Inference with empty data, please check the request JSON");
  }
  const reader = new DataReader(document, base64);
  const plain = plainStart(document, data.start, inputs, rowwise);
  const row = rowwise && plain >= 0 && bytes[plain] === 0x5b ? skipSpace(bytes, plain + 1, bytes.length) : -1;
  if (row >= 0 && isRow(bytes, row, inputs)) {
    return { format: "named", tensors: readRows(document, row, inputs, elementsOf(base64), "data") };
  }
  if (plain >= 0) {
    const input = plainInput(inputs);
    if (input !== undefined) reader.read(plain, input);
  } else readNamed(reader, data.start, inputs);
  if (rowwise) {
    const completed = reader.completed(inputs, elementsOf(base64));
    if (completed !== undefined) return completed;
  }
  for (const input of inputs) {
    if (input.optional !== true && !reader.has(input.alias)) throw missing(input, document);
  }
  return reader.finish();
}

/** Where the value of the only input lies, if `data` has no names of inputs; else -1. */
function plainStart({ bytes }: JsonDocument, start: number, inputs: readonly TensorInfo[], rowwise: boolean): number {
  if (bytes[start] !== 0x7b || base64Text(bytes, start) !== undefined) return start;
  const name = skipSpace(bytes, start + 1, bytes.length);
  const nameStop = stringEnd(bytes, name);
  if (!stringEquals(bytes, name, nameStop, "data") || inputs.some(({ alias }) => alias === "data")) return -1;
  return plainInput(inputs) === undefined && !rowwise ? -1 : scanColon(bytes, nameStop, bytes.length);
}

/** How rows are read, and what is missing made. */
function elementsOf(base64: boolean): ElementsOf {
  return (input) =>
    input.dtype === "string" ? new StfsStrings(base64, input.nullable, input.booleanDigits) : elementsByType(input);
}

function readNamed(reader: DataReader, start: number, inputs: readonly TensorInfo[]): void {
  const { bytes } = reader.document;
  const names = new InputNames(inputs);
  for (let at = skipSpace(bytes, start + 1, bytes.length); bytes[at] === 0x22; ) {
    const nameStop = stringEnd(bytes, at);
    const input = inputs[names.find(bytes, at, nameStop)];
    at = scanColon(bytes, nameStop, bytes.length);
    at = input === undefined || reader.has(input.alias) ? scanValue(bytes, at, bytes.length) : reader.read(at, input);
    at = skipSpace(bytes, at, bytes.length);
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
  }
}

/** Reads the values of inputs, one after the other. */
class DataReader {
  readonly document: JsonDocument;
  readonly #base64: boolean;
  readonly #tensors = new Map<string, Tensor>();
  #images: StfsInputs["images"];

  constructor(document: JsonDocument, base64: boolean) {
    this.document = document;
    this.#base64 = base64;
  }

  has(alias: string): boolean {
    return this.#tensors.has(alias) || this.#images?.alias === alias;
  }

  /** Reads the value at `start` and gives its end. */
  read(start: number, input: TensorInfo): number {
    const { alias, dtype, nullable, booleanDigits } = input;
    if (dtype === "string") return this.#take(start, alias, new StfsStrings(this.#base64, nullable, booleanDigits));
    if (holdsText(this.document.bytes, start) && takesPixels(input) && this.#images === undefined) {
      return this.#readImages(start, alias);
    }
    try {
      return this.#take(start, alias, elementReader(dtype, nullable));
    } catch (reason) {
      if (!(reason instanceof ServingError) || reason.code !== "invalid-argument" || !isWhole(dtype)) throw reason;
      return this.#takeWhole(start, alias, dtype, reason);
    }
  }

  /** Reads numbers that are written as floats; `otherwise` is thrown where they are something else. */
  #takeWhole(start: number, alias: string, dtype: DType, otherwise: ServingError): number {
    let numbers: Tensor;
    let end: number;
    try {
      const read = this.#readAs(start, elementReader("float64"));
      numbers = read.elements.finish(read.shape);
      end = read.end;
    } catch {
      throw otherwise;
    }
    const converted = wholeNumbers(numbers, dtype);
    if (converted === undefined) throw otherwise;
    this.#tensors.set(alias, converted);
    return end;
  }

  /** With what a rowwise request lacks; undefined where it has nothing that tells the number of rows. */
  completed(inputs: readonly TensorInfo[], elements: ElementsOf): StfsInputs | undefined {
    const found = inputs.map(({ alias }) => this.#tensors.get(alias));
    const rows = found.find((tensor) => tensor !== undefined)?.shape[0];
    return rows === undefined ? undefined : { format: "named", tensors: withMissing(inputs, found, rows, elements) };
  }

  finish(): StfsInputs {
    return { format: "named", tensors: this.#tensors, ...(this.#images && { images: this.#images }) };
  }

  #take(start: number, alias: string, reader: ElementReader): number {
    const { shape, end, elements } = this.#readAs(start, reader);
    this.#tensors.set(alias, elements.finish(shape));
    return end;
  }

  #readAs(start: number, elements: ElementReader) {
    return { ...readTensorValue(this.document, start, elements), elements };
  }

  #readImages(start: number, alias: string): number {
    const { end, shape, elements } = this.#readAs(start, new StfsStrings(true));
    const { dtype, data } = elements.finish(shape);
    if (dtype === "string") this.#images = { alias, encoded: data };
    return end;
  }
}

/** Whether the value at `start` is a string, a base64 object, or a list that begins with one. */
function holdsText(bytes: Uint8Array, start: number): boolean {
  const first = bytes[start] === 0x5b ? skipSpace(bytes, start + 1, bytes.length) : start;
  return bytes[first] === 0x22 || bytes[first] === 0x7b;
}

/** Whether an input may be an image or a batch of them. */
function takesPixels({ dtype, shape }: TensorInfo): boolean {
  return (dtype === "uint8" || dtype.startsWith("float")) && (shape === undefined || shape.length === 3 || shape.length === 4);
}

function isWhole(dtype: DType): boolean {
  return dtype === "bool" || dtype.startsWith("int") || dtype.startsWith("uint");
}

/** The tensor of an integer type or booleans with these values; undefined where one of them is not of the type. */
function wholeNumbers({ shape, data }: Tensor, dtype: DType): Tensor | undefined {
  if (dtype === "string" || !(data instanceof Float64Array)) return undefined;
  const { array, bytes } = ARRAY_TYPES[dtype];
  const bits = dtype === "bool" ? 1 : Math.min(bytes * 8, 53);
  const signed = dtype.startsWith("int");
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const greatest = 2 ** (signed ? bits - 1 : bits) - 1;
  const whole = new array(data.length);
  for (const [index, value] of data.entries()) {
    if (!Number.isInteger(value) || value < least || value > greatest) return undefined;
    if (whole instanceof BigInt64Array || whole instanceof BigUint64Array) whole[index] = BigInt(value);
    else whole[index] = value;
  }
  return { dtype, shape, data: whole };
}

function missing({ alias }: TensorInfo, { bytes, members }: JsonDocument): ServingError {
  const data = members.inputs === undefined ? "" : printValue(bytes, members.inputs.start, members.inputs.end);
  return invalid(`Input op name '${alias}' does not exist in input data: ${data}, please check the request JSON`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
