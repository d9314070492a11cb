// Above the usual length of a file: one dtype's reading is one short function, and they share the tags and the fill rule.
import { ServingError } from "../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../tensor/dtype.ts";
import { elementCount } from "../tensor/shape.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NumericTensor, StringTensor, Tensor } from "../tensor/tensor.ts";
import { AllocationBudget } from "./allocation-budget.ts";
import { servableDType } from "./data-type.ts";
import { lentArray } from "./lent-array.ts";
import { malformed } from "./protobuf/malformed.ts";
import { ProtobufReader } from "./protobuf/reader.ts";
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from "./protobuf/wire-type.ts";
import { VALUE_FIELDS } from "./tensor-proto-fields.ts";

/** TensorFlow's limit on the number of dimensions. */
const MAX_RANK = 254;

// Tags of tensorflow.TensorProto, TensorShapeProto and Dim.
const DTYPE = 0x08;
const SHAPE = 0x12;
const CONTENT = 0x22;
const STRING_VALUE = (VALUE_FIELDS.string << 3) | LENGTH_DELIMITED;
const DIMENSION = 0x12;
const DIMENSION_SIZE = 0x08;

/** Up to this many floats a loop is faster than a bulk copy. */
const FEW = 8;
/** From this many bytes elements are left where they lie, if they lie aligned: it saves the engine's input a copy. */
const VIEWED_BYTES = 512;

type ViewConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => NumericArray;

/**
 * Reads a serialized `tensorflow.TensorProto`. The result may share memory with `bytes`, which must not change as long as it is
 * in use.
 *
 * As TensorFlow does: `tensor_content`, when not empty, wins over the typed field and must have exactly the tensor's
 * size; fewer typed values than elements repeat the last one, none give zeros, "" or false, and more are ignored; a
 * tensor of no elements ignores both; `unknown_rank` is ignored, so that a shape without dimensions is a scalar.
 *
 * @param budget what the whole request may still allocate; the tensor's memory is taken from it before it is allocated.
 * @throws ServingError invalid-argument for malformed bytes, a negative dimension, more than 254 dimensions, content of
 * the wrong size, a data type that tensors here cannot have, or a tensor beyond the budget.
 */
export function decodeTensorProto(bytes: Uint8Array, budget: AllocationBudget = new AllocationBudget()): Tensor {
  const reader = new ProtobufReader(bytes);
  const shape: number[] = [];
  let dataType = 0;
  let contentStart = 0;
  let contentEnd = 0;
  let values = bytes.length;
  for (let field = 0, tag = reader.readTag(); tag !== 0; field = reader.position, tag = reader.readTag()) {
    if (tag === DTYPE) dataType = reader.readVarint32();
    else if (tag === SHAPE) readShape(reader, shape);
    else if (tag === CONTENT) {
      const length = reader.readLength();
      contentStart = reader.position;
      contentEnd = reader.position = contentStart + length;
    } else {
      // Which typed field counts depends on the dtype, which may come later: these are read in a second pass.
      if (field < values) values = field;
      reader.skip(tag);
    }
  }
  const dtype = servableDType(dataType);
  const count = elementCount(shape);
  if (contentStart < contentEnd && count > 0) {
    reader.position = contentStart;
    reader.end = contentEnd;
    if (dtype === "string") return { dtype, shape, data: readStringContent(reader, count, budget) };
    return readContent(reader, dtype, shape, count, budget);
  }
  reader.position = values;
  if (dtype === "string") return readStrings(reader, shape, count, budget);
  budget.take(count * ARRAY_TYPES[dtype].bytes);
  return { dtype, shape, data: readValues(reader, dtype, count, budget) };
}

function readShape(reader: ProtobufReader, shape: number[]): void {
  const outer = reader.enter();
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== DIMENSION) reader.skip(tag);
    else {
      if (shape.length === MAX_RANK) throw new ServingError("invalid-argument", `a tensor has more than ${MAX_RANK} dimensions`);
      shape.push(readDimension(reader));
    }
  }
  reader.leave(outer);
}

function readDimension(reader: ProtobufReader): number {
  const outer = reader.enter();
  let size = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === DIMENSION_SIZE) size = reader.readInt64AsNumber();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return size;
}

function readContent(
  reader: ProtobufReader,
  dtype: NumericDType,
  shape: readonly number[],
  count: number,
  budget: AllocationBudget,
): NumericTensor {
  const type = ARRAY_TYPES[dtype];
  const length = reader.end - reader.position;
  if (length !== count * type.bytes) {
    throw new ServingError(
      "invalid-argument",
      `tensor_content of ${length} bytes does not fit shape [${shape.join(",")}] of ${dtype}, which needs ${count * type.bytes}`,
    );
  }
  const view =
    dtype === "bool"
      ? undefined
      : viewOf(reader.bytes, reader.position, type.array, count * type.width, length / (count * type.width));
  if (view !== undefined) return { dtype, shape, data: view };
  budget.take(length);
  const data = lentArray(type.array, type.bytes / type.width, count * type.width);
  copyInto(data, 0, reader.bytes, reader.position, reader.end);
  if (dtype === "bool") for (let i = 0; i < count; i++) data[i] = data[i] === 0 ? 0 : 1;
  return { dtype, shape, data };
}

