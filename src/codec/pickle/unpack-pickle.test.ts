import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { packingOf, unpackPickle } from "./unpack-pickle.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/compression");
const pickle = Buffer.from("\x80\x04N.", "latin1");

test.each([
  ["plain", pickle],
  ["compressed with zlib", deflateSync(pickle)],
  ["compressed with zlib at once", deflateSync(pickle, { level: 0 })],
  ["compressed with gzip", gzipSync(pickle)],
])("a pickle that is %s", async (_, bytes) => {
  expect(Buffer.from(await unpackPickle(bytes))).toEqual(pickle);
});

test.each(["bz2", "xz", "lzma", "lz4"])("a pickle that is compressed with %s", async (packing) => {
  const bytes = readFileSync(join(FIXTURES, `small.${packing}`));
  expect(packingOf(bytes)).toBe(packing);
  const unpacked = Buffer.from(await unpackPickle(bytes));
  expect([unpacked.length, unpacked.includes("estimator coef_ ")]).toEqual([3000, true]);
});

test("a zip file is no pickle", async () => {
  await expect(unpackPickle(Buffer.from("PK\x03\x04"))).rejects.toMatchObject({ code: "unimplemented" });
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
