import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "vitest";
import type { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import { stringAt } from "../../src/tensor/string-array.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";

/** A tensor in golden.json: flat and row-major; integers beyond 2^53 as strings. */
export interface GoldenTensor {
  readonly dtype: "DT_FLOAT" | "DT_DOUBLE" | "DT_HALF" | "DT_INT64" | "DT_INT32" | "DT_UINT8" | "DT_BOOL" | "DT_STRING";
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

/** A sequence of tensors, or of maps as lists of [key, value] pairs. */
export interface GoldenSequence {
  readonly onnx_type: string;
  readonly data: readonly GoldenTensor[] | readonly (readonly [number | string, number])[][];
}

export interface Golden {
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor | GoldenSequence>>;
}

/** Outputs as the server names and stacks them: a sequence gains an axis, a map becomes values and keys. */
export function goldenOutputs(outputs: Golden["outputs"]): Map<string, GoldenTensor> {
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, output] of Object.entries(outputs)) {
    if (!("onnx_type" in output)) {
      tensors.set(name, output);
    } else if (output.onnx_type.includes("map")) {
      const rows = output.data as readonly (readonly [number | string, number])[][];
      const shape = [rows.length, rows[0].length];
      tensors.set(name, { dtype: "DT_FLOAT", shape, data: rows.flat().map(([, value]) => value) });
      tensors.set(`${name}.keys`, { dtype: "DT_INT64", shape, data: rows.flat().map(([key]) => key) });
    } else {
      const parts = output.data as readonly GoldenTensor[];
      tensors.set(name, {
        dtype: parts[0].dtype,
        shape: [parts.length, ...parts[0].shape],
        data: parts.flatMap((part) => part.data),
      });
    }
  }
  return tensors;
}

/** A golden tensor in TensorProto's typed fields; `encoding` is that of its strings. */
export function tensorProtoOf(
  { dtype, shape, data }: GoldenTensor,
  encoding: BufferEncoding = "utf8",
): MessageInitShape<typeof TensorProtoSchema> {
  const dim = shape.map((size) => ({ size: BigInt(size) }));
  return { dtype: DataType[dtype], tensorShape: { dim }, ...typedField(dtype, data, encoding) };
}

/** A golden tensor as nested JSON, integers kept to the last digit. */
export function nestedJson({ dtype, shape, data }: GoldenTensor, text: (value: unknown) => unknown = (value) => value): string {
  const leaf = (value: GoldenTensor["data"][number]) => (dtype === "DT_STRING" ? JSON.stringify(text(value)) : String(value));
  const level = (depth: number, from: number, count: number): string => {
    if (depth === shape.length) return leaf(data[from]);
    const size = shape[depth] === 0 ? 0 : count / shape[depth];
    return `[${Array.from({ length: shape[depth] }, (_, i) => level(depth + 1, from + i * size, size)).join(",")}]`;
  };
  return level(0, 0, data.length);
}

function typedField(dtype: GoldenTensor["dtype"], data: GoldenTensor["data"], encoding: BufferEncoding) {
  switch (dtype) {
    case "DT_FLOAT":
      return { floatVal: data.map(Number) };
    case "DT_DOUBLE":
      return { doubleVal: data.map(Number) };
    case "DT_INT64":
      return { int64Val: data.map((value) => BigInt(value)) };
    case "DT_BOOL":
      return { boolVal: data.map(Boolean) };
    case "DT_STRING":
      return { stringVal: data.map((value) => Buffer.from(String(value), encoding)) };
    case "DT_HALF":
      return { halfVal: data.map((value) => halfBits(Number(value))) };
    case "DT_INT32":
    case "DT_UINT8":
      return { intVal: data.map(Number) };
  }
}

/** The values of an answer as plain numbers, bigints as strings when they are beyond 2^53. */
export function readTensor(tensor: Tensor): (number | string | boolean)[] {
  if (tensor.dtype === "string") return Array.from({ length: tensor.data.length }, (_, i) => stringAt(tensor.data, i));
  const values = Array.from(tensor.data as ArrayLike<number | bigint>);
  if (tensor.dtype === "bool") return values.map(Boolean);
  if (tensor.dtype === "float16") return values.map((bits) => halfValue(Number(bits)));
  return values.map((value) =>
    typeof value === "bigint" && !Number.isSafeInteger(Number(value)) ? String(value) : Number(value),
  );
}

/** Floats within 1e-5 of the golden value (relative, or absolute below 1), everything else exactly. */
export function sameValues(got: readonly (number | string | boolean)[], wanted: GoldenTensor, name: string): void {
  expect(got.length, name).toBe(wanted.data.length);
  const floating = ["DT_FLOAT", "DT_DOUBLE", "DT_HALF"].includes(wanted.dtype);
  const tolerance = wanted.dtype === "DT_HALF" ? 1e-3 : 1e-5;
  for (let i = 0; i < got.length; i++) {
    const expected = wanted.data[i];
    if (floating && Number.isFinite(Number(expected))) {
      const difference = Math.abs(Number(got[i]) - Number(expected));
      if (!(difference <= tolerance * Math.max(1, Math.abs(Number(expected)))))
        expect.fail(`${name}[${i}]: got ${got[i]}, expected ${expected}`);
    } else if (String(got[i]) !== String(expected)) {
      expect.fail(`${name}[${i}]: got ${got[i]}, expected ${expected}`);
    }
  }
}

/** The 16-bit pattern of a number that is exactly a half. */
export function halfBits(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const fraction = (bits >>> 13) & 0x3ff;
  if (value === 0) return sign;
  if (exponent <= 0) return sign | (Math.round(Math.abs(value) * 2 ** 24) & 0x3ff);
  return sign | (exponent << 10) | fraction;
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
