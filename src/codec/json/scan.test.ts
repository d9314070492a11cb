import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanDocument, signatureName } from "./document.ts";
import { scanValue } from "./scan.ts";

const scan = (text: string | Uint8Array) => scanDocument(Buffer.from(text as string));

describe("syntax", () => {
  test.each([
    ["", "JSON Parse error: The document is empty"],
    [" \n\t", "JSON Parse error: The document is empty"],
    ["instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"],
    ["[1, 2]", "JSON Value: [1, 2] Is not object"],
    ["NaN", "JSON Value: NaN Is not object"],
    ["{", "JSON Parse error: Missing a name for object member. at offset: 1"],
    ["{1:2}", "JSON Parse error: Missing a name for object member. at offset: 1"],
    ['{"a":1,}', "JSON Parse error: Missing a name for object member. at offset: 7"],
    ['{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"],
    ['{"a":1 "b":2}', "JSON Parse error: Missing a comma or } after an object member. at offset: 7"],
    ['{"a":1', "JSON Parse error: Missing a comma or } after an object member. at offset: 6"],
    ['{"a":{"b":1]}', "JSON Parse error: Missing a comma or } after an object member. at offset: 11"],
    ['{"instances":[1 2]}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 16"],
    ['{"instances":[1', "JSON Parse error: Missing a comma or ] after an array element. at offset: 15"],
    ['{"instances":[1,]}', "JSON Parse error: Invalid value. at offset: 16"],
    ['{"instances":[01]}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 15"],
    ['{"instances":[.5]}', "JSON Parse error: Invalid value. at offset: 14"],
    ['{"instances":[1.]}', "JSON Parse error: Miss fraction part in number. at offset: 16"],
    ['{"instances":[1e+]}', "JSON Parse error: Miss exponent in number. at offset: 17"],
    ['{"instances":[1e400]}', "JSON Parse error: Number too big to be stored in double. at offset: 14"],
    ['{"a":nul}', "JSON Parse error: Invalid value. at offset: 8"],
    ['{"a":Infinite}', "JSON Parse error: Invalid value. at offset: 12"],
    ['{"a":-}', "JSON Parse error: Invalid value. at offset: 6"],
    ['{"a":"\\x"}', "JSON Parse error: Invalid escape character in string. at offset: 6"],
    ['{"a":"\n"}', "JSON Parse error: Invalid escape character in string. at offset: 6"],
    ['{"a":"\\u12g4"}', "JSON Parse error: Incorrect hex digit after \\u escape in string. at offset: 6"],
    ['{"a":"\\ud800"}', "JSON Parse error: The surrogate pair in string is invalid. at offset: 6"],
    ['{"a":"\\ud800\\u0041"}', "JSON Parse error: The surrogate pair in string is invalid. at offset: 6"],
    ['{"a":"\\udc00"}', "JSON Parse error: The surrogate pair in string is invalid. at offset: 6"],
    ['{"a":"x', "JSON Parse error: Missing a closing quotation mark in string. at offset: 7"],
    ['{"a":"x\\', "JSON Parse error: Invalid escape character in string. at offset: 7"],
    ['{"a":}', "JSON Parse error: Invalid value. at offset: 5"],
  ])("%j is refused", (text, message) => {
    expect(() => scan(text)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });

  test("accepts a byte order mark, space, the number tokens and text after the document", () => {
    const document = scan('\ufeff \r\n{ "a" : [NaN, Inf, -Inf, Infinity, -Infinity, -NaN] , "inputs": 1 } } trailing "');
    expect(document.members.inputs).toEqual({ start: 70, end: 71 });
  });

  test("the first of a name given twice counts, escaped or not", () => {
    expect(signatureName(scan('{"signature_\\u006eame":"a","signature_name":"b"}'))).toBe("a");
    expect(signatureName(scan('{"signature_name":"\\ud83d\\ude00\\n"}'))).toBe("\u{1f600}\n");
    expect(signatureName(scan('{"x":1}'))).toBe("");
  });

  test("a signature name that is no string is refused with at most 256 bytes of the body", () => {
    const text = `{"signature_name":5,"x":"${"é".repeat(1000)}"}`;
    const printed = `${text.slice(0, 25)}${"é".repeat(115)}...`;
    expect(() => signatureName(scan(text))).toThrow(
      `JSON Value: ${printed} not formatted correctly. 'signature_name' key must be a string value.`,
    );
  });

  test("half a million nested lists are no trouble, well formed or not", () => {
    const deep = "[".repeat(500_000);
    const document = scan(`{"instances":[1],"nested":${deep}${"]".repeat(500_000)}}`);
    expect(document.members.instances).toBeDefined();
    expect(() => scan(`{"instances":[1],"nested":${deep}`)).toThrow("Invalid value. at offset: 500026");
    expect(() => signatureName(scan(`{"signature_name":${deep}${"]".repeat(500_000)}}`))).toThrow("key must be a string value");
    expect(scan(`${'{"a":'.repeat(300_000)}1${"}".repeat(300_000)}`).root.end).toBe(1_800_001);
  });

  test("accepts and refuses what JSON.parse does", () => {
    const alphabet = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"',
      "\\",
      "1",
      "-",
      ".",
      "e",
      "0",
      "true",
      "null",
      " ",
      "\\u00e9",
      "\n",
    ];
    const texts = fc.oneof(
      fc.array(fc.constantFrom(...alphabet), { maxLength: 12 }).map((parts) => parts.join("")),
      fc.tuple(fc.json(), fc.nat({ max: 200 }), fc.constantFrom(...alphabet)).map(([text, at, part]) => {
        return text.slice(0, at) + part + text.slice(at);
      }),
      fc.json(),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(`[${text}]`);
        let right = true;
        try {
          JSON.parse(bytes.toString(), (_, value) => {
            if (value === Infinity || value === -Infinity) right = false;
            return value;
          });
        } catch {
          right = false;
        }
        let accepted = true;
        try {
          accepted = scanValue(bytes, 0, bytes.length) === bytes.length;
        } catch {
          accepted = false;
        }
        expect(accepted).toBe(right);
      }),
      { numRuns: 4000 },
    );
  });
});
