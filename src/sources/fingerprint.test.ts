import { appendFile, chmod, mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeFingerprint } from "./fingerprint.ts";

let root: string;
let model: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "fingerprint-"));
  model = join(root, "model");
  await mkdir(join(model, "variables"), { recursive: true });
  await writeFile(join(model, "graph"), "12345");
  await writeFile(join(model, "variables/data"), "123");
});
afterEach(() => rm(root, { recursive: true }));

describe("takeFingerprint", () => {
  test("adds up the bytes of all files", async () => {
    expect(await takeFingerprint(model)).toMatchObject({ bytes: 8, unreadable: false });
    expect(await takeFingerprint(join(model, "graph"))).toMatchObject({ bytes: 5 });
    expect(await takeFingerprint(join(model, "nothing"))).toMatchObject({ bytes: 0 });
  });

  test("links that go round do not make the bytes grow or the look go on for ever", async () => {
    for (const name of ["a", "b", "c"]) await symlink(".", join(model, name));
    expect((await takeFingerprint(model)).bytes).toBe(8);
  });

  test.each<[string, () => Promise<void>]>([
    ["a file grows", () => appendFile(join(model, "variables/data"), "4")],
    ["a file appears", () => writeFile(join(model, "new"), "")],
    ["a folder appears", () => mkdir(join(model, "assets"))],
    ["a file is renamed", () => rename(join(model, "graph"), join(model, "graph2"))],
    ["a file is given another time", () => utimes(join(model, "graph"), 1, 1)],
    ["a file goes away", () => rm(join(model, "graph"))],
    ["all goes away", () => rm(model, { recursive: true })],
  ])("changes when %s, and only then", async (_name, change) => {
    const before = await takeFingerprint(model);
    expect((await takeFingerprint(model)).digest).toBe(before.digest);
    await change();
    expect((await takeFingerprint(model)).digest).not.toBe(before.digest);
  });

  test("of a file changes with the processing file of its name beside it, and of a folder with nothing beside it", async () => {
    const digests: string[] = [];
    const look = async () => digests.push((await takeFingerprint(join(model, "graph"))).digest);
    const folder = (await takeFingerprint(model)).digest;
    const beside = join(model, "graph.processing.yaml");
    await look();
    await writeFile(beside, "1");
    await look();
    await writeFile(beside, "22");
    await look();
    await writeFile(join(model, "other.processing.yaml"), "1");
    await look();
    expect(digests[3]).toBe(digests[2]);
    expect(new Set(digests).size).toBe(3);
    await rm(beside);
    await look();
    expect(digests[4]).toBe(digests[0]);
    await rm(join(model, "other.processing.yaml"));
    await writeFile(join(root, "model.processing.yaml"), "1");
    expect((await takeFingerprint(model)).digest).toBe(folder);
  });

  test("changes when a file is replaced by one of the same size and time", async () => {
    await utimes(join(model, "graph"), 1, 1);
    const before = await takeFingerprint(model);
    await writeFile(join(root, "other"), "54321");
    await utimes(join(root, "other"), 1, 1);
    await rename(join(root, "other"), join(model, "graph"));
    expect((await takeFingerprint(model)).digest).not.toBe(before.digest);
  });

  test("does not take moving the whole folder for a change to its files", async () => {
    const before = await takeFingerprint(model);
    let [from, to] = [model, join(root, "moved")];
    // The file system's clock is coarse: move until it shows.
    do {
      await rename(from, to);
      [from, to] = [to, from];
    } while ((await stat(from)).ctimeMs <= before.changedAtMs + 1);
    expect((await takeFingerprint(from)).changedAtMs).toBe(before.changedAtMs);
  });

  test("tells a folder that was moved into place from one that is being written", async () => {
    await writeFile(join(model, "late"), "1");
    expect((await takeFingerprint(model)).published).toBe(false);
    let [from, to] = [model, join(root, "moved")];
    // The file system's clock is coarse: move until it shows.
    do {
      await rename(from, to);
      [from, to] = [to, from];
    } while (!(await takeFingerprint(from)).published);
    await appendFile(join(from, "late"), "2");
    expect((await takeFingerprint(from)).published).toBe(false);
  });

  test("does not take a folder for moved into place whose attributes were set while a part of it is still to come", async () => {
    // As rsync does it: the folder's own times as soon as its own files are there, those of its subfolders later.
    const written = await stat(join(model, "variables/data"));
    do await utimes(model, 1, 1);
    while ((await stat(model)).ctimeMs <= written.ctimeMs + 10);
    expect((await takeFingerprint(model)).published).toBe(false);
  });

  test.runIf(process.platform === "linux")("tells whether the file system's attributes are current", async () => {
    expect((await takeFingerprint(model)).current).toBe(true);
    // Stands for all that keep no times.
    expect((await takeFingerprint("/proc/sys/kernel/ostype")).current).toBe(false);
  });

  test("follows links, and ends where they go round", async () => {
    await mkdir(join(root, "linked"));
    await symlink("../model", join(root, "linked/model"));
    await symlink("..", join(model, "variables/up"));
    await symlink("self", join(model, "self"));
    expect((await takeFingerprint(join(root, "linked"))).bytes).toBe(8);
  });

  test.skipIf(process.getuid?.() === 0)("tells what it may not read", async () => {
    await chmod(join(model, "variables"), 0);
    expect((await takeFingerprint(model)).unreadable).toBe(true);
    await chmod(join(model, "variables"), 0o755);
  });
});
