// Number texts of every kind that is hard to round, for tests.

/** Uniform numbers in [0, 1), the same for the same seed (xorshift). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const word = new DataView(new ArrayBuffer(8));

function doubleOf(bits: bigint): number {
  word.setBigUint64(0, bits);
  return word.getFloat64(0);
}

function float32Of(bits: number): number {
  word.setUint32(0, bits);
  return word.getFloat32(0);
}

/** `top * 2^exponent` in full, perhaps with an exponent of ten. */
export function exactDecimal(top: bigint, exponent: number, positional: boolean): string {
  if (exponent >= 0) return String(top << BigInt(exponent));
  const digits = String(top * 5n ** BigInt(-exponent));
  if (!positional) return `${digits}e${exponent}`;
  const padded = digits.padStart(1 - exponent, "0");
  return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** A text just above or below that of {@link exactDecimal}, or the same value with more zeros. */
function nudged(text: string, random: () => number): string {
  const mark = text.indexOf("e");
  const digits = mark < 0 ? text : text.slice(0, mark);
  const rest = mark < 0 ? "" : text.slice(mark);
  const point = digits.includes(".") ? "" : ".";
  const zeros = "0".repeat(Math.floor(random() ** 3 * 60));
  const last = digits[digits.length - 1];
  switch (Math.floor(random() * 4)) {
    case 0:
      return `${digits}${point}${zeros}1${rest}`;
    case 1:
      return `${digits}${point}${zeros}0${rest}`;
    case 2:
      return last >= "1" ? `${digits.slice(0, -1)}${Number(last) - 1}${point}9${zeros.replaceAll("0", "9")}${rest}` : text;
    default:
      return text;
  }
}

function midwayDouble(random: () => number): string {
  const exponent = Math.floor(random() * (random() < 0.2 ? 1000 : 120)) - (random() < 0.2 ? 1070 : 100);
  const top = 2n ** 53n + (BigInt(Math.floor(random() * 2 ** 32)) << 21n) + (random() < 0.5 ? 1n : 3n);
  return nudged(exactDecimal(top, Math.min(exponent, 900), random() < 0.5 && exponent > -80), random);
}

function midwayFloat32(random: () => number): string {
  const top = BigInt(2 ** 24 + Math.floor(random() * 2 ** 23) * 2 + 1);
  return nudged(exactDecimal(top, Math.floor(random() * 253) - 150, random() < 0.5), random);
}

function digits(random: () => number, count: number): string {
  let text = String(1 + Math.floor(random() * 9));
  while (text.length < count) text += Math.floor(random() * 10);
  return text;
}

function pointed(random: () => number, count: number): string {
  const text = digits(random, count);
  const at = Math.floor(random() * text.length);
  return at === 0 ? `0.${text}` : `${text.slice(0, at)}.${text.slice(at)}`;
}

const EDGES = [2n ** 24n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n, 10n ** 15n, 10n ** 16n, 10n ** 19n, 10n ** 20n];

const CORNERS = `
  0 0.0 0e5 0E-5 0.000000 0e99999 0.0e-99999 1e-99999 NaN Infinity Inf 3.4028235677973366e38 3.4028235677973367e38
  3.40282356779733661637539395458142568447e38 3.4028234663852886e38 340282356779733661637539395458142568448
  340282356779733661637539395458142568447.9 1e39 1.18e-38 1.1754943508222875e-38 1.1754942807573643e-38
  1.401298464324817e-45 7.006492321624085e-46 7.0064923216240854e-46 1.7976931348623157e308 1.7976931348623158e308
  179769313486231570000e288 2.2250738585072014e-308 2.2250738585072011e-308 4.9406564584124654e-324
  2.4703282292062327e-324 2.4703282292062328e-324 1e-400 9007199254740993 9007199254740992.99999999999
  9223372036854775807 18446744073709551615 16777217 16777219
  1.00000005960464477539062500000000000000000000000000000000000000000000000000000000000000000000000000001
`
  .trim()
  .split(/\s+/);

const KINDS: readonly ((random: () => number) => string)[] = [
  (random) => random().toFixed(6),
  (random) => (random() * 10 ** Math.floor(random() * 9)).toFixed(Math.floor(random() * 12)),
  (random) => String(random() * random()),
  (random) => String(float32Of(Math.floor(random() * 0x7f800000))),
  (random) => String(Number(float32Of(Math.floor(random() * 0x7f800000)).toPrecision(9))),
  (random) => String(float32Of(Math.floor(random() * 0x01000000))),
  (random) => String(doubleOf((BigInt(Math.floor(random() * 0x7ff00000)) << 32n) | BigInt(Math.floor(random() * 2 ** 32)))),
  (random) => String(doubleOf(BigInt(Math.floor(random() * 2 ** 52)))),
  (random) => doubleOf(BigInt(Math.floor(random() * 0x7fe) * 2 ** 20 + 12345) << 32n).toExponential(Math.floor(random() * 20)),
  (random) => String(Math.floor(random() * 10 ** Math.floor(random() * 10))),
  (random) => digits(random, 1 + Math.floor(random() * 22)),
  (random) => pointed(random, 12 + Math.floor(random() * 12)),
  (random) => pointed(random, 17 + Math.floor(random() ** 4 * 780)),
  (random) => `${pointed(random, 1 + Math.floor(random() * 25))}${random() < 0.5 ? "e" : "E"}${Math.floor(random() * 600) - 320}`,
  (random) => `${digits(random, 1 + Math.floor(random() * 20))}e+${Math.floor(random() * 30)}`,
  (random) => `0.${"0".repeat(Math.floor(random() * 40))}${digits(random, 1 + Math.floor(random() * 20))}`,
  (random) => String(EDGES[Math.floor(random() * EDGES.length)] + BigInt(Math.floor(random() * 41) - 20)),
  midwayDouble,
  midwayFloat32,
  (random) => CORNERS[Math.floor(random() * CORNERS.length)],
];

/** A number text that is no larger than a double can be; negative as often as not. */
export function numberSample(random: () => number): string {
  for (;;) {
    const text = KINDS[Math.floor(random() * KINDS.length)](random);
    if (Number.isFinite(Number(text)) || /^[NI]/.test(text)) return random() < 0.5 ? `-${text}` : text;
  }
}
