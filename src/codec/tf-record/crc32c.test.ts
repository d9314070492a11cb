import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c, maskedCrc32c } from "./crc32c.ts";

const range = (length: number, value: (index: number) => number) => Uint8Array.from({ length }, (_, index) => value(index));

/** One bit a step. */
function plainCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("crc32c", () => {
  test.each([
    ["nothing", new Uint8Array(0), 0],
    ["the check value of the catalogue", new TextEncoder().encode("123456789"), 0xe3069283],
    ["RFC 3720: 32 zeros", new Uint8Array(32), 0x8a9136aa],
    ["RFC 3720: 32 ones", range(32, () => 0xff), 0x62a8ab43],
    ["RFC 3720: rising", range(32, (index) => index), 0x46dd794e],
    ["RFC 3720: falling", range(32, (index) => 31 - index), 0x113fdb5c],
  ])("is right for %s", (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test("is what one bit a step gives, for any range of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(10), fc.nat(10), (bytes, start, cut) => {
        const end = Math.max(start, bytes.length - cut);
        if (end > bytes.length) return;
        expect(crc32c(bytes, start, end)).toBe(plainCrc(bytes.subarray(start, end)));
      }),
    );
  });
});

test("a masked checksum is turned by 15 bits and moved by a constant", () => {
  const crc = crc32c(new TextEncoder().encode("123456789"));
  const turned = BigInt.asUintN(32, (BigInt(crc) >> 15n) | (BigInt(crc) << 17n));
  expect(maskedCrc32c(new TextEncoder().encode("x123456789y"), 1, 10)).toBe(Number(BigInt.asUintN(32, turned + 0xa282ead8n)));
});
