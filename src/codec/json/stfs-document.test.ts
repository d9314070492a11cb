import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanStfsDocument, versionOf } from "./stfs-document.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const head = (text: string) => scanStfsDocument(bytes(text)).head;
const message = (text: string): string => {
  try {
    head(text);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`was accepted: ${text}`);
};

describe("what stands beside the data", () => {
  test.each([
    ["{}", { model: "", signatureName: "", base64: false }],
    ['{"model_name": "m", "signature_name": "s"}', { model: "m", signatureName: "s", base64: false }],
    ['{"model_name": null, "model_version": null, "signature_name": null}', { model: "", signatureName: "", base64: false }],
    ['{"model_version": 7}', { model: "", version: 7n, signatureName: "", base64: false }],
    ['{"model_version": "7"}', { model: "", version: 7n, signatureName: "", base64: false }],
    ['{"model_version": "stable"}', { model: "", label: "stable", signatureName: "", base64: false }],
    ['{"model_version": ""}', { model: "", signatureName: "", base64: false }],
    ['{"base64_decode": true}', { model: "", signatureName: "", base64: true }],
    ['{"base64_decode": "true"}', { model: "", signatureName: "", base64: true }],
    ['{"base64_decode": "False"}', { model: "", signatureName: "", base64: false }],
    ['{"model_name": "a", "model_name": "b"}', { model: "a", signatureName: "", base64: false }],
    ['{"model\\u005fname": "m"}', { model: "m", signatureName: "", base64: false }],
    [
      '{"preprocess": false, "run_profile": "true", "more": {"model_name": "x"}}',
      { model: "", signatureName: "", base64: false },
    ],
  ])("%s", (text, expected) => {
    expect(head(text)).toEqual(expected);
  });

  test("a version with all its digits", () => {
    expect(head('{"model_version": 9223372036854775807}').version).toBe(9223372036854775807n);
    expect(versionOf("00012")).toEqual({ version: 12n });
  });

  test.each([
    ['{"model_name": 1}', "model_name must be a text, got 1, please check the request JSON"],
    ['{"model_version": 1.5}', "model_version must be a version's number or a label, got 1.5, please check the request JSON"],
    ['{"model_version": -1}', "model_version must be a version's number or a label, got -1, please check the request JSON"],
    ['{"base64_decode": 1}', "base64_decode must be true or false, got 1, please check the request JSON"],
    ["[1]", "Invalid json data: [1], expected an object"],
    ["", "Invalid json data: , expected an object"],
    [
      '{"data": [1}',
      'Invalid json data: {"data": [1}, JSON Parse error: Missing a comma or ] after an array element. at offset: 11',
    ],
  ])("refuses %s", (text, expected) => {
    expect(message(text)).toBe(expected);
  });

  test("refuses a version that no folder can have", () => {
    expect(message('{"model_version": 9223372036854775808}')).toContain("at most 9223372036854775807");
    expect(message(`{"model_version": "${"9".repeat(100_000)}"}`).length).toBeLessThan(200);
  });

  test("a long body is repeated only in part", () => {
    expect(message(`{"data": "${"x".repeat(10_000)}`).length).toBeLessThan(400);
  });
});

describe("the data", () => {
  test("lies where it says, whatever is around it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, other) => {
        const text = bytes(JSON.stringify({ first: other, data, last: other }));
        const { inputs } = scanStfsDocument(text).document.members;
        expect(JSON.parse(new TextDecoder().decode(text.subarray(inputs!.start, inputs!.end)))).toEqual(
          JSON.parse(JSON.stringify(data)),
        );
      }),
    );
  });

  test("may be nested as deep as the body is long", () => {
    const deep = `{"data": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    expect(scanStfsDocument(bytes(deep)).document.members.inputs).toEqual({ start: 9, end: 400_009 });
  });
});
