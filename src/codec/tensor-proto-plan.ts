import type { DType } from "../tensor/dtype.ts";
import type { Shape } from "../tensor/shape.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NumericTensor, Tensor } from "../tensor/tensor.ts";
import { dataTypeNumber } from "./data-type.ts";
import { delimitedSize, int32Size, varint32Size, varint64Size } from "./protobuf/size.ts";
import { ProtobufWriter } from "./protobuf/writer.ts";
import { VALUE_FIELDS } from "./tensor-proto-fields.ts";

const DTYPE = 0x08;
const SHAPE = 0x12;
const CONTENT = 0x22;
const DIMENSION = 0x12;
const DIMENSION_SIZE = 0x08;

/** How the elements of a type are written. */
type Encoding = "strings" | "raw" | "int32" | "uint32" | "halves";

const ENCODINGS: Readonly<Record<DType, Encoding>> = {
  string: "strings",
  float32: "raw",
  float64: "raw",
  complex64: "raw",
  complex128: "raw",
  bool: "raw",
  int8: "int32",
  int16: "int32",
  int32: "int32",
  uint8: "int32",
  uint16: "int32",
  float16: "int32",
  bfloat16: "int32",
  uint32: "uint32",
  int64: "halves",
  uint64: "halves",
};

/**
 * A tensor about to be written as a `tensorflow.TensorProto`: its exact size is known before the first byte is written,
 * so that one allocation serves a whole response.
 */
export class TensorProtoPlan {
  /** Bytes of the message. */
  readonly size: number;
  readonly #tensor: Tensor;
  readonly #asContent: boolean;
  /** Bytes of the elements, without tag and length. */
  readonly #payload: number;
  readonly #shapeSize: number;
  /** Elements as the varint loops take them: 32-bit words, or halves of 64-bit ones. */
  readonly #words: Int32Array | undefined;

  /**
   * @param asContent writes the elements as `tensor_content` (little endian, row major) instead of the typed field.
   * The tensor must not change until it is written.
   */
  constructor(tensor: Tensor, asContent: boolean) {
    this.#tensor = tensor;
    this.#asContent = asContent;
    this.#shapeSize = shapeSize(tensor.shape);
    const head = 2 + 1 + delimitedSize(this.#shapeSize);
    if (tensor.dtype === "string") {
      this.#words = undefined;
      this.#payload = stringsSize(tensor.data, asContent);
      this.size = head + (asContent ? fieldSize(CONTENT, this.#payload) : this.#payload);
    } else {
      const encoding = asContent ? "raw" : ENCODINGS[tensor.dtype];
      this.#words = encoding === "raw" ? undefined : wordsOf(tensor, encoding);
      this.#payload = this.#words === undefined ? tensor.data.byteLength : wordsSize(this.#words, encoding);
      this.size = head + fieldSize(asContent ? CONTENT : packedTag(tensor.dtype), this.#payload);
    }
  }

  /** Writes the message, {@link size} bytes. */
  write(writer: ProtobufWriter): void {
    const tensor = this.#tensor;
    writer.writeVarint32(DTYPE);
    writer.writeVarint32(dataTypeNumber(tensor.dtype));
    writer.writeVarint32(SHAPE);
    writer.writeVarint32(this.#shapeSize);
    writeShape(writer, tensor.shape);
    if (this.#payload === 0) return;
    if (tensor.dtype === "string" && !this.#asContent) {
      writeStrings(writer, tensor.data);
      return;
    }
    writer.writeVarint32(this.#asContent ? CONTENT : packedTag(tensor.dtype));
    writer.writeVarint32(this.#payload);
    if (tensor.dtype === "string") writeStringContent(writer, tensor.data);
    else if (this.#words === undefined) writer.writeArray(tensor.data);
    else if (ENCODINGS[tensor.dtype] === "halves") writer.writeVarints64(this.#words);
    else writer.writeVarints32(this.#words, ENCODINGS[tensor.dtype] === "int32");
  }
}

/** Serializes one tensor as a `tensorflow.TensorProto`; see {@link TensorProtoPlan} for several in one buffer. */
export function encodeTensorProto(tensor: Tensor, asContent = false): Uint8Array {
  const plan = new TensorProtoPlan(tensor, asContent);
  const writer = ProtobufWriter.allocate(plan.size);
  plan.write(writer);
  return writer.finish();
}

function packedTag(dtype: DType): number {
  return (VALUE_FIELDS[dtype] << 3) | 2;
}

function fieldSize(tag: number, payload: number): number {
  return payload === 0 ? 0 : varint32Size(tag) + delimitedSize(payload);
}

/** A size above 2^53 cannot be: shapes are counted in safe integers. */
function dimensionSize(size: number): number {
  return size === 0 ? 0 : 1 + varint64Size(size | 0, Math.floor(size / 4294967296) | 0);
}

function shapeSize(shape: Shape): number {
  let size = 0;
  for (let i = 0; i < shape.length; i++) size += 1 + delimitedSize(dimensionSize(shape[i]));
  return size;
}

function writeShape(writer: ProtobufWriter, shape: Shape): void {
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i];
    writer.writeVarint32(DIMENSION);
    writer.writeVarint32(dimensionSize(size));
    if (size === 0) continue;
    writer.writeVarint32(DIMENSION_SIZE);
    writer.writeVarint64(size | 0, Math.floor(size / 4294967296) | 0);
  }
}

function stringsSize({ length, offsets }: StringArray, asContent: boolean): number {
  let size = offsets[length] - offsets[0];
  for (let i = 0; i < length; i++) size += varint32Size(offsets[i + 1] - offsets[i]);
  return asContent ? size : size + length;
}

function writeStrings(writer: ProtobufWriter, { length, offsets, bytes }: StringArray): void {
  const tag = packedTag("string");
  for (let i = 0; i < length; i++) {
    writer.writeVarint32(tag);
    writer.writeBytes(bytes.subarray(offsets[i], offsets[i + 1]));
  }
}

function writeStringContent(writer: ProtobufWriter, { length, offsets, bytes }: StringArray): void {
  for (let i = 0; i < length; i++) writer.writeVarint32(offsets[i + 1] - offsets[i]);
  writer.writeRaw(bytes.subarray(offsets[0], offsets[length]));
}

function wordsOf({ dtype, data }: NumericTensor, encoding: Encoding): Int32Array {
  if (encoding === "halves" || encoding === "uint32") return new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  return dtype === "int32" ? (data as Int32Array) : new Int32Array(data as Int8Array);
}

function wordsSize(words: Int32Array, encoding: Encoding): number {
  let size = 0;
  if (encoding === "halves") for (let i = 0; i < words.length; i += 2) size += varint64Size(words[i], words[i + 1]);
  else if (encoding === "uint32") for (let i = 0; i < words.length; i++) size += varint32Size(words[i]);
  else for (let i = 0; i < words.length; i++) size += int32Size(words[i]);
  return size;
}
