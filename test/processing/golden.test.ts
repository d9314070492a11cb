import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { numbersOf } from "../../src/processing/numbers.ts";
import { ARRAY_TYPES, type NumericDType } from "../../src/tensor/dtype.ts";
import { stringAt } from "../../src/tensor/string-array.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../../src/tensor/tensor.ts";
import { runOne } from "./run-step.ts";

interface Stored {
  readonly dtype: NumericDType | "string";
  readonly shape: readonly number[];
  readonly base64?: string;
  readonly strings?: readonly string[];
}

interface Case {
  readonly name: string;
  readonly step: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly outputs: Readonly<Record<string, Stored>>;
}

const CASES = JSON.parse(readFileSync(new URL("../fixtures/processing/golden.json", import.meta.url), "utf8")) as readonly Case[];

/** Whose results hang on a library's exponential function, of which the last bit is nobody's to say. */
const APPROXIMATE = new Set(["softmax", "log_softmax", "sigmoid"]);
const TOLERANCE: Readonly<Record<string, number>> = { float32: 2 ** -22, float64: 1e-14, float16: 2 ** -10, bfloat16: 2 ** -7 };

function tensorOf({ dtype, shape, base64, strings }: Stored): Tensor {
  if (dtype === "string") return stringTensor(shape, strings!);
  const { array, bytes } = ARRAY_TYPES[dtype];
  const own = Uint8Array.from(Buffer.from(base64!, "base64"));
  return { dtype, shape, data: new array(own.buffer, 0, own.length / bytes) };
}

const tensorsOf = (stored: Readonly<Record<string, Stored>>): NamedTensors =>
  new Map(Object.entries(stored).map(([alias, tensor]) => [alias, tensorOf(tensor)]));

function elements(tensor: Tensor): readonly unknown[] {
  if (tensor.dtype === "string") return Array.from({ length: tensor.data.length }, (_, i) => stringAt(tensor.data, i));
  return Array.from(tensor.data as Float32Array);
}

function expectClose(actual: Tensor, expected: Tensor): void {
  if (actual.dtype === "string" || expected.dtype === "string") throw new TypeError("strings are not approximate");
  const [ours, theirs] = [numbersOf(actual), numbersOf(expected)];
  for (let i = 0; i < theirs.length; i++) {
    const allowed = TOLERANCE[actual.dtype] * Math.max(Math.abs(theirs[i]), 1e-30);
    if (Number.isNaN(theirs[i]) ? Number.isNaN(ours[i]) : ours[i] === theirs[i] || Math.abs(ours[i] - theirs[i]) <= allowed)
      continue;
    expect.fail(`element ${i} is ${ours[i]}, numpy has ${theirs[i]}`);
  }
}

test.each(CASES.map((each) => [each.name, each] as const))("%s, as numpy", async (_, { step, inputs, outputs }) => {
  const made = await runOne(step, tensorsOf(inputs));
  const expected = tensorsOf(outputs);
  for (const [alias, tensor] of expected) {
    const actual = made.get(alias)!;
    expect({ dtype: actual.dtype, shape: actual.shape }, alias).toEqual({ dtype: tensor.dtype, shape: tensor.shape });
    if (APPROXIMATE.has(Object.keys(step)[0])) expectClose(actual, tensor);
    else expect(elements(actual), alias).toEqual(elements(tensor));
  }
});
