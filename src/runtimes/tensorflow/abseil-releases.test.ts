import { expect, test } from "vitest";
import { versionsOfSymbol } from "./abseil-releases.ts";

test("a symbol tells the versions of TensorFlow that it was compiled for", () => {
  expect(versionsOfSymbol("_ZN4absl12lts_202308026Status15UnrefNonInlinedEm")).toBe("2.16 to 2.19");
});

test("a symbol of no release that is known tells nothing", () => {
  expect(versionsOfSymbol("_ZN4absl12lts_199901016StatusEm")).toBeUndefined();
  expect(versionsOfSymbol("_ZN10tensorflow8OpKernelD2Ev")).toBeUndefined();
});
