import { expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import { scanDocument, signatureName } from "./document.ts";
import { readExamples } from "./examples.ts";
import { readPredictInputs } from "./predict-inputs.ts";

const info = (alias: string, dtype: DType, optional = false) => ({ alias, name: alias, dtype, shape: undefined, optional });

const SIGNATURES = [
  [info("x", "float32")],
  [info("x", "int64")],
  [info("x", "string")],
  [info("a", "bool"), info("b", "int8", true)],
  [info("x", "complex64")],
];

const SEEDS = [
  '{"instances":[[1.5,2,3e4],[4,NaN,-Infinity]]}',
  '{"instances":[{"x":[1,2]},{"x":[3,4]}],"signature_name":"s"}',
  '{"inputs":{"x":[["a","\\u00e9\\ud83d\\ude00"],[{"b64":"aGVsbG8="},"\\n"]]}}',
  '{"instances":[{"a":true,"b":1},{"a":false,"b":-128}]}',
  '{"inputs":[[9223372036854775807,-1],[0,12345678901234567890]]}',
  '{"context":{"q":"x"},"examples":[{"a":[1,2],"b":"c","d":{"b64":"QQ=="}},{"a":1.5}]}',
];

/** Runs every reader over a body; whatever they throw must be a ServingError. */
function readAll(body: Uint8Array): number {
  let accepted = 0;
  const attempt = (run: () => void) => {
    try {
      run();
      accepted++;
    } catch (error) {
      if (!(error instanceof ServingError) || error.message.length > 3000) throw error;
    }
  };
  attempt(() => {
    const document = scanDocument(body);
    attempt(() => signatureName(document));
    attempt(() => readExamples(document, "classify"));
    for (const inputs of SIGNATURES) {
      attempt(() => {
        for (const { shape, data, dtype } of readPredictInputs(document, inputs).tensors.values()) {
          expect(data.length).toBe(elementCount(shape) * (dtype === "complex64" ? 2 : 1));
        }
      });
    }
  });
  return accepted;
}

test("every prefix of a body is refused or read", () => {
  for (const seed of SEEDS) {
    const bytes = Buffer.from(seed);
    for (let length = 0; length < bytes.length; length++) expect(readAll(bytes.subarray(0, length))).toBe(0);
    expect(readAll(bytes)).toBeGreaterThan(1);
  }
});

test("250,000 nested lists as a tensor are refused by their level", () => {
  const body = Buffer.from(`{"inputs":${"[".repeat(250_000)}1${"]".repeat(250_000)}}`);
  expect(() => readPredictInputs(scanDocument(body), SIGNATURES[0])).toThrow(
    "Encountered list at unexpected level: 254 expected < 254",
  );
});

test("64 MiB of digits are too big, or a fraction", () => {
  const digits = Buffer.alloc(64 << 20, "7");
  const whole = Buffer.concat([Buffer.from('{"instances":['), digits, Buffer.from("]}")]);
  expect(() => scanDocument(whole)).toThrow("Number too big to be stored in double. at offset: 14");
  const fraction = Buffer.concat([Buffer.from('{"instances":[0.'), digits, Buffer.from("]}")]);
  const { tensors } = readPredictInputs(scanDocument(fraction), SIGNATURES[0]);
  expect(tensors.get("x")?.data).toEqual(Float32Array.of(7 / 9));
});

test("ten million numbers are read", () => {
  const body = Buffer.alloc(14 + 20_000_000 + 1, "1,");
  body.write('{"instances":[');
  body.write("]}", 14 + 20_000_000 - 1);
  const { tensors } = readPredictInputs(scanDocument(body), SIGNATURES[0]);
  const { shape, data } = tensors.get("x")!;
  expect(shape).toEqual([10_000_000]);
  expect((data as Float32Array).every((value) => value === 1)).toBe(true);
});
