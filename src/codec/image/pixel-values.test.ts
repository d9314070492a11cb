import { describe, expect, test } from "vitest";
import type { NumericDType } from "../../tensor/dtype.ts";
import { fromBfloat16Bits, fromFloat16Bits } from "../json/half.ts";
import { readImageRules } from "./image-rules.ts";
import { valueTables } from "./pixel-values.ts";

function values(dtype: NumericDType, query: string, channel = 0) {
  return valueTables(dtype, "RGB", readImageRules(new URLSearchParams(query)))[channel];
}

test("floats are a value divided by 255, each the nearest float there is", () => {
  const table = values("float32", "");
  for (let i = 0; i < 256; i++) expect(table[i]).toBe(Math.fround(Math.fround(i) / 255));
});

describe("0, 100 and 255 become", () => {
  test.each<[NumericDType, string, readonly number[]]>([
    ["uint8", "", [0, 100, 255]],
    ["int32", "", [0, 100, 255]],
    ["int8", "", [-128, -28, 127]],
    ["int8", "scale=1/2", [0, 50, 127]],
    ["float64", "scale=1", [0, 100, 255]],
    ["float64", "preset=symmetric", [-1, 100 / 127.5 - 1, 1]],
    ["float64", "mean=0.5&std=0.5", [-1, (100 / 255 - 0.5) / 0.5, 1]],
    ["uint8", "scale=2", [0, 200, 255]],
    ["uint8", "mean=100", [0, 0, 155]],
    ["int16", "scale=1000", [0, 32767, 32767]],
    ["int32", "scale=1/200", [0, 0, 1]],
    ["int32", "scale=3/200", [0, 2, 4]],
  ])("%s %s: %j", (dtype, query, expected) => {
    const table = values(dtype, query);
    expect([table[0], table[100], table[255]]).toEqual(expected);
  });

  test("64-bit integers, and 16-bit floats by their bits", () => {
    expect([...values("int64", "mean=1")].slice(0, 3)).toEqual([-1n, 0n, 1n]);
    expect(values("uint64", "scale=1e300")[1]).toBe(BigInt(Number.MAX_SAFE_INTEGER));
    expect(fromFloat16Bits(Number(values("float16", "")[255]))).toBe(1);
    expect(fromBfloat16Bits(Number(values("bfloat16", "scale=1")[200]))).toBe(200);
  });
});

test("each channel has its own mean and deviation", () => {
  const [red, green, blue] = [0, 1, 2].map((channel) => Number(values("float64", "preset=imagenet", channel)[255]));
  expect([red, green, blue]).toEqual([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]);
});

test.each([
  ["mean=1,2", "image rule mean has 2 numbers, must have 1 or 3: one for each channel"],
  ["std=1,2,3,4", "image rule std has 4 numbers, must have 1 or 3"],
  ["mean=123.675,116.28,103.53", "add scale=1 to have them 0 to 255"],
])("%s is refused for a float of three channels", (query, message) => {
  const error = expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) });
  expect(() => values("float32", query)).toThrow(error);
});
