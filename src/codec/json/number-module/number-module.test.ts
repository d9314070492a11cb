// NUMBER_SAMPLES=1000000 reads a million numbers; FLOAT32_STEP=1 prints every float32 there is, which takes hours.
import { describe, expect, test } from "vitest";
import { writeFloatRows } from "../float-rows.ts";
import { JsonWriter } from "../json-writer.ts";
import { readNumberBlockByModule } from "../module-number-block.ts";
import type { BlockType, NumberBlock } from "../number-block.ts";
import { readNumberBlockPlainly } from "../plain-number-block.ts";
import { exactDecimal, numberSample, randomNumbers } from "./fake-number-texts.ts";
import { numberModule, withoutNumberModule } from "./number-module.ts";

const SAMPLES = Number(process.env.NUMBER_SAMPLES ?? 40_000);
const FLOAT32_STEP = Number(process.env.FLOAT32_STEP ?? 32_749);

const module = numberModule()!;

function byModule(text: string, dtype: BlockType): NumberBlock | undefined {
  const bytes = Buffer.from(`${text}}`);
  return readNumberBlockByModule(module, bytes, 0, bytes.length - 1, dtype);
}

function plainly(text: string, dtype: BlockType): NumberBlock | undefined {
  const bytes = Buffer.from(`${text}}`);
  return readNumberBlockPlainly(bytes, 0, bytes.length - 1, dtype);
}

function numberOf(text: string): number {
  return Number(text.replace(/^(-?)Inf$/, "$1Infinity").replace("-NaN", "NaN"));
}

/** The float32 nearest to a text by whole-number arithmetic on both, ties to even. */
function nearestByIntegers(text: string): number {
  const value = numberOf(text);
  const near = Math.fround(value);
  if (Number.isNaN(value) || Math.abs(value) === Infinity || near === value) return near;
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = near;
  let best = near;
  for (const step of [-1, 1]) {
    bits[0] = new Int32Array(Float32Array.of(near).buffer)[0] + step;
    if (Number.isNaN(float[0])) continue;
    const order = compareDistance(text, float[0], best);
    if (order < 0 || (order === 0 && bits[0] % 2 === 0)) best = float[0];
  }
  return best;
}

