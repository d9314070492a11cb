import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeFloat32, writeFloat64, writeHalf } from "./float-text.ts";
import { JsonWriter } from "./json-writer.ts";

function text(write: (writer: JsonWriter, value: number) => void, value: number): string {
  const writer = new JsonWriter();
  write(writer, value);
  return Buffer.from(writer.take()).toString();
}

/** C's `%.Ng` by whole-number arithmetic on the exact value. */
function printed(value: number, precision: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size === 0) return `${sign}0`;
  // size = top / bottom, exactly.
  let top = 0n;
  let bottom = 1n;
  let whole = size;
  while (!Number.isInteger(whole)) {
    whole *= 2;
    bottom *= 2n;
  }
  top = BigInt(whole);
  let exponent = Number(size.toExponential(20).split("e")[1]);
  const round = (power: number): bigint => {
    const up = power >= 0 ? top * 10n ** BigInt(power) : top;
    const down = power >= 0 ? bottom : bottom * 10n ** BigInt(-power);
    const quotient = up / down;
    const twice = (up % down) * 2n;
    return twice > down || (twice === down && quotient % 2n === 1n) ? quotient + 1n : quotient;
  };
  let digits = String(round(precision - 1 - exponent));
  if (digits.length > precision) {
    exponent++;
    digits = digits.slice(0, precision);
  }
  const stripped = digits.replace(/0+$/, "");
  if (exponent < -4 || exponent >= precision) {
    const rest = stripped.length > 1 ? `.${stripped.slice(1)}` : "";
    const shown = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? "-" : "+"}${shown}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${stripped}`;
  const fraction = stripped.slice(exponent + 1);
  return sign + digits.slice(0, exponent + 1) + (fraction === "" ? "" : `.${fraction}`);
}

function plain(value: number, round: (value: number) => number, precision: number): string {
  const six = printed(value, 6);
  const shown = round(Number(six)) === value ? six : printed(value, precision);
  return /[.e]/.test(shown) ? shown : `${shown}.0`;
}

const twin32 = (value: number) => plain(value, Math.fround, 9);
const twin64 = (value: number) => plain(value, Number, 17);

describe("number text", () => {
  test.each([
    [9000000, "9e+06"],
    [999999, "999999.0"],
    [0.00003, "3e-05"],
    [555557.5, "555557.5"],
    [1435774336, "1.43577434e+09"],
    [1 / 3, "0.333333343"],
    [-0, "-0.0"],
    [0, "0.0"],
    [0.2, "0.2"],
    [2 ** -14, "6.10351562e-05"],
    [2097151.125, "2097151.12"],
    [0.99999994, "0.99999994"],
    [Number.NaN, "NaN"],
    [Infinity, "Infinity"],
    [-Infinity, "-Infinity"],
  ])("float %d", (value, expected) => {
    expect(text(writeFloat32, Math.fround(value))).toBe(expected);
  });

  test.each([
    [0.1, "0.1"],
    [1 / 3, "0.33333333333333331"],
    [2 ** 50 + 0.25, "1125899906842624.2"],
    [2 ** 50 + 0.75, "1125899906842624.8"],
    [5e-324, "4.94066e-324"],
    [Number.MAX_VALUE, "1.7976931348623157e+308"],
    [1e22, "1e+22"],
    [123456789, "123456789.0"],
  ])("double %d", (value, expected) => {
    expect(text(writeFloat64, value)).toBe(expected);
  });

  test("halves have six digits at most", () => {
    expect(text(writeHalf, 0.0999755859375)).toBe("0.0999756");
    expect(text(writeHalf, 65504)).toBe("65504.0");
    expect(text(writeHalf, 2 ** -24)).toBe("5.96046e-08");
  });

  const bits32 = fc.integer({ min: 0, max: 0x7f7fffff }).map((bits) => new Float32Array(Int32Array.of(bits).buffer)[0]);
  const common32 = fc.double({ min: -1e7, max: 1e7, noNaN: true }).map(Math.fround);
  const short = fc
    .tuple(fc.integer({ min: -9999999, max: 9999999 }), fc.integer({ min: -12, max: 8 }))
    .map(([a, b]) => Number(`${a}e${b}`));
  const dyadic = fc.tuple(fc.integer({ min: 1, max: 2 ** 24 }), fc.integer({ min: -30, max: 10 })).map(([a, b]) => a * 2 ** b);

  test("any float32 is written as %g and %.9g write it", () => {
    fc.assert(
      fc.property(fc.oneof(bits32, common32, short.map(Math.fround), dyadic), (value) => {
        expect(text(writeFloat32, value)).toBe(twin32(value));
      }),
      { numRuns: 6000 },
    );
  });

  test("any double is written as %g and %.17g write it", () => {
    const wide = fc.double({ noNaN: true, noDefaultInfinity: true });
    const ties = fc.tuple(fc.maxSafeInteger(), fc.integer({ min: -26, max: 0 })).map(([a, b]) => a * 2 ** b);
    fc.assert(
      fc.property(fc.oneof(wide, common32, short, dyadic, ties), (value) => {
        expect(text(writeFloat64, value)).toBe(twin64(value));
      }),
      { numRuns: 4000 },
    );
  });
});