/** Content of strings: all lengths as varints, then all bytes. */
function readStringContent(reader: ProtobufReader, count: number, budget: AllocationBudget): StringArray {
  if (count > reader.end - reader.position) throw stringContentSize();
  budget.take((count + 1) * 4 + reader.end - reader.position);
  const offsets = new Uint32Array(count + 1);
  let total = 0;
  for (let i = 1; i <= count; i++) {
    total += reader.readVarint32() >>> 0;
    if (total > reader.end) throw stringContentSize();
    offsets[i] = total;
  }
  if (total !== reader.end - reader.position) throw stringContentSize();
  const bytes = new Uint8Array(total);
  bytes.set(reader.bytes.subarray(reader.position, reader.end));
  return { length: count, offsets, bytes };
}

/** Strings of the typed field: counted and measured first, then copied. */
function readStrings(reader: ProtobufReader, shape: readonly number[], count: number, budget: AllocationBudget): StringTensor {
  budget.take((count + 1) * 4);
  const start = reader.position;
  let given = 0;
  let total = 0;
  let last = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== STRING_VALUE) reader.skip(tag);
    else {
      const length = reader.readLength();
      reader.position += length;
      if (given === count) continue;
      given++;
      total += length;
      last = length;
    }
  }
  total += (count - given) * last;
  budget.take(total);
  const offsets = new Uint32Array(count + 1);
  const bytes = new Uint8Array(total);
  reader.position = start;
  let end = 0;
  for (let i = 0; i < given; ) {
    const tag = reader.readTag();
    if (tag !== STRING_VALUE) reader.skip(tag);
    else {
      const value = reader.readBytes();
      bytes.set(value, end);
      end += value.length;
      offsets[++i] = end;
    }
  }
  if (last === 0) offsets.fill(end, given + 1);
  else {
    for (let i = given; i < count; i++) {
      bytes.copyWithin(end, end - last, end);
      end += last;
      offsets[i + 1] = end;
    }
  }
  return { dtype: "string", shape, data: { length: count, offsets, bytes } };
}

/** The numbers of the typed field, the last one repeated. */
function readValues(reader: ProtobufReader, dtype: NumericDType, count: number, budget: AllocationBudget): NumericArray {
  const field = VALUE_FIELDS[dtype];
  switch (dtype) {
    case "float32":
    case "complex64":
      return readFixed(reader, field, FIXED32, Float32Array, count, ARRAY_TYPES[dtype].width);
    case "float64":
    case "complex128":
      return readFixed(reader, field, FIXED64, Float64Array, count, ARRAY_TYPES[dtype].width);
    case "int64": {
      const data = new BigInt64Array(count);
      const given = readVarints64(reader, field, new Int32Array(data.buffer));
      return given > 0 ? data.fill(data[given - 1], given) : data;
    }
    case "uint64": {
      const data = new BigUint64Array(count);
      const given = readVarints64(reader, field, new Int32Array(data.buffer));
      return given > 0 ? data.fill(data[given - 1], given) : data;
    }
    case "bool": {
      const data = new Uint8Array(count);
      const given = readBools(reader, field, data);
      return given > 0 ? data.fill(data[given - 1], given) : data;
    }
    case "int32":
      return readVarints32(reader, field, new Int32Array(count));
    case "uint32":
      return readVarints32(reader, field, new Uint32Array(count));
    case "float16":
    case "bfloat16":
    case "int8":
    case "int16":
    case "uint8":
    case "uint16": {
      // Narrowed in one native step, so that the loop over varints writes to one kind of array.
      budget.take(count * 4);
      const wide = readVarints32(reader, field, new Int32Array(count));
      const data = new ARRAY_TYPES[dtype].array(count);
      (data as Int8Array).set(wide);
      return data;
    }
  }
}

function readFixed(
  reader: ProtobufReader,
  field: number,
  wireType: number,
  array: Float32ArrayConstructor | Float64ArrayConstructor,
  count: number,
  width: 1 | 2,
): Float32Array | Float64Array {
  const packed = (field << 3) | LENGTH_DELIMITED;
  const single = (field << 3) | wireType;
  const size = array.BYTES_PER_ELEMENT;
  const whole = wholeRun(reader, packed, array, count * width, size);
  if (whole !== undefined) return whole as Float32Array | Float64Array;
  const data = lentArray(array, size, count * width) as Float32Array | Float64Array;
  let given = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === packed) {
      const length = reader.readLength();
      const start = reader.position;
      if (length % size !== 0) throw malformed("a packed field ends within a value");
      const items = Math.min(length / size, data.length - given);
      copyInto(data, given, reader.bytes, start, start + items * size);
      given += items;
      reader.position = start + length;
    } else if (tag === single) {
      const value = size === 4 ? reader.readFloat() : reader.readDouble();
      if (given < data.length) data[given++] = value;
    } else reader.skip(tag);
  }
  const complete = given - (given % width);
  if (complete === data.length) return data;
  if (complete === 0) return data.fill(0);
  if (width === 1) return data.fill(data[complete - 1], complete);
  for (let i = complete; i < data.length; i += 2) {
    data[i] = data[complete - 2];
    data[i + 1] = data[complete - 1];
  }
  return data;
}

