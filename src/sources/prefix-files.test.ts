import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { takeFingerprint } from "./fingerprint.ts";
import { ModelsDirectory } from "./models-directory.ts";
import { prefixFiles } from "./prefix-files.ts";
import { put, root, watch } from "./test-source.ts";

/** A model is a graph that begins with the path's name. */
const isModel = async (path: string): Promise<boolean> => existsSync(`${path}-graph.json`);

test("the files of a prefix are those with a dash or a dot behind it", async () => {
  for (const name of ["m-graph.json", "m-1.params", "m.yaml", "mm-graph.json", "m_1", "n-graph.json"]) await put(name);
  await put("m-folder/file");
  const names = (await prefixFiles(join(root, "m"))).map((path) => basename(path));
  expect(names).toEqual(["m-1.params", "m-graph.json", "m.yaml"]);
  expect(await prefixFiles(join(root, "nowhere", "m"))).toEqual([]);
});

test("a prefix has a fingerprint of its files, and no other's", async () => {
  await put("m-graph.json", "12345");
  const before = await takeFingerprint(join(root, "m"));
  expect(before).toMatchObject({ files: 1, bytes: 5 });
  await put("n-graph.json", "1");
  expect((await takeFingerprint(join(root, "m"))).digest).toBe(before.digest);
  await put("m-1.params", "12");
  const after = await takeFingerprint(join(root, "m"));
  expect(after).toMatchObject({ files: 2, bytes: 7 });
  expect(after.digest).not.toBe(before.digest);
});

test("a prefix is served as version 1, and under the next number when its files become others", async () => {
  await put("m-graph.json");
  const { source, versions, paths } = watch(undefined, { isModel });
  await source.poll();
  expect(versions()).toEqual([1n]);
  expect(paths()).toEqual(["m"]);
  await source.poll();
  expect(versions()).toEqual([1n]);
  await put("m-1.params", "more");
  await source.poll();
  expect(versions()).toEqual([2n]);
});

test("files that begin with a base path's name by chance are no model, and what is served stays when they all go", async () => {
  await put("m-notes.txt");
  const { source, versions, warnings } = watch(undefined, { isModel });
  await source.poll();
  expect([versions(), warnings]).toEqual([undefined, ["m: base_path_missing"]]);
  await put("m-graph.json");
  await source.poll();
  expect(versions()).toEqual([1n]);
  await rm(join(root, "m-graph.json"));
  await source.poll();
  expect(versions()).toEqual([1n]);
});

test("a prefix on the command line is found by itself", async () => {
  await put("m-graph.json");
  expect(await new ModelsDirectory(join(root, "m"), isModel).look()).toEqual([{ name: "m", basePath: join(root, "m") }]);
  await expect(new ModelsDirectory(join(root, "x"), isModel).look()).rejects.toThrow("there is no file or folder");
});
