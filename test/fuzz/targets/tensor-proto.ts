import { fromBinary } from "@bufbuild/protobuf";
import type { ServingError } from "../../../src/base/serving-error.ts";
import { AllocationBudget } from "../../../src/codec/allocation-budget.ts";
import { dataTypeNumber } from "../../../src/codec/data-type.ts";
import { decodeTensorProto } from "../../../src/codec/tensor-proto.ts";
import { VALUE_FIELDS } from "../../../src/codec/tensor-proto-fields.ts";
import { encodeTensorProto } from "../../../src/codec/tensor-proto-plan.ts";
import { typedField } from "../../../src/codec/test-tensor-fields.ts";
import { TensorProtoSchema } from "../../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { ARRAY_TYPES, type DType, type NumericArray } from "../../../src/tensor/dtype.ts";
import { stringBytes } from "../../../src/tensor/string-array.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";
import { type Fields, type Kind, onlyFields, Unsound } from "../plain/wire.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

/** What decoding may allocate: more than any honest input here needs. */
export const TENSOR_BUDGET = 1 << 16;

const DTYPES = Object.keys(VALUE_FIELDS) as DType[];
const OUTLINE: Fields = { 1: "varint", 2: { 2: { 1: "varint" } }, 4: "bytes" };
const VALUE_KINDS: Readonly<Record<number, Kind>> = {
  5: "fixed32s",
  6: "fixed64s",
  7: "varints",
  8: "bytes",
  9: "fixed32s",
  10: "varints",
  11: "varints",
  12: "fixed64s",
  13: "varints",
  16: "varints",
  17: "varints",
};

/** Tags and values of tensors. */
export const TENSOR_WORDS: readonly Uint8Array[] = [
  ...Array.from({ length: 24 }, (_, dtype) => Buffer.from([0x08, dtype])),
  "1204120208",
  "12021200",
  "120b1209",
  "2200",
  "2204",
  "2a04",
  "2d0000803f",
  "3208",
  "3a01",
  "4203616263",
  "4a08",
  "5201",
  "5a01",
  "6210",
  "6a02",
  "8201",
  "8a01",
  "220c",
  "08ffffffffffffffff7f",
  "08ffffffffffffffffff01",
  "1808",
  "7b7c",
  "7c",
  "18ff",
  "120412020803",
].map((word) => (typeof word === "string" ? Buffer.from(word, "hex") : word));

/** How the plain reading judges a message. */
type Verdict = { readonly kind: "malformed" | "refused" } | { readonly kind: "tensor"; readonly text: string };

const MALFORMED: Verdict = { kind: "malformed" };
const REFUSED: Verdict = { kind: "refused" };

/** The generated code's message, and TensorFlow's rules element by element. */
export function plainTensor(bytes: Uint8Array): Verdict {
  try {
    const outline = fromBinary(TensorProtoSchema, onlyFields(bytes, OUTLINE));
    const dtype = DTYPES.find((candidate) => dataTypeNumber(candidate) === outline.dtype);
    const sizes = (outline.tensorShape?.dim ?? []).map(({ size }) => size);
    const count = sizes.reduce((product, size) => product * size, 1n);
    if (
      dtype === undefined ||
      sizes.length > 254 ||
      sizes.some((size) => size < 0n || size >= 2n ** 53n) ||
      count > TENSOR_BUDGET
    )
      return REFUSED;
    const shape = `${dtype} [${sizes.join()}]`;
    if (outline.tensorContent.length > 0 && count > 0n) {
      const items = contentItems(dtype, Number(count), outline.tensorContent);
      return items === undefined ? REFUSED : { kind: "tensor", text: `${shape} ${items}` };
    }
    const field = VALUE_FIELDS[dtype];
    const values = typedField(fromBinary(TensorProtoSchema, onlyFields(bytes, { [field]: VALUE_KINDS[field]! })), field);
    return { kind: "tensor", text: `${shape} ${filledItems(dtype, Number(count), values)}` };
  } catch (reason) {
    if (reason instanceof Unsound) return MALFORMED;
    throw reason;
  }
}

