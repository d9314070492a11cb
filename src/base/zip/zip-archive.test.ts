import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ServingError } from "../serving-error.ts";
import { temporaryFolders } from "../test-folders.ts";
import { type ZipMember, zip } from "./test-zip.ts";
import { ZipArchive } from "./zip-archive.ts";

const newFolder = temporaryFolders();
const never = new AbortController().signal;

async function archiveOf(bytes: Buffer): Promise<ZipArchive> {
  const path = join(newFolder(), "some.whl");
  await writeFile(path, bytes);
  return await ZipArchive.open(path);
}

async function contents(archive: ZipArchive): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const entry of archive.entries) found.push([entry.name, (await archive.read(entry, never)).toString("latin1")]);
  return found;
}

const SAMPLE: readonly ZipMember[] = [
  { name: "tensorflow/", content: "", stored: true },
  { name: "tensorflow/deflated", content: "library ".repeat(1000) },
  { name: "tensorflow/stored", content: "as it is", stored: true },
  { name: "tensorflow/empty", content: "" },
];

test("reads what was packed, with 64-bit sizes too", async () => {
  const expected = SAMPLE.map(({ name, content }) => [name, content]);
  expect(await contents(await archiveOf(zip(SAMPLE)))).toEqual(expected);
  expect(await contents(await archiveOf(zip(SAMPLE.map((member) => ({ ...member, zip64: true })))))).toEqual(expected);
});

test("extracts a file that is larger than a piece, and tells of each piece", async () => {
  const content = Buffer.alloc(1_000_000, "0123456789");
  const archive = await archiveOf(zip([{ name: "large", content }]));
  const path = join(newFolder(), "large");
  const pieces: number[] = [];
  await archive.extract(archive.entries[0]!, path, never, (bytes) => void pieces.push(bytes));
  expect((await readFile(path)).equals(content)).toBe(true);
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBe(content.length);
});

test("overwrites no file, and stops when it is told to", async () => {
  const archive = await archiveOf(zip(SAMPLE));
  const path = join(newFolder(), "there");
  await writeFile(path, "mine");
  await expect(archive.extract(archive.entries[1]!, path, never, () => undefined)).rejects.toMatchObject({ code: "EEXIST" });
  expect(await readFile(path, "utf8")).toBe("mine");
  await rm(path);
  const stop = new AbortController();
  const stopping = archive.extract(archive.entries[1]!, path, stop.signal, () =>
    stop.abort(new ServingError("cancelled", "enough")),
  );
  await expect(stopping).rejects.toThrow("enough");
});

test.each(["../libtensorflow_cc.so.2", "a/../../b", "/etc/passwd", "..\\up", "C:/windows", ""])(
  "refuses an archive with a file named %j",
  async (name) => {
    const opening = archiveOf(
      zip([
        { name: "fine", content: "" },
        { name, content: "evil" },
      ]),
    );
    await expect(opening).rejects.toMatchObject({ code: "data-loss", message: expect.stringContaining("outside of its folder") });
  },
);

test("refuses an archive that is cut off anywhere", async () => {
  const whole = zip(SAMPLE);
  for (let length = 0; length < whole.length; length += 7) {
    await expect(archiveOf(whole.subarray(0, length))).rejects.toMatchObject({ code: "data-loss" });
  }
});

test("refuses content that is not what was announced", async () => {
  const whole = zip([{ name: "stored", content: "content", stored: true }]);
  whole[30 + 6 + 4]! ^= 1;
  const archive = await archiveOf(whole);
  await expect(archive.read(archive.entries[0]!, never)).rejects.toThrow(
    'the archive "some.whl" is damaged: stored has another checksum',
  );
});

test("ends with an error of its own whatever bytes are changed", async () => {
  const whole = zip([...SAMPLE, { name: "wide", content: "wide", zip64: true }]);
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        await contents(await archiveOf(bytes));
      } catch (reason) {
        expect(reason).toMatchObject({ name: "ServingError", code: "data-loss" });
      }
    }),
    { numRuns: 500 },
  );
});
