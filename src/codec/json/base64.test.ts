import fc from "fast-check";
import { expect, test } from "vitest";
import { base64Text, decodeBase64Into, encodeBase64Into } from "./base64.ts";

function decode(text: string): string {
  const bytes = Buffer.from(text);
  const target = new Uint8Array(bytes.length);
  return Buffer.from(target.subarray(0, decodeBase64Into(bytes, 0, bytes.length, target, 0))).toString("latin1");
}

test("any bytes are written as Buffer writes them and read back, padded or not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const expected = Buffer.from(bytes).toString("base64");
      const target = new Uint8Array(expected.length + 2);
      expect(encodeBase64Into(bytes, target, 1)).toBe(expected.length + 1);
      expect(Buffer.from(target.subarray(1, -1)).toString()).toBe(expected);
      expect(decode(expected)).toBe(Buffer.from(bytes).toString("latin1"));
      expect(decode(expected.replaceAll("=", ""))).toBe(Buffer.from(bytes).toString("latin1"));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["aGVs\\nbG8=", "hello"],
  ["aGVs bG8=", "hello"],
  ["\\u0061GVsbG8", "hello"],
  ["\\/\\/8=", "\xff\xff"],
  ["", ""],
])("%s is read", (text, expected) => {
  expect(decode(text)).toBe(expected);
});

test.each(["a", "aGVsbG8==", "aGVsb=G8", "aGVs-G8=", "aGVs_G8=", "====", "aGVsbG8=="])("%s is not base64", (text) => {
  expect(() => decode(text)).toThrow("Unable to base64 decode");
});

test.each([
  ['{"b64":"QQ=="}', true],
  ['{ "\\u0062\\u00364" : "QQ==" }', true],
  ['{"b64":5}', false],
  ['{"b64":"QQ==","x":1}', false],
  ['{"x":1,"b64":"QQ=="}', false],
  ['{"B64":"QQ=="}', false],
  ["{}", false],
])("%s is a base64 object: %s", (text, expected) => {
  expect(base64Text(Buffer.from(text), 0) !== undefined).toBe(expected);
});
