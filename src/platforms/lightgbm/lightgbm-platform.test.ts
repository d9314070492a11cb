import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { lightgbmPlatform } from "./lightgbm-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/lightgbm");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

async function folderWith(...names: string[]): Promise<string> {
  const folder = newFolder();
  for (const name of names) await cp(join(FIXTURES, "one_leaf/model.txt"), join(folder, name));
  return folder;
}

describe("a model is", () => {
  test.each([
    ["model.txt, whatever lies beside it", ["other.txt", "model.txt"], "model.txt"],
    ["the only file that begins like one", ["ranker.LGB"], "ranker.LGB"],
    ["model.bst, as MLServer has it", ["model.bst", "a.model"], "model.bst"],
  ])("%s", async (_, names, chosen) => {
    const folder = await folderWith(...names);
    await writeFile(join(folder, "requirements.txt"), "lightgbm\n");
    expect(await lightgbmPlatform.detect(folder)).toEqual({ why: `holds ${chosen}, a LightGBM text model` });
    expect(await lightgbmPlatform.read(folder, never)).toMatchObject({ runtime: "tabular", bytes: 3178 });
  });

  test("a bare file, whatever lies beside it", async () => {
    const folder = await folderWith("model.txt", "b.model");
    expect(await lightgbmPlatform.detect(join(folder, "b.model"))).toEqual({ why: "is a LightGBM text model" });
    expect(await lightgbmPlatform.read(join(folder, "b.model"), never)).toMatchObject({ runtime: "tabular" });
  });

  test("one of several, which the reader cannot choose from", async () => {
    const folder = await folderWith("b.txt", "a.lgb");
    expect(await lightgbmPlatform.detect(folder)).toEqual({ why: "holds 2 LightGBM models" });
    await expect(lightgbmPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message:
        "which of the 2 LightGBM files is the model (a.lgb, b.txt)? Name it model.txt, or keep each in a folder of its own",
    });
  });

  test("not anything else", async () => {
    const folder = await folderWith(".hidden.txt", "model.onnx");
    await mkdir(join(folder, "model.txt"));
    await writeFile(join(folder, "tree.txt"), "tree\nof life\n");
    await writeFile(join(folder, "model.bst"), "binf\0\0\0\0");
    for (const path of [folder, join(folder, "tree.txt"), join(folder, "model.onnx"), join(folder, "nowhere")]) {
      expect(await lightgbmPlatform.detect(path)).toBeUndefined();
    }
    await expect(lightgbmPlatform.read(folder, never)).rejects.toMatchObject({ code: "not-found" });
  });
});

test("names the file that is damaged, not its folder", async () => {
  const folder = newFolder();
  await writeFile(join(folder, "sales.txt"), "tree\nversion=v4\n");
  await expect(lightgbmPlatform.read(folder, never)).rejects.toMatchObject({
    code: "data-loss",
    message: 'sales.txt does not say feature_names; save the model again with booster.save_model("model.txt")',
  });
});
