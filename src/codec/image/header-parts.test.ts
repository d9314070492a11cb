import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { checkHeaderParts } from "./header-parts.ts";
import { imageFormat } from "./image-format.ts";

const FOLDER = join(import.meta.dirname, "../../../test/fixtures/images");
const bytesOf = (file: string) => readFileSync(join(FOLDER, file));

const check = (bytes: Uint8Array) => checkHeaderParts(bytes, imageFormat(bytes)!);
const refused = (message: string) => ({ code: "invalid-argument", message: expect.stringContaining(message) });

test.each(["smooth.jpg", "progressive.jpg", "cmyk.jpg", "lossless.webp", "lossy.webp", "plain.tif", "deflate.tif", "rgb.png"])(
  "%s and every cut of it pass",
  async (file) => {
    const bytes = bytesOf(file);
    for (let length = 12; length <= bytes.length; length++) await check(bytes.subarray(0, length));
  },
);

/** A TIFF whose pages have as many tags of a type and count each, one page after the other; the last has the link that is given. */
function tiff(pages: number, tags: number, big = false, [type, count, last] = [3, 1, 0]): Buffer {
  const bytes = Buffer.alloc(8 + pages * (tags * 12 + 6));
  const put16 = (value: number, at: number) => (big ? bytes.writeUInt16BE(value, at) : bytes.writeUInt16LE(value, at));
  const put32 = (value: number, at: number) => (big ? bytes.writeUInt32BE(value, at) : bytes.writeUInt32LE(value, at));
  bytes.write(big ? "MM" : "II");
  put16(42, 2);
  put32(8, 4);
  let at = 8;
  for (let page = 0; page < pages; page++) {
    put16(tags, at);
    for (let tag = at + 2; tag < at + 2 + tags * 12; tag += 12) {
      put16(type, tag + 2);
      put32(count, tag + 4);
    }
    at += tags * 12 + 6;
    put32(page === pages - 1 ? last : at, at - 4);
  }
  return bytes;
}

describe.each([false, true])("a TIFF, big end first: %j", (big) => {
  test("of 100,000 pages, all of which the library would read, is refused", async () => {
    await check(tiff(1000, 9, big));
    await expect(check(tiff(100_000, 9, big))).rejects.toMatchObject(refused("it has more than 1000 pages"));
  });

  test("whose pages go round is refused", async () => {
    await expect(check(tiff(2, 9, big, [3, 1, 8]))).rejects.toMatchObject(refused("it has more than 1000 pages"));
  });

  test("of thousands of tags, which take seconds, is refused", async () => {
    await check(tiff(1, 200, big));
    await expect(check(tiff(1, 4000, big))).rejects.toMatchObject(refused("its page 0 has 4000 tags, of at most 200"));
    await expect(check(tiff(151, 200, big))).rejects.toMatchObject(refused("its pages have more than 30000 tags"));
  });

  test("whose tags share their bytes is refused once they come to too many", async () => {
    await check(tiff(16, 1, big, [2, 2 ** 24, 0]));
    const message = "the tags of its pages have more than 268435456 bytes";
    await expect(check(tiff(17, 1, big, [2, 2 ** 24, 0]))).rejects.toMatchObject(refused(message));
    await expect(check(tiff(1, 2, big, [12, 2 ** 24 + 1, 0]))).rejects.toMatchObject(refused(message));
  });
});

test("a WebP of 100,000 pictures, for which the library takes a minute, is refused", async () => {
  const frame = Buffer.concat([Buffer.from("ANMF\x10\0\0\0", "latin1"), Buffer.alloc(16)]);
  const webp = (count: number) => Buffer.concat([bytesOf("lossy.webp").subarray(0, 12), Buffer.alloc(count * 24, frame)]);
  await check(webp(2000));
  await expect(check(webp(100_000))).rejects.toMatchObject(refused("it has more than 2000 pictures and other chunks"));
});

describe.each([false, true])("a JPEG, progressive: %j,", (progressive) => {
  const notes = (count: number) => Buffer.alloc(count * 6, Buffer.from([0xff, 0xe1, 0, 4, 1, 2]));

  async function parts() {
    const jpeg = await sharp(bytesOf("rgb.png")).removeAlpha().jpeg({ progressive }).toBuffer();
    return { jpeg, scan: jpeg.indexOf(Buffer.from([0xff, 0xda])) };
  }

  test("of a million notes, each of which the library keeps, is refused", async () => {
    const { jpeg } = await parts();
    const noted = (count: number) => Buffer.concat([jpeg.subarray(0, 2), notes(count), jpeg.subarray(2)]);
    await check(noted(9000));
    await expect(check(noted(1_000_000))).rejects.toMatchObject(refused("it has more than 10000 segments"));
  });

  test("is searched for them behind its first scan if there is another", async () => {
    const { jpeg, scan } = await parts();
    const later = Buffer.concat([jpeg.subarray(0, scan + 14), notes(20_000), jpeg.subarray(scan + 14)]);
    const checking = check(later);
    if (progressive) await expect(checking).rejects.toMatchObject(refused("it has more than 10000 segments"));
    else await checking;
  });
});