function contentItems(dtype: DType, count: number, content: Uint8Array): string | undefined {
  if (dtype === "string") {
    const lengths: number[] = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
      let length = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = content[at++];
        if (byte === undefined || shift === 70n) return undefined;
        length |= BigInt(byte & 127) << shift;
        if (byte < 128) break;
      }
      lengths.push(Number(length & 0xffffffffn));
    }
    if (lengths.reduce((sum, length) => sum + length, at) !== content.length) return undefined;
    return lengths
      .map((length) => {
        at += length;
        return Buffer.from(content.subarray(at - length, at)).toString("hex");
      })
      .join();
  }
  const { bytes, width, array } = ARRAY_TYPES[dtype];
  if (content.length !== bytes * count) return undefined;
  const data = new array(Uint8Array.from(content).buffer, 0, count * width);
  return dtype === "bool" ? Array.from(data as Uint8Array, (value) => Math.min(value, 1)).join() : hexOf(data);
}

type Value = number | bigint | boolean | Uint8Array;

/** The last value stands for those that are missing; complex numbers are pairs. */
function filledItems(dtype: DType, count: number, values: readonly Value[]): string {
  if (dtype === "string") {
    const texts = values.map((value) => Buffer.from(value as Uint8Array).toString("hex"));
    return Array.from({ length: count }, (_, i) => texts[Math.min(i, texts.length - 1)] ?? "").join();
  }
  const { array, width } = ARRAY_TYPES[dtype];
  const data = new array(count * width);
  const given = Math.floor(values.length / width);
  for (let i = 0; i < count * width && given > 0; i++) {
    const value = values[Math.min(Math.floor(i / width), given - 1) * width + (i % width)];
    (data as Int8Array)[i] = (typeof value === "boolean" ? Number(value) : value) as number;
  }
  return dtype === "bool" ? (data as Uint8Array).join() : hexOf(data);
}

/** Bits, so that zeros are told apart; of NaN there is one, since a number on its way through JavaScript may lose the others. */
function hexOf(data: NumericArray): string {
  const numbers = data instanceof Float32Array || data instanceof Float64Array ? data.map((value) => value) : data;
  if (numbers !== data) for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i])) numbers[i] = Number.NaN;
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("hex");
}

/** A tensor in the form that {@link plainTensor} has. */
function textOf(tensor: Tensor): string {
  const head = `${tensor.dtype} [${tensor.shape.join()}]`;
  if (tensor.dtype !== "string")
    return `${head} ${tensor.dtype === "bool" ? (tensor.data as Uint8Array).join() : hexOf(tensor.data)}`;
  const items = Array.from({ length: tensor.data.length }, (_, i) => Buffer.from(stringBytes(tensor.data, i)).toString("hex"));
  return `${head} ${items.join()}`;
}

/** Reads one tensor and compares; what was written of it is read back the same. */
export function checkTensor(bytes: Uint8Array): Outcome {
  const expected = plainTensor(bytes);
  let tensor: Tensor;
  try {
    tensor = decodeTensorProto(bytes, new AllocationBudget(TENSOR_BUDGET));
  } catch (reason) {
    const outcome = refusal(reason);
    const { code, message } = reason as ServingError;
    agree(code, "invalid-argument", "the code of a refusal");
    if (expected.kind === "tensor" && !message.includes("in memory"))
      throw new Error(`refused with "${message}", expected ${expected.text}`);
    return outcome;
  }
  const text = textOf(tensor);
  agree(text, expected.kind === "tensor" ? expected.text : expected.kind, "the tensor");
  const allocated = tensor.dtype === "string" ? tensor.data.bytes.buffer.byteLength : tensor.data.buffer.byteLength;
  if (allocated > TENSOR_BUDGET) throw new Error(`a tensor of ${allocated} bytes with a budget of ${TENSOR_BUDGET}`);
  for (const asContent of [true, false]) {
    agree(textOf(decodeTensorProto(encodeTensorProto(tensor, asContent))), text, "the tensor when written and read back");
  }
  return { accepted: true, shape: `${tensor.dtype} ${Math.min(tensor.shape.length, 3)} ${Math.min(tensor.data.length, 3)}` };
}

/** A serialized tensor, against the generated code and TensorFlow's rules; and what is written of it. */
export const tensorProto: FuzzTarget = {
  name: "tensor-proto",
  dictionary: TENSOR_WORDS,
  longest: 400,
  run: checkTensor,
};
