import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { folderSize } from "./folder-size.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "folder-size-"));
});
afterEach(() => rm(root, { recursive: true }));

test("adds up all files below a folder, and takes a file for itself", async () => {
  await mkdir(join(root, "variables"));
  await writeFile(join(root, "graph"), "12345");
  await writeFile(join(root, "variables/data"), "123");
  expect(await folderSize(root)).toBe(8);
  expect(await folderSize(join(root, "graph"))).toBe(5);
  expect(await folderSize(join(root, "nothing"))).toBe(0);
});

test("links that go round do not make the estimate grow or the count go on for ever", async () => {
  await writeFile(join(root, "graph"), "12345");
  for (const name of ["a", "b", "c"]) await symlink(".", join(root, name));
  expect(await folderSize(root)).toBe(5);
});