/** The order of the distances of two float32s from a text; infinity counts as 2^128. */
function compareDistance(text: string, a: number, b: number): number {
  const match = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const fraction = match[2] ?? "";
  const power = Number(match[3] ?? 0) - fraction.length;
  const scale = 2n ** 150n * 10n ** BigInt(Math.max(-power, 0));
  const exact = BigInt(match[1] + fraction) * 10n ** BigInt(Math.max(power, 0)) * 2n ** 150n;
  const distance = (float: number) => {
    const size = Math.min(Math.abs(float), 2 ** 128);
    const scaled = BigInt(size * 2 ** 150) * (scale / 2n ** 150n);
    return scaled > exact ? scaled - exact : exact - scaled;
  };
  const [first, second] = [distance(a), distance(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}

describe("the module reads", () => {
  test("numbers of every kind as Number and the plain reader do", () => {
    const random = randomNumbers(20);
    const inRow = 500;
    for (let done = 0; done < SAMPLES; done += inRow) {
      const texts = Array.from({ length: inRow }, () => numberSample(random));
      const text = `[${texts.join(random() < 0.5 ? "," : ", ")}]`;
      const doubles = byModule(text, "float64")?.values;
      const floats = byModule(text, "float32")?.values;
      const plain = plainly(text, "float32")?.values;
      const plainDoubles = plainly(text, "float64")?.values;
      for (let i = 0; i < inRow; i++) {
        const value = numberOf(texts[i]);
        const same = Object.is(doubles?.[i], value) && Object.is(plainDoubles?.[i], value) && Object.is(floats?.[i], plain?.[i]);
        // Rounding twice may only go wrong by one step.
        const near = Math.abs(Number(floats?.[i]) - Math.fround(value)) <= Math.abs(value) * 2 ** -23 + 2 ** -149;
        if (!same || !(near || Object.is(floats?.[i], Math.fround(value)) || Math.abs(value) > 3e38)) {
          expect.fail(`${texts[i]}: ${doubles?.[i]}, ${plainDoubles?.[i]}, ${floats?.[i]}, ${plain?.[i]}`);
        }
      }
    }
  }, 3_600_000);

  test("what lies midway between two float32s, or almost, as whole numbers say", () => {
    const random = randomNumbers(21);
    for (let i = 0; i < 800; i++) {
      const top = BigInt(2 ** 24 + Math.floor(random() * 2 ** 23) * 2 + 1);
      const exact = exactDecimal(top, Math.floor(random() * 253) - 150, true);
      const pointed = exact.includes(".") ? exact : `${exact}.0`;
      const below = `${pointed.replace(/[1-9](?=\.?0*$)/, (digit) => String(Number(digit) - 1))}9`;
      for (const text of [exact, `${pointed}00000000000000000000001`, below]) {
        expect([text, byModule(`[${text}]`, "float32")?.values[0]]).toEqual([text, nearestByIntegers(text)]);
      }
    }
    for (const text of ["340282356779733661637539395458142568448", "340282356779733661637539395458142568447.99"]) {
      expect(byModule(`[${text}]`, "float32")?.values[0]).toBe(nearestByIntegers(text));
    }
  });

  const RANGES: [BlockType, bigint, bigint][] = [
    ["int8", -(2n ** 7n), 2n ** 7n - 1n],
    ["int16", -(2n ** 15n), 2n ** 15n - 1n],
    ["int32", -(2n ** 31n), 2n ** 31n - 1n],
    ["int64", -(2n ** 63n), 2n ** 63n - 1n],
    ["uint8", 0n, 2n ** 8n - 1n],
    ["uint16", 0n, 2n ** 16n - 1n],
    ["uint32", 0n, 2n ** 32n - 1n],
    ["uint64", 0n, 2n ** 64n - 1n],
  ];

  test.each(RANGES)("%s exactly, and nothing out of its range", (dtype, least, greatest) => {
    const random = randomNumbers(22);
    const inside = Array.from({ length: 4000 }, () => {
      const value = BigInt.asIntN(64, (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32)));
      const size = value >> BigInt(Math.floor(random() * 64));
      return size < least || size > greatest ? (random() < 0.5 ? least : greatest) : size;
    });
    const block = byModule(`[${inside.join(",")}]`, dtype);
    expect(block?.dtype).toBe(dtype);
    expect(Array.from(block!.values, BigInt)).toEqual(inside);
    for (const value of [least - 1n, greatest + 1n, greatest * 10n, 2n ** 64n, -(2n ** 64n), 10n ** 19n * 3n, 10n ** 25n]) {
      expect([value, byModule(`[1,${value}]`, dtype)]).toEqual([value, undefined]);
    }
    for (const text of ["1.0", "1e1", "1E1", "NaN", "-", "01", "-01", "Infinity", "1.", '"1"', "true"]) {
      expect([text, byModule(`[1,${text}]`, dtype)]).toEqual([text, undefined]);
    }
    expect(byModule("[-0]", dtype)?.values[0].toString()).toBe("0");
  });

  test("lists with mistakes as the plain reader does, wherever the windows end", () => {
    const random = randomNumbers(23);
    const characters = Buffer.from('0123456789.,-+eE[]{} \n\tNaInfinity"\0');
    const types: BlockType[] = ["float32", "float64", "int32", "uint8"];
    const space = () => (random() < 0.9 ? "" : " \n\t\r".charAt(Math.floor(random() * 4)).repeat(Math.floor(random() * 90)));
    const fewCharacters = () => numberSample(random).slice(0, 40).replace(/\D$/, "1");
    const samples = Array.from({ length: 2000 }, fewCharacters);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const integers = random() < 0.5;
      const element = () => (integers ? String(Math.floor(random() * 200)) : samples[Math.floor(random() * samples.length)]);
      const list = (sizes: number[]): string => {
        if (sizes.length === 0) return element();
        const [size, ...inner] = sizes;
        return `[${space()}${Array.from({ length: size }, () => list(inner) + space()).join(`,${space()}`)}]`;
      };
      const sizes = [[700], [9, 60], [4, 5, 30], [3], [1, 1, 1], [120, 2, 3]][Math.floor(random() * 6)];
      const bytes = Buffer.from(`${list(sizes)}}`);
      const limit = bytes.length - 1;
      for (let mistakes = Math.floor(random() * 3); mistakes > 0; mistakes--) {
        bytes[Math.floor(random() * limit)] = characters[Math.floor(random() * characters.length)];
      }
      const dtype = types[Math.floor(random() * types.length)];
      const expected = bytes[0] === 0x5b ? readNumberBlockPlainly(bytes, 0, limit, dtype) : undefined;
      const actual = bytes[0] === 0x5b ? readNumberBlockByModule(module, bytes, 0, limit, dtype) : undefined;
      if (expected === undefined) refused++;
      expect(actual?.shape).toEqual(expected?.shape);
      expect(actual?.end).toBe(expected?.end);
      if (Buffer.compare(bytesOf(actual), bytesOf(expected)) !== 0) expect(actual?.values).toEqual(expected?.values);
    }
    expect(refused).toBeGreaterThan(200);
    expect(refused).toBeLessThan(1800);
  });

  test("an array larger than its memory", () => {
    const count = 700_000;
    const sparse = `[${"0,".repeat(count)}${"0.12345678901234566,".repeat(1000)}7]`;
    const block = byModule(sparse, "float32");
    expect(block?.values.length).toBe(count + 1001);
    expect(block?.values[count]).toBe(Math.fround(0.12345678901234566));
    expect(block?.values[count + 1000]).toBe(7);
    const dense = `[${"0.12345678901234566,".repeat(1000)}${"1,".repeat(count)}-7]`;
    const values = byModule(dense, "float64")!.values as Float64Array;
    expect([values.length, values[1000], values[values.length - 1]]).toEqual([count + 1001, 1, -7]);
    expect(values.subarray(1000, -1).every((value) => value === 1)).toBe(true);
  });

  test("a number or blanks longer than a window", () => {
    const long = `[1,${" ".repeat(300_000)}0.5${"0".repeat(300_000)}1,3]`;
    expect(byModule(long, "float32")).toMatchObject({ shape: [3], values: Float32Array.of(1, 0.5, 3) });
    expect(byModule(`[[1${"\n".repeat(70_000)}]${" ".repeat(70_000)},[2]]`, "int8")).toMatchObject({ shape: [2, 1] });
  });
});

