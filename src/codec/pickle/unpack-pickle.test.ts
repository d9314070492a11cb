import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packingOf, unpackPickle } from "./unpack-pickle.ts";

const pickle = Buffer.from("\x80\x04N.", "latin1");

test.each([
  ["plain", pickle],
  ["compressed with zlib", deflateSync(pickle)],
  ["compressed with zlib at once", deflateSync(pickle, { level: 0 })],
  ["compressed with gzip", gzipSync(pickle)],
])("a pickle that is %s", async (_, bytes) => {
  expect(Buffer.from(await unpackPickle(bytes))).toEqual(pickle);
});

describe("other ways to compress are known and refused", () => {
  test.each([
    ["bz2", "BZh91AY"],
    ["xz", "\xfd7zXZ\0"],
    ["lzma", "]\0\0\x80"],
    ["lz4", "\x04\x22\x4d\x18"],
  ])("%s", async (packing, bytes) => {
    await expect(unpackPickle(Buffer.from(bytes, "latin1"))).rejects.toMatchObject({
      code: "unimplemented",
      message: `it is compressed with ${packing}: save it with joblib.dump(model, file, compress=("zlib", 3)), or without compress`,
    });
  });

  test("a zip file, which skops writes", async () => {
    await expect(unpackPickle(Buffer.from("PK\x03\x04"))).rejects.toMatchObject({ code: "unimplemented" });
  });
});

test("what is damaged is refused", async () => {
  const bytes = deflateSync(Buffer.from("abc".repeat(100)));
  await expect(unpackPickle(bytes.subarray(0, -6))).rejects.toMatchObject({
    code: "data-loss",
    message: "it is compressed with zlib, and damaged",
  });
});

test("what grows too much is refused", async () => {
  await expect(unpackPickle(deflateSync(Buffer.alloc(20_000_000)))).rejects.toMatchObject({
    code: "resource-exhausted",
    message: expect.stringMatching(/^it is compressed, and has more than \d+ bytes$/),
  });
});

test.each(["(lp0\n.", "ccopy_reg\n", "]q\x00.", "x.", ""])("%j is no compressed file", (text) => {
  expect(packingOf(Buffer.from(text, "latin1"))).toBeUndefined();
});
