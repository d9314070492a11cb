import { expect, test, vi } from "vitest";
import { readImageInputs } from "./read-image-inputs.ts";

vi.mock("sharp", () => {
  throw new Error("Cannot find package 'sharp' imported from /somewhere");
});

const signal = new AbortController().signal;
const signatureOf = (dtype: "uint8" | "string", shape: readonly number[]) => ({
  inputs: [{ alias: "x", name: "x", dtype, shape }],
  outputs: [],
  methodName: "",
});
const images = [{ name: "images[0]", bytes: Buffer.from("GIF89a") }];

test("without sharp, pixels are refused with the advice to install it", async () => {
  await expect(readImageInputs(signatureOf("uint8", [-1, 4, 4, 3]), images, {}, new Map(), signal)).rejects.toMatchObject({
    code: "failed-precondition",
    message: expect.stringMatching(/npm install sharp$/),
  });
});

test("without sharp, files go to string inputs all the same", async () => {
  const inputs = await readImageInputs(signatureOf("string", [-1]), images, {}, new Map(), signal);
  expect(inputs.get("x")).toMatchObject({ dtype: "string", shape: [1] });
});
