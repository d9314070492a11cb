import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { numberFault, numberValue, scanNumber } from "./number.ts";
import type { BlockType } from "./number-block.ts";
import { readNumberBlockPlainly } from "./plain-number-block.ts";

function scanned(text: string): number {
  const bytes = Buffer.from(text);
  expect(scanNumber(bytes, 0, bytes.length)).toBe(bytes.length);
  return numberValue(bytes, 0, bytes.length);
}

/** Makes a text one of those that are read four characters at a time. */
const LONG = " ".repeat(100);

/** The same number through the fast reader: both of its ways, which agree. */
function blocked(text: string): number {
  const [short, long] = [`[${text}]  }`, `[${text}${LONG}]  }`].map((body) => {
    const bytes = Buffer.from(body);
    return readNumberBlockPlainly(bytes, 0, bytes.length - 1, "float64")!.values[0] as number;
  });
  expect(short).toBe(long);
  return long!;
}

const digits = (most: number) => fc.string({ unit: fc.constantFrom(..."0123456789".split("")), minLength: 1, maxLength: most });

const decimal = fc
  .tuple(
    fc.constantFrom("", "-"),
    digits(25).map((text) => text.replace(/^0+(?=.)/, "")),
    fc.option(digits(30), { nil: undefined }),
    fc.option(fc.tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), fc.nat({ max: 330 })), { nil: undefined }),
  )
  .map(([sign, whole, fraction, exponent]) => {
    return sign + whole + (fraction === undefined ? "" : `.${fraction}`) + (exponent?.join("") ?? "");
  })
  .filter((text) => Number.isFinite(Number(text)));

describe("numbers", () => {
  test("any decimal text is rounded as Number rounds it", () => {
    fc.assert(
      fc.property(decimal, (text) => {
        expect(scanned(text)).toBe(Number(text));
        expect(blocked(text)).toBe(Number(text));
      }),
      { numRuns: 3000 },
    );
  });

  test("what prints a double reads back as it", () => {
    const printed = fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 15, max: 21 }));
    fc.assert(
      fc.property(printed, ([value, precision]) => {
        for (const text of [String(value), value.toPrecision(precision)]) {
          if (!Number.isFinite(Number(text))) continue;
          expect(scanned(text)).toBe(Number(text));
          expect(blocked(text)).toBe(Number(text));
        }
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["9007199254740993", 9007199254740992],
    ["9007199254740993.0000000001", 9007199254740994],
    ["0.1000000000000000055511151231257827", 0.1],
    ["-0", -0],
    ["-0.0", -0],
    ["4.9e-324", 5e-324],
    ["2.4703282292062327e-324", 0],
    ["1.7976931348623157e+308", Number.MAX_VALUE],
    ["0e99999999999", 0],
    ["1e-99999999999", 0],
  ])("%s", (text, value) => {
    expect(scanned(text)).toBe(value);
    expect(blocked(text)).toBe(value);
  });

  test("what is too big is told as Number tells it, wherever the digits stand", () => {
    const zeros = fc.nat({ max: 330 }).map((count) => "0".repeat(count));
    const text = fc.oneof(
      fc.tuple(digits(3), zeros, fc.integer({ min: -20, max: 330 })).map(([head, tail, exponent]) => {
        return `${(head + tail).replace(/^0+(?=.)/, "")}e${exponent}`;
      }),
      fc
        .tuple(zeros, digits(3), fc.integer({ min: 200, max: 700 }))
        .map(([head, tail, exponent]) => `0.${head}${tail}e+${exponent}`),
      fc.tuple(digits(20), fc.integer({ min: 300, max: 310 })).map(([tail, exponent]) => `1.7976931348623${tail}e${exponent}`),
    );
    fc.assert(
      fc.property(text, (number) => {
        const bytes = Buffer.from(number);
        expect(scanNumber(bytes, 0, bytes.length) >= 0).toBe(Number.isFinite(Number(number)));
      }),
      { numRuns: 3000 },
    );
    for (const zero of ["0e400", "-0e999999999999", "0.000e400", "0.0"])
      expect(scanned(zero)).toBe(zero.startsWith("-") ? -0 : 0);
  });

  test.each(["1e400", "-1e309", "1.7976931348623159e308", "9".repeat(400)])("%s is too big", (text) => {
    const bytes = Buffer.from(` ${text}`);
    expect(scanNumber(bytes, 1, bytes.length)).toBe(-1);
    expect(numberFault).toEqual({ text: "Number too big to be stored in double.", offset: 1 });
  });

  test("a number of a million digits is rounded without a long text", () => {
    const fraction = `0.${"0".repeat(500_000)}${"7".repeat(500_000)}e500000`;
    expect(scanned(fraction)).toBe(0.7777777777777778);
    expect(scanned(`0.5${"0".repeat(1_000_000)}1`)).toBe(0.5);
    expect(scanned(`1.00000000000000011102230246251565404236316680908203125${"0".repeat(2000)}1`)).toBe(1 + 2 ** -52);
    expect(scanned(`1.00000000000000011102230246251565404236316680908203125${"0".repeat(2000)}`)).toBe(1);
  });
});

describe("number blocks", () => {
  function read(text: string, dtype: BlockType = "float64") {
    const bytes = Buffer.from(`${text}}`);
    return readNumberBlockPlainly(bytes, 0, bytes.length - 1, dtype);
  }

  test("an array gives its shape and row-major values", () => {
    expect(read(" [ [1, 2.5 ,-3],[4,5e1,NaN ]]".trim())).toMatchObject({
      shape: [2, 3],
      values: Float64Array.of(1, 2.5, -3, 4, 50, Number.NaN),
    });
    expect(read("[[[1]],[[2]]]")).toMatchObject({ shape: [2, 1, 1], dtype: "float64", end: 13 });
  });

  test("a block of integers holds integers in range, exactly", () => {
    expect(read("[1,-2]", "int8")).toMatchObject({ values: Int8Array.of(1, -2) });
    expect(read("[4294967296,-4294967297]", "int64")).toMatchObject({ values: BigInt64Array.of(4294967296n, -4294967297n) });
    for (const text of ["[128]", "[1.0]", "[1e1]", "[NaN]"]) expect(read(text, "int8")).toBeUndefined();
    expect(read("[-1]", "uint64")).toBeUndefined();
    expect(read("[9007199254740993]", "int64")).toBeUndefined();
  });

  test("a float32 is rounded once", () => {
    // The nearest double of both is midway between two float32s.
    expect(read("[1.00000005960464477539062500001,1.000000059604644775390625]", "float32")).toMatchObject({
      values: Float32Array.of(1 + 2 ** -23, 1),
    });
  });

  test.each([
    "[]",
    "[[1],[]]",
    "[[1],[2,3]]",
    "[1,[2]]",
    "[[1],2]",
    "[1,]",
    "[1 2]",
    "[01]",
    "[1.]",
    '["a"]',
    "[1",
    "[-]",
    "[1e]",
    "[+1]",
  ])("%s is left to the general reader", (text) => {
    expect(read(text)).toBeUndefined();
  });
});
