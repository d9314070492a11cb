import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ARRAY_TYPES, type DType } from "../../tensor/dtype.ts";
import { stringAt } from "../../tensor/string-array.ts";
import { stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { OnnxRuntime } from "./onnx-runtime.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/onnx");

interface GoldenTensor {
  readonly dtype: string;
  readonly shape: number[];
  readonly data: (number | string | boolean)[];
}

interface GoldenSequence {
  readonly onnx_type: string;
  readonly data: (GoldenTensor | [number, number][])[];
}

interface GoldenCase {
  readonly inputs: Record<string, GoldenTensor>;
  readonly outputs: Record<string, GoldenTensor | GoldenSequence>;
}

const DTYPES: Record<string, DType> = {
  DT_FLOAT: "float32",
  DT_DOUBLE: "float64",
  DT_HALF: "float16",
  DT_INT64: "int64",
  DT_BOOL: "bool",
  DT_STRING: "string",
};

/** Integers too long for a double stay text. */
function readGolden(folder: string): GoldenCase[] {
  const text = readFileSync(join(FIXTURES, folder, "golden.json"), "utf8");
  return JSON.parse(text.replace(/(?<=[[ ])-?\d{16,}(?=[\],])/g, '"$&"'));
}

function halfOf(value: number): number {
  const [sign, size] = [value < 0 || Object.is(value, -0) ? 0x8000 : 0, Math.abs(value)];
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | Math.round((size / 2 ** exponent - 1) * 1024);
}

function ofHalf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

function tensorOf({ dtype: name, shape, data }: GoldenTensor): Tensor {
  const dtype = DTYPES[name];
  if (dtype === "string") return stringTensor(shape, data as string[]);
  const array = new ARRAY_TYPES[dtype].array(data.length);
  data.forEach((value, i) => {
    if (dtype === "int64") (array as BigInt64Array)[i] = BigInt(value);
    else (array as Float32Array)[i] = dtype === "float16" ? halfOf(Number(value)) : Number(value);
  });
  return { dtype, shape, data: array };
}

function valuesOf(tensor: Tensor): (number | string | bigint)[] {
  if (tensor.dtype === "string") return Array.from({ length: tensor.data.length }, (_, i) => stringAt(tensor.data, i));
  return Array.from(tensor.data as Float32Array, (value) => (tensor.dtype === "float16" ? ofHalf(value) : value));
}

function expectSame(actual: Tensor | undefined, golden: GoldenTensor): void {
  const wanted = tensorOf(golden);
  expect(actual?.dtype).toBe(wanted.dtype);
  expect(actual?.shape).toEqual(golden.shape);
  const tolerance = wanted.dtype === "float16" ? 1e-3 : 1e-5;
  const [values, expected] = [valuesOf(actual!), valuesOf(wanted)];
  const largest = expected.reduce<number>((most, value) => Math.max(most, Math.abs(Number(value)) || 0), 0);
  for (let i = 0; i < expected.length; i++) {
    if (!wanted.dtype.startsWith("float")) expect(values[i]).toBe(expected[i]);
    else
      expect(Math.abs((values[i] as number) - (expected[i] as number))).toBeLessThanOrEqual(tolerance * Math.max(largest, 1e-30));
  }
}

/** A sequence by our convention, back as the list it was. */
function expectSequence(name: string, outputs: ReadonlyMap<string, Tensor>, { onnx_type, data }: GoldenSequence): void {
  const values = outputs.get(name)!;
  if (onnx_type.startsWith("seq(map")) {
    const rows = data as [number, number][][];
    const shape = [rows.length, rows[0].length];
    expectSame(values, { dtype: "DT_FLOAT", shape, data: rows.flatMap((row) => row.map(([, value]) => value)) });
    expectSame(outputs.get(`${name}.keys`), { dtype: "DT_INT64", shape, data: rows.flatMap((row) => row.map(([key]) => key)) });
    return;
  }
  const parts = data as GoldenTensor[];
  expectSame(values, {
    dtype: parts[0].dtype,
    shape: [parts.length, ...parts[0].shape],
    data: parts.flatMap((part) => part.data),
  });
  expectSame(outputs.get(`${name}.shapes`), {
    dtype: "DT_INT64",
    shape: [parts.length, parts[0].shape.length],
    data: parts.flatMap(({ shape }) => shape),
  });
}

const runtime = new OnnxRuntime();
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
});

describe("answers what the framework itself answered", () => {
  test.each(readdirSync(FIXTURES))("%s", async (folder) => {
    const file = join(FIXTURES, folder, "model.onnx");
    const model = await runtime.load({ runtime: "onnxruntime", file }, new AbortController().signal);
    const servable = runtime.attach(model);
    ends.push(async () => {
      await servable.detach();
      await runtime.unload(model);
    });
    const wanted = model.signatures.get("serving_default")!.outputs.map(({ alias }) => alias);
    const cases = readGolden(folder);
    expect(cases.length).toBeGreaterThan(0);
    // Thrice and interleaved: the first run learns the outputs, the later ones rely on it.
    for (let round = 0; round < 3; round++) {
      for (const { inputs, outputs } of cases) {
        const given = new Map(Object.entries(inputs).map(([name, golden]) => [name, tensorOf(golden)]));
        const answer = await servable.run("serving_default", given, wanted);
        expect([...answer.keys()]).toEqual(wanted);
        for (const [name, golden] of Object.entries(outputs)) {
          if ("onnx_type" in golden) expectSequence(name, answer, golden);
          else expectSame(answer.get(name), golden);
        }
      }
    }
  });
});
