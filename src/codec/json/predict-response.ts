import { isUtf8 } from "node:buffer";
import { ServingError } from "../../base/serving-error.ts";
import type { DType, NumericArray } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import { isMissingText, type StringArray, stringBytes } from "../../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { typeName } from "./element.ts";
import { writeFloatRows } from "./float-rows.ts";
import { writeFloat32, writeFloat64, writeHalf } from "./float-text.ts";
import { fromBfloat16Bits, fromFloat16Bits } from "./half.ts";
import { JsonWriter } from "./json-writer.ts";
import type { PredictFormat } from "./predict-inputs.ts";

/**
 * The body of a predict answer: `predictions` for the row form, `outputs` for the columnar form, in TensorFlow Serving's
 * layout. Of one output the name is left out. Strings of an output whose alias ends in `_bytes` are base64 objects. For the form
 * `named` the outputs by name on one line, where strings that are not UTF-8 are base64 objects too. With `missing`, missing texts are null.
 * @throws ServingError invalid-argument for no outputs, for a type that JSON has no form of, and in the row form for a scalar
 * or for outputs of different first dimensions.
 */
export function writePredictResponse(format: PredictFormat, outputs: NamedTensors, missing = false): Uint8Array {
  if (outputs.size === 0) throw invalid("Cannot convert empty tensor map to JSON");
  const writer = new JsonWriter();
  if (format === "named") return writeNamed(writer, outputs, missing);
  writer.byte(0x7b);
  writer.line(1);
  if (format === "row") writeRows(writer, outputs, missing);
  else writeColumns(writer, outputs, missing);
  writer.line(0);
  writer.byte(0x7d);
  return writer.take();
}

function writeNamed(writer: JsonWriter, outputs: NamedTensors, missing: boolean): Uint8Array {
  let separator = "{";
  for (const [name, tensor] of outputs) {
    writer.ascii(separator);
    separator = ", ";
    const text = new TensorText(writer, name, tensor, missing, "not-utf8");
    text.writeName();
    text.writeInline(0, 0);
  }
  writer.ascii("}\n");
  return writer.take();
}

function writeRows(writer: JsonWriter, outputs: NamedTensors, missing: boolean): void {
  const batch = commonBatch(outputs);
  // Not Array.from: it costs more than all the rest of a small answer.
  const columns: TensorText[] = [];
  for (const [name, tensor] of outputs) columns.push(new TensorText(writer, name, tensor, missing));
  writer.ascii('"predictions": [');
  if (columns.length === 1 && columns[0].writeBatch()) {
    writer.ascii(batch > 0 ? "\n    ]" : "]");
    return;
  }
  for (let row = 0; row < batch; row++) {
    if (columns.length === 1) {
      if (row > 0) writer.ascii(", ");
      columns[0].writeInline(2, 1);
      continue;
    }
    if (row > 0) writer.byte(0x2c);
    writer.line(2);
    writer.byte(0x7b);
    for (let i = 0; i < columns.length; i++) {
      if (i > 0) writer.byte(0x2c);
      writer.line(3);
      columns[i].writeName();
      columns[i].writeInline(3, 1);
    }
    writer.line(2);
    writer.byte(0x7d);
  }
  if (batch > 0) writer.line(1);
  writer.byte(0x5d);
}

function commonBatch(outputs: NamedTensors): number {
  let batch = -1;
  for (const [name, { shape }] of outputs) {
    if (shape.length === 0) throw invalid(`Tensor name: ${name} has no shape information `);
    if (batch >= 0 && shape[0] !== batch) {
      throw invalid(`Tensor name: ${name} has inconsistent batch size: ${shape[0]} expecting: ${batch}`);
    }
    batch = shape[0];
  }
  return batch;
}

function writeColumns(writer: JsonWriter, outputs: NamedTensors, missing: boolean): void {
  writer.ascii('"outputs": ');
  if (outputs.size > 1) writer.byte(0x7b);
  let index = 0;
  for (const [name, tensor] of outputs) {
    const text = new TensorText(writer, name, tensor, missing);
    if (outputs.size > 1) {
      if (index++ > 0) writer.byte(0x2c);
      writer.line(2);
      text.writeName();
    }
    text.writeLines(outputs.size > 1 ? 2 : 1, 0);
  }
  if (outputs.size > 1) {
    writer.line(1);
    writer.byte(0x7d);
  }
}

/** Which strings are base64 objects: those of outputs named `_bytes`, or what is not UTF-8 as well. */
type Base64Rule = "named" | "not-utf8";

/** Writes the element of this index. */
type ElementWriter = (level: number, index: number) => void;

/** Writes the elements of one tensor in order. `level` is how many containers are open around what is written. */
class TensorText {
  private readonly writer: JsonWriter;
  private readonly name: string;
  private readonly tensor: Tensor;
  private readonly element: ElementWriter;
  /** The elements, if they are of the types that are written many at a time. */
  private readonly floats: Float32Array | Float64Array | undefined;
  private next = 0;

  constructor(writer: JsonWriter, name: string, tensor: Tensor, missing: boolean, base64: Base64Rule = "named") {
    this.writer = writer;
    this.name = name;
    this.tensor = tensor;
    const element = elementWriter(writer, name, tensor, base64);
    this.element = missing && tensor.dtype === "string" ? orNull(writer, tensor.data, element) : element;
    this.floats = tensor.dtype === "float32" || tensor.dtype === "float64" ? (tensor.data as Float32Array) : undefined;
    elementCount(tensor.shape);
  }

