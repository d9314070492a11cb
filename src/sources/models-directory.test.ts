import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ModelsDirectory } from "./models-directory.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "models-directory-"));
});
afterEach(() => rm(root, { recursive: true }));

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), "model");
  }
}

/** A model is a file named `*.onnx`, or a folder with `model.onnx`. */
async function isModel(path: string): Promise<boolean> {
  if (path.endsWith(".onnx")) return true;
  return existsSync(join(path, "model.onnx"));
}

async function discover(path = ""): Promise<[string, string][]> {
  const models = await new ModelsDirectory(join(root, path), isModel).look();
  return models.map(({ name, basePath }) => [name, basePath.slice(root.length + 1)]);
}

test("finds a model file", async () => {
  await put("models/resnet.v2.onnx");
  expect(await discover("models/resnet.v2.onnx")).toEqual([["resnet.v2", "models/resnet.v2.onnx"]]);
});

test("finds a model's folder, by its files or by its versions", async () => {
  await put("plain/model.onnx", "versioned/1/model.onnx", "versioned/2/model.onnx");
  expect(await discover("plain")).toEqual([["plain", "plain"]]);
  expect(await discover("versioned/")).toEqual([["versioned", "versioned"]]);
});

test("finds a folder of models, sorted, without what is hidden or no model", async () => {
  await put("all/z/1/model.onnx", "all/a/model.onnx", "all/k.onnx", "all/README.md", "all/notes/x.txt", "all/.git/model.onnx");
  await put("all/.hidden.onnx", "all/deep/er/model.onnx", "all/__proto__/1/x");
  expect(await discover("all")).toEqual([
    ["__proto__", "all/__proto__"],
    ["a", "all/a"],
    ["k", "all/k.onnx"],
    ["z", "all/z"],
  ]);
});

test("keeps the extension where the name is taken", async () => {
  await put("all/a/1/x", "all/a.onnx");
  expect(await discover("all")).toEqual([
    ["a", "all/a"],
    ["a.onnx", "all/a.onnx"],
  ]);
});

test("follows links and passes over broken ones", async () => {
  await put("all/a.onnx", "elsewhere/1/x");
  await symlink("../elsewhere", join(root, "all/b"));
  await symlink("nowhere", join(root, "all/c.onnx"));
  expect(await discover("all")).toEqual([
    ["a", "all/a.onnx"],
    ["b", "all/b"],
  ]);
});

test("finds nothing in an empty folder or in a file that is no model", async () => {
  await put("empty/x.txt");
  expect(await discover("empty")).toEqual([]);
  expect(await discover("empty/x.txt")).toEqual([]);
});

test("says so when there is nothing", async () => {
  await expect(new ModelsDirectory("./no-such-folder", isModel).look()).rejects.toMatchObject({
    code: "not-found",
    message: 'there is no file or folder "./no-such-folder"',
  });
});