function readVarints32<Data extends Int32Array | Uint32Array>(reader: ProtobufReader, field: number, data: Data): Data {
  const packed = (field << 3) | LENGTH_DELIMITED;
  const single = (field << 3) | VARINT;
  const { bytes } = reader;
  const { length } = data;
  let given = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag === packed) {
      const outer = reader.enter();
      const { end } = reader;
      for (let position = reader.position; position < end; ) {
        let value = bytes[position++];
        if (value > 0x7f) {
          // Two bytes here, for they are the most of what is not one; the rest by the reader.
          if (position < end && bytes[position] < 0x80) value = (value & 0x7f) | (bytes[position++] << 7);
          else {
            reader.position = position - 1;
            value = reader.readVarint32();
            position = reader.position;
          }
        }
        if (given < length) data[given++] = value;
      }
      reader.leave(outer);
    } else if (tag === single) {
      const value = reader.readVarint32();
      if (given < length) data[given++] = value;
    } else reader.skip(tag);
  }
  if (given > 0) data.fill(data[given - 1], given);
  return data;
}

/** Reads 64-bit varints into pairs of halves; returns how many there were. */
function readVarints64(reader: ProtobufReader, field: number, halves: Int32Array): number {
  const packed = (field << 3) | LENGTH_DELIMITED;
  const single = (field << 3) | VARINT;
  let next = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== packed && tag !== single) {
      reader.skip(tag);
      continue;
    }
    const outer = tag === packed ? reader.enter() : -1;
    const until = tag === packed ? reader.end : reader.position + 1;
    while (reader.position < until) {
      reader.readVarint64();
      if (next < halves.length) {
        halves[next++] = reader.low;
        halves[next++] = reader.high;
      }
    }
    if (outer !== -1) reader.leave(outer);
  }
  return next / 2;
}

/** Reads booleans as 0 or 1; returns how many there were. */
function readBools(reader: ProtobufReader, field: number, data: Uint8Array): number {
  const packed = (field << 3) | LENGTH_DELIMITED;
  const single = (field << 3) | VARINT;
  let given = 0;
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
    if (tag !== packed && tag !== single) {
      reader.skip(tag);
      continue;
    }
    const outer = tag === packed ? reader.enter() : -1;
    const until = tag === packed ? reader.end : reader.position + 1;
    while (reader.position < until) {
      const value = reader.readBool();
      if (given < data.length) data[given++] = value ? 1 : 0;
    }
    if (outer !== -1) reader.leave(outer);
  }
  return given;
}

const scratchBytes = new Uint8Array(8);
const scratchFloat = new Float32Array(scratchBytes.buffer);
const scratchDouble = new Float64Array(scratchBytes.buffer);

/** The elements where they lie; undefined for few of them, and for those that lie unaligned. */
function viewOf(
  bytes: Uint8Array,
  start: number,
  array: ViewConstructor,
  length: number,
  size: number,
): NumericArray | undefined {
  const offset = bytes.byteOffset + start;
  return length * size >= VIEWED_BYTES && offset % size === 0 ? new array(bytes.buffer, offset, length) : undefined;
}

/** All elements where they lie, when one packed field that begins here holds them and nothing else is in the message. */
function wholeRun(
  reader: ProtobufReader,
  packed: number,
  array: ViewConstructor,
  length: number,
  size: number,
): NumericArray | undefined {
  const start = reader.position;
  if (reader.end - start > length * size && reader.readTag() === packed) {
    const bytes = reader.readLength();
    if (bytes === length * size && reader.position + bytes === reader.end) {
      const view = viewOf(reader.bytes, reader.position, array, length, size);
      if (view !== undefined) return view;
    }
  }
  reader.position = start;
  return undefined;
}

/** Copies little-endian elements that may lie unaligned. */
function copyInto(data: NumericArray, index: number, bytes: Uint8Array, start: number, end: number): void {
  const size = data.BYTES_PER_ELEMENT;
  if (end - start <= FEW * size && (data instanceof Float32Array || data instanceof Float64Array)) {
    const value = size === 4 ? scratchFloat : scratchDouble;
    for (let i = start; i < end; i += size) {
      for (let j = 0; j < size; j++) scratchBytes[j] = bytes[i + j];
      data[index++] = value[0];
    }
    return;
  }
  new Uint8Array(data.buffer, data.byteOffset + index * size, end - start).set(bytes.subarray(start, end));
}

function stringContentSize(): ServingError {
  return new ServingError("invalid-argument", "the lengths in a string tensor's tensor_content do not fit its size");
}