  writeName(): void {
    this.writer.text(this.name);
    this.writer.ascii(": ");
  }

  /** All elements of a vector or matrix of floats, lists on one line and without the outermost brackets; else gives false. */
  writeBatch(): boolean {
    const { shape } = this.tensor;
    const count = elementCount(shape);
    if (this.floats === undefined || shape.length > 2 || count === 0) return false;
    if (shape.length === 2) this.writer.byte(0x5b);
    this.writeFloats(this.floats, count, shape[shape.length - 1], ", ", shape.length === 2 ? "], [" : ", ");
    if (shape.length === 2) this.writer.byte(0x5d);
    return true;
  }

  private writeFloats(
    floats: Float32Array | Float64Array,
    count: number,
    rowLength: number,
    elementSeparator: string,
    rowSeparator: string,
  ): void {
    const start = this.next;
    this.next += count;
    writeFloatRows(this.writer, floats, start, this.next, rowLength, elementSeparator, rowSeparator);
  }

  /** The next element or list at `dimension`, lists on one line. */
  writeInline(level: number, dimension: number): void {
    const { shape } = this.tensor;
    if (dimension === shape.length) {
      this.element(level, this.next++);
      return;
    }
    const { writer } = this;
    const last = dimension === shape.length - 1;
    writer.byte(0x5b);
    if (last && this.floats !== undefined) {
      this.writeFloats(this.floats, shape[dimension], shape[dimension], ", ", ", ");
      writer.byte(0x5d);
      return;
    }
    for (let i = 0; i < shape[dimension]; i++) {
      if (i > 0) {
        writer.byte(0x2c);
        writer.byte(0x20);
      }
      if (last) this.element(level + 1, this.next++);
      else this.writeInline(level + 1, dimension + 1);
    }
    writer.byte(0x5d);
  }

  /** The same, one element a line. */
  writeLines(level: number, dimension: number): void {
    const { shape } = this.tensor;
    if (dimension === shape.length) {
      this.element(level, this.next++);
      return;
    }
    const { writer } = this;
    writer.byte(0x5b);
    if (this.floats !== undefined && dimension === shape.length - 1 && shape[dimension] > 0) {
      writer.line(level + 1);
      const separator = `,\n${"    ".repeat(level + 1)}`;
      this.writeFloats(this.floats, shape[dimension], shape[dimension], separator, separator);
    } else {
      for (let i = 0; i < shape[dimension]; i++) {
        if (i > 0) writer.byte(0x2c);
        writer.line(level + 1);
        this.writeLines(level + 1, dimension + 1);
      }
    }
    if (shape[dimension] > 0) writer.line(level);
    writer.byte(0x5d);
  }
}

/** Writes null for a missing text, and the others as they are written. */
function orNull(writer: JsonWriter, texts: StringArray, write: ElementWriter): ElementWriter {
  return (level, index) => (isMissingText(texts, index) ? writer.ascii("null") : write(level, index));
}

/** How an element of a tensor is written, by its index in row-major order. */
function elementWriter(writer: JsonWriter, name: string, tensor: Tensor, base64: Base64Rule): ElementWriter {
  if (tensor.dtype === "string") {
    const { data } = tensor;
    const named = name.endsWith("_bytes");
    if (base64 === "not-utf8") return (_, index) => writeText(writer, stringBytes(data, index), named);
    if (!named) return (_, index) => writer.string(stringBytes(data, index));
    return (level, index) => writeBase64Object(writer, level, stringBytes(data, index));
  }
  const data: NumericArray = tensor.data;
  switch (tensor.dtype) {
    case "float32":
      return (_, index) => writeFloat32(writer, data[index] as number);
    case "float64":
      return (_, index) => writeFloat64(writer, data[index] as number);
    case "float16":
      return (_, index) => writeHalf(writer, fromFloat16Bits(data[index] as number));
    case "bfloat16":
      return (_, index) => writeHalf(writer, fromBfloat16Bits(data[index] as number));
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      return (_, index) => writer.integer(data[index] as number);
    case "int64":
    case "uint64":
      return (_, index) => writer.ascii(data[index].toString());
    case "bool":
      return (_, index) => writer.ascii(data[index] === 0 ? "false" : "true");
    case "complex64":
    case "complex128":
      return () => unwritable(tensor.dtype);
  }
}

/** A string, as a base64 object on one line where it is not UTF-8 or is to be one. */
function writeText(writer: JsonWriter, value: Uint8Array, asBase64: boolean): void {
  if (!asBase64 && isUtf8(value)) {
    writer.string(value);
    return;
  }
  writer.ascii('{"b64": ');
  writer.base64(value);
  writer.byte(0x7d);
}

function writeBase64Object(writer: JsonWriter, level: number, value: Uint8Array): void {
  writer.byte(0x7b);
  writer.line(level + 1);
  writer.ascii('"b64": ');
  writer.base64(value);
  writer.line(level);
  writer.byte(0x7d);
}

function unwritable(dtype: DType): never {
  throw invalid(`Failed to write JSON value for tensor type: ${typeName(dtype)}`);
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
