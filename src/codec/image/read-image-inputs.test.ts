// Pixels are those of Pillow and numpy (test/fixtures/make-images.py), to the bit where nothing was lossy.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { DeclaredShape } from "../../tensor/shape.ts";
import { stringAt } from "../../tensor/string-array.ts";
import { stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { readImageRules } from "./image-rules.ts";
import { readImageInputs } from "./read-image-inputs.ts";

interface Golden {
  readonly file: string;
  readonly rules: Readonly<Record<string, string>>;
  readonly difference: number;
  readonly shape: readonly [height: number, width: number, channels: number];
  readonly pixels: string;
}

const FOLDER = join(import.meta.dirname, "../../../test/fixtures/images");
const golden = JSON.parse(readFileSync(join(FOLDER, "golden.json"), "utf8")) as readonly Golden[];
const never = new AbortController().signal;

const bytesOf = (file: string) => readFileSync(join(FOLDER, file));
const encoded = (...files: readonly Uint8Array[]) => files.map((bytes, index) => ({ name: `images[${index}]`, bytes }));

async function read(
  shape: DeclaredShape,
  dtype: DType,
  images: readonly Uint8Array[],
  query: string | Readonly<Record<string, string>> = "",
  signal = never,
): Promise<Tensor> {
  const signature = { inputs: [{ alias: "x", name: "x", dtype, shape }], outputs: [], methodName: "" };
  const rules = readImageRules(new URLSearchParams(query));
  return (await readImageInputs(signature, encoded(...images), rules, new Map(), signal)).get("x")!;
}

test.each(golden.map((entry) => [`${entry.file} ${JSON.stringify(entry.rules)}`, entry] as const))(
  "%s is read as Pillow reads it",
  async (_, { file, rules, shape, difference, pixels }) => {
    const tensor = await read([-1, -1, -1, shape[2]], "uint8", [bytesOf(file)], rules);
    const expected = Buffer.from(pixels, "base64");
    expect(tensor.shape).toEqual([1, ...shape]);
    if (difference === 0) expect(Buffer.from(tensor.data as Uint8Array).equals(expected)).toBe(true);
    else expect(largestDifference(tensor.data as Uint8Array, expected)).toBeLessThanOrEqual(difference);
  },
);

function largestDifference(values: Uint8Array, expected: Uint8Array): number {
  return expected.reduce((largest, value, index) => Math.max(largest, Math.abs(value - values[index])), 0);
}

test("NCHW has the same values as NHWC in another order, and a batch one image after the other", async () => {
  const images = [bytesOf("rgb.png"), bytesOf("24.bmp"), bytesOf("two.gif")];
  const last = (await read([-1, -1, -1, 3], "float32", images)) as { data: Float32Array; shape: readonly number[] };
  const first = (await read([-1, 3, -1, -1], "float32", images)) as { data: Float32Array; shape: readonly number[] };
  expect([last.shape, first.shape]).toEqual([
    [3, 13, 17, 3],
    [3, 3, 13, 17],
  ]);
  const pixels = 13 * 17;
  for (let i = 0; i < last.data.length; i++) {
    const [image, pixel, channel] = [Math.floor(i / (3 * pixels)), Math.floor((i % (3 * pixels)) / 3), i % 3];
    if (last.data[i] !== first.data[image * 3 * pixels + channel * pixels + pixel]) expect(i).toBe("equal");
  }
});

test("a large image is made smaller by the library, close to what is done for a small one", async () => {
  const smooth = await sharp(bytesOf("large.png")).resize(900, 600, { kernel: "cubic" }).png().toBuffer();
  const wanted = await sharp(bytesOf("large.png")).removeAlpha().raw().toBuffer();
  for (const query of ["size=96x64", "size=96x64&resize=cover", "size=96x64&resize=contain"]) {
    const tensor = await read([-1, -1, -1, 3], "uint8", [smooth], query);
    const sum = wanted.reduce((total, value, index) => total + Math.abs(value - (tensor.data as Uint8Array)[index]), 0);
    expect(sum / wanted.length).toBeLessThan(3);
  }
});

describe("string inputs take the files as they are", () => {
  test.each<[DeclaredShape, number, readonly number[]]>([
    [[-1], 2, [2]],
    [undefined, 2, [2]],
    [[], 1, []],
  ])("of shape %j, %d of them", async (shape, count, made) => {
    const tensor = await read(
      shape,
      "string",
      Array.from({ length: count }, (_, i) => Buffer.from(`no image ${i}`)),
    );
    expect(tensor).toMatchObject({ dtype: "string", shape: made });
    expect(stringAt((tensor as ReturnType<typeof stringTensor>).data, count - 1)).toBe(`no image ${count - 1}`);
  });
});

describe("refuses", () => {
  const png = bytesOf("rgb.png");

  test.each<[string, DeclaredShape, readonly Uint8Array[], string, string]>([
    ["what is no image", [-1, 4, 4, 3], [png, Buffer.from("hello")], "", "images[1]: it is no image that is taken: JPEG, PNG"],
    ["nothing", [-1, 4, 4, 3], [Buffer.alloc(0)], "", "images[0]: it is empty"],
    ["a drawing", [-1, 4, 4, 3], [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')], "", "no image"],
    ["a document", [-1, 4, 4, 3], [Buffer.from("%PDF-1.7\n")], "", "no image"],
    ["an archive", [-1, 4, 4, 3], [Buffer.from("PK\x03\x04rest")], "", "no image"],
    ["HEIF", [-1, 4, 4, 3], [Buffer.from("\0\0\0\x18ftypheic\0\0\0\0heicmif1", "latin1")], "", "no image"],
    [
      "a TIFF whose pages go round",
      [-1, 4, 4, 3],
      [Buffer.from("II*\0\x08\0\0\0\0\0\x08\0\0\0")],
      "",
      "images[0]: it has more than 1000 pages",
    ],
    ["headers alone", [-1, 4, 4, 3], [png.subarray(0, 20)], "", "images[0]: its PNG headers are broken"],
    [
      "images of different sizes",
      [-1, -1, -1, 3],
      [png, bytesOf("4.bmp")],
      "",
      "images[1]: it has 7x5 pixels, the first has 17x13",
    ],
    ["another size, if asked to", [-1, 4, 4, 3], [png], "resize=none", "images[0]: it has 17x13 pixels, the input takes 4x4"],
    ["several for one", [4, 4, 3], [png, png], "", "takes 1 at a time, got 2"],
    ["fewer than it takes", [2, 4, 4, 3], [png], "", "takes 2 at a time, got 1"],
    ["none", [-1, 4, 4, 3], [], "", 'input "x" (float32 [-1,4,4,3]) has no image'],
    ["more than a tensor may hold", [-1, -1, -1, 3], [png], "size=16384x16384", "make 3221225472 bytes"],
  ])("%s", async (_, shape, images, query, message) => {
    const wanted = { code: "invalid-argument", message: expect.stringContaining(message) };
    await expect(read(shape, "float32", images, query)).rejects.toMatchObject(wanted);
  });

  test("a second value for the input", async () => {
    const signature = { inputs: [{ alias: "x", name: "x", dtype: "string" as const, shape: [-1] }], outputs: [], methodName: "" };
    const others = new Map([["x", stringTensor([1], ["y"])]]);
    await expect(readImageInputs(signature, encoded(png), { input: "x" }, others, never)).rejects.toMatchObject({
      message: expect.stringContaining("is given twice: as images and as a value"),
    });
  });

  test("more pixels than an image may have, by its headers alone", async () => {
    const bomb = Buffer.from(
      await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
        .png()
        .toBuffer(),
    );
    bomb.writeUInt32BE(100_000, 16);
    bomb.writeUInt32BE(100_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const message = expect.stringMatching(/^images\[0\]: it has 100000x100000 pixels, of at most 50 million$/);
    await expect(read([-1, 4, 4, 3], "uint8", [bomb])).rejects.toMatchObject({ code: "invalid-argument", message });
  });

  test("once the caller has left", async () => {
    const reason = new ServingError("cancelled", "gone");
    await expect(read([-1, 4, 4, 3], "uint8", [png], "", AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test.each([
  ["rgb.png", 0.8],
  ["smooth.jpg", 0.95],
  ["progressive.jpg", 0.9],
  ["lossless.webp", 0.95],
  ["two.gif", 0.4],
  ["deflate.tif", 0.95],
  ["24.bmp", 1],
  ["runs.bmp", 0.98],
  ["4.bmp", 1],
])("%s cut off anywhere in its first %d is refused in words of our own", async (file, share) => {
  const whole = bytesOf(file);
  const last = whole.length * share;
  for (let at = 0; at < 50; at++) {
    const cut = whole.subarray(0, Math.floor((last * at) / 50));
    const reading = read([-1, 4, 4, 3], "uint8", [cut]);
    await expect(reading, `at ${cut.length}`).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/^images\[0\]: (?:its? |the BMP data is not right: )[\w ,:]+$/),
    });
  }
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