/** The memory of a block's values; nothing for no block. */
function bytesOf(block: NumberBlock | undefined): Uint8Array {
  if (block === undefined) return new Uint8Array(0);
  return new Uint8Array(block.values.buffer, block.values.byteOffset, block.values.byteLength);
}

describe("the module prints", () => {
  function text(values: Float32Array | Float64Array, rowLength = values.length): Buffer {
    const writer = new JsonWriter();
    writeFloatRows(writer, values, 0, values.length, rowLength, ",", ";\n");
    return Buffer.from(writer.take());
  }

  function compare(values: Float32Array | Float64Array): void {
    const actual = text(values);
    const expected = withoutNumberModule(() => text(values));
    if (actual.equals(expected)) return;
    const texts = actual.toString().split(",");
    const plain = expected.toString().split(",");
    for (let i = 0; i < values.length; i++) expect([values[i], texts[i]]).toEqual([values[i], plain[i]]);
  }

  test("float32s as the plain writer does", () => {
    const bits = new Uint32Array(10_000);
    let next = 0;
    while (next < 2 ** 32) {
      for (let i = 0; i < bits.length; i++) {
        bits[i] = next;
        next += FLOAT32_STEP;
      }
      compare(new Float32Array(bits.buffer));
    }
  }, 100_000_000);

  test.each(["float32", "float64"])("%ss that people write, and ties, as the plain writer does", (dtype) => {
    const random = randomNumbers(24);
    const kinds = [
      () => random(),
      () => Math.exp(-100 * random()),
      () => Number(random().toFixed(Math.floor(random() * 8))),
      () => Number(`${Math.floor(random() * 1e7)}e${Math.floor(random() * 60) - 30}`),
      () => Math.floor(random() * 2 ** 24) * 2 ** (Math.floor(random() * 60) - 40),
      () => (Math.floor(random() * 2 ** 26) * 2 ** 27 + Math.floor(random() * 2 ** 27)) * 2 ** (Math.floor(random() * 80) - 60),
      () => Number(`1e${Math.floor(random() * 640) - 325}`),
      () => random() * 10 ** (Math.floor(random() * 630) - 320),
      () =>
        [0, Number.NaN, Infinity, Number.MAX_VALUE, Number.MIN_VALUE, 999999.5, 9999995e-1, 1e21, 1e22, 1e23][
          Math.floor(random() * 10)
        ],
    ];
    const sample = () => kinds[Math.floor(random() * kinds.length)]() * (random() < 0.5 ? -1 : 1);
    for (let round = 0; round < 6; round++) {
      const values = Float64Array.from({ length: 10_000 }, sample);
      compare(dtype === "float64" ? values : new Float32Array(values));
    }
  });

  test("rows with their separators, however many calls they take", () => {
    for (const [rows, rowLength] of [
      [1, 8],
      [3, 7],
      [40_000, 1],
      [5, 30_011],
      [30_011, 5],
    ]) {
      const values = Float32Array.from({ length: rows * rowLength }, (_, i) => i + 0.5);
      const expected = Array.from({ length: rows }, (_, row) =>
        Array.from({ length: rowLength }, (_, column) => `${row * rowLength + column}.5`).join(","),
      ).join(";\n");
      expect(text(values, rowLength).toString() === expected).toBe(true);
    }
  });
});
