import fc from "fast-check";
import { expect, test } from "vitest";
import { zip } from "./test-zip.ts";
import { readZipBytes } from "./zip-bytes.ts";

const never = new AbortController().signal;
const SAMPLE = [
  { name: "schema.json", content: "{}".repeat(400) },
  { name: "folder/", content: "", stored: true },
  { name: "folder/1.npy", content: Buffer.alloc(3000, 7), stored: true },
  { name: "wide", content: "wide", zip64: true },
  { name: "empty", content: "" },
];
const read = (bytes: Buffer, most = 1e6) => readZipBytes("model.skops", bytes, most, never);

test("has all files of an archive, stored or deflated, without its folders", async () => {
  const files = await read(zip(SAMPLE));
  expect([...files].map(([name, content]) => [name, content.length])).toEqual([
    ["schema.json", 800],
    ["folder/1.npy", 3000],
    ["wide", 4],
    ["empty", 0],
  ]);
  expect(files.get("folder/1.npy")).toEqual(Buffer.alloc(3000, 7));
});

test.each([
  [
    "more bytes than it may have",
    zip(SAMPLE),
    3803,
    "resource-exhausted",
    'the files of the archive "model.skops" have more than 3803 bytes together',
  ],
  [
    "two files of one name",
    zip([SAMPLE[0], SAMPLE[0]]),
    1e6,
    "data-loss",
    'the archive "model.skops" is damaged: it has two files of the name schema.json',
  ],
  [
    "a name that leads out of it",
    zip([{ name: "../model.pkl", content: "" }]),
    1e6,
    "data-loss",
    'the archive "model.skops" is damaged: it has a file of the name "../model.pkl", outside of its folder',
  ],
])("refuses an archive with %s", async (_, bytes, most, code, message) => {
  await expect(read(bytes, most)).rejects.toMatchObject({ code, message });
});

test("refuses an archive whose wide end lies behind its end", async () => {
  const bytes = zip(SAMPLE);
  const end = bytes.subarray(bytes.length - 22);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(bytes.length + 100), 8);
  await expect(read(Buffer.concat([bytes.subarray(0, -22), locator, end]))).rejects.toMatchObject({
    code: "data-loss",
    message: 'the archive "model.skops" is damaged: it is cut off',
  });
});

test("refuses an archive that inflates to more than it says", async () => {
  const bytes = zip([{ name: "bomb", content: Buffer.alloc(1e6) }]);
  // The size in the directory, which lies before the end record.
  bytes.writeUInt32LE(10, bytes.length - 22 - 46 - 4 + 24);
  await expect(read(bytes)).rejects.toMatchObject({
    code: "data-loss",
    message: 'the archive "model.skops" is damaged: bomb is longer than announced',
  });
});

test("ends with an error of its own wherever it is cut off or changed", async () => {
  const whole = zip(SAMPLE);
  for (let length = 0; length < whole.length; length += 7) {
    await expect(read(whole.subarray(0, length))).rejects.toMatchObject({ code: "data-loss" });
  }
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      await read(bytes).catch((reason: unknown) => expect(reason).toMatchObject({ name: "ServingError" }));
    }),
    { numRuns: 300 },
  );
});

test("stops when it is told to", async () => {
  await expect(readZipBytes("model.skops", zip(SAMPLE), 1e6, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
});
