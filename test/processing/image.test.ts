import { expect, test } from "vitest";
import { stringTensor } from "../../src/tensor/tensor.ts";
import { runOne } from "./run-step.ts";

/** A bitmap file of one row of pixels: red, green, blue each. */
function bitmap(...pixels: readonly (readonly [number, number, number])[]): Uint8Array {
  const row = Buffer.alloc(Math.ceil((pixels.length * 3) / 4) * 4);
  for (const [i, [red, green, blue]] of pixels.entries()) row.set([blue, green, red], 3 * i);
  const header = Buffer.alloc(54);
  header.write("BM");
  header.writeUInt32LE(54 + row.length, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(pixels.length, 18);
  header.writeInt32LE(1, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, row]);
}

const FILES = stringTensor([2], [bitmap([255, 0, 1], [2, 3, 4]), bitmap([5, 6, 7], [8, 9, 10])]);
const decoded = async (members: object, x = FILES) =>
  (await runOne({ image: { height: 1, width: 2, ...members } }, new Map([["x", x]]))).get("x");

test("encoded images become pixels, in the order and layout that are asked for", async () => {
  const pixels = [255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(await decoded({})).toEqual({ dtype: "uint8", shape: [2, 1, 2, 3], data: Uint8Array.from(pixels) });
  const planes = [255, 2, 0, 3, 1, 4, 5, 8, 6, 9, 7, 10];
  expect(await decoded({ layout: "NCHW" })).toEqual({ dtype: "uint8", shape: [2, 3, 1, 2], data: Uint8Array.from(planes) });
  const swapped = [1, 0, 255, 4, 3, 2, 7, 6, 5, 10, 9, 8];
  expect(await decoded({ channels: "BGR" })).toEqual({ dtype: "uint8", shape: [2, 1, 2, 3], data: Uint8Array.from(swapped) });
  expect(await decoded({}, stringTensor([0], []))).toEqual({ dtype: "uint8", shape: [0, 1, 2, 3], data: new Uint8Array(0) });
});

test("what is no image is the caller's fault, and is named", async () => {
  const files = stringTensor([2], [bitmap([1, 2, 3], [4, 5, 6]), "text"]);
  await expect(decoded({}, files)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringMatching(/^preprocess step 1 \(image\) on "x": element 1: /),
  });
});
