import { expect, test } from "vitest";
import { formOf } from "./model-form.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test.each([
  ["a dictionary with a version", "08 01 12 0a 0a 04 72 6f 6f 74", "v2"],
  ["a dictionary without one", "12 0a 0a 04 72 6f 6f 74", "v2"],
  ["an entry of many bytes", "08 01 12 80 80 80 01 0a 06 69 6e 70 75 74 73", "v2"],
  ["a file above 2 GiB", "6b 74 6e 63 00 00 00 80", "large"],
  ["what CNTK 1 wrote", "42 00 43 00 4e 00 00 00", "v1"],
  ["an ONNX model", "08 08 12 07 70 79 74 6f 72 63 68", undefined],
  ["a length of too many bytes", "12 80 80 80 80 80 01 0a 04 72", undefined],
  ["a key that is no name", "08 01 12 0a 0a 04 00 6f 6f 74", undefined],
  ["an endless key", "08 01 12 0a 0a 7f 72 6f 6f 74", undefined],
  ["nothing", "", undefined],
  ["the first bytes alone", "08 01 12", undefined],
] as const)("%s", (_what, bytes, form) => {
  expect(formOf(hex(bytes))).toBe(form);
});
