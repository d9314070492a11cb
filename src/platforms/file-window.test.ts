import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { FileWindow } from "./file-window.ts";

const newFolder = temporaryFolders();

async function withWindow(bytes: Uint8Array, size: number, use: (window: FileWindow) => Promise<void>): Promise<void> {
  const file = join(newFolder(), "file");
  await writeFile(file, bytes);
  const handle = await open(file);
  try {
    await use(new FileWindow(handle, size));
  } finally {
    await handle.close();
  }
}

const BYTES = new Uint8Array(200_000).map((_, i) => i % 251);

test("holds 64 KiB from where it was moved to, and reads beyond that without moving", async () => {
  await withWindow(BYTES, BYTES.length, async (window) => {
    expect(window.holds(0, 1)).toBe(false);
    await window.move(1000);
    expect([window.holds(1000, 65_536), window.holds(1000, 65_537), window.holds(999, 1)]).toEqual([true, false, false]);
    expect([window.at(1001), window.slice(1001, 1003)]).toEqual([1001 % 251, BYTES.slice(1001, 1003)]);
    expect(await window.read(10, 150_000)).toEqual(BYTES.slice(10, 150_000));
    expect(window.holds(1000, 65_536)).toBe(true);
  });
});

test("ends with the file", async () => {
  await withWindow(BYTES, BYTES.length, async (window) => {
    await window.move(199_990);
    expect([window.holds(199_990, 1000), window.slice(199_998, 200_000)]).toEqual([true, BYTES.slice(199_998)]);
  });
});

test("sees zeros where the file has become shorter", async () => {
  await withWindow(BYTES.slice(0, 10), 20, async (window) => {
    await window.move(8);
    expect(window.slice(8, 12)).toEqual(new Uint8Array([8, 9, 0, 0]));
    expect(await window.read(8, 12)).toEqual(new Uint8Array([8, 9, 0, 0]));
  });
});
