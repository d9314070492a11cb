import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { xgboostPlatform } from "./xgboost-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/xgboost");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

async function folderWith(model: string, ...names: string[]): Promise<string> {
  const folder = newFolder();
  for (const name of names) await cp(join(FIXTURES, model), join(folder, name));
  return folder;
}

describe("a model is", () => {
  test.each([
    ["model.json, whatever lies beside it", "gamma/model.json", ["other.json", "model.json"], "model.json"],
    ["the only file that begins like one", "gamma/model.ubj", ["ranker.UBJ"], "ranker.UBJ"],
    ["model.bst before model.json, as MLServer has it", "stfs_iris/model.bst", ["model.bst", "model.json"], "model.bst"],
    ["a file in the binary form", "binary_missing/model.deprecated", ["sales.model"], "sales.model"],
    ["JSON, whatever its name says", "gamma/model.json", ["sales.xgb"], "sales.xgb"],
  ])("%s", async (_, model, names, chosen) => {
    const folder = await folderWith(model, ...names);
    await writeFile(join(folder, "requirements.txt"), "xgboost\n");
    await writeFile(join(folder, "config.json"), '{"version": [1, 2], "learner": "none"}');
    expect(await xgboostPlatform.detect(folder)).toEqual({ why: `holds ${chosen}, an XGBoost model` });
    expect(await xgboostPlatform.read(folder, never)).toMatchObject({ runtime: "tabular" });
  });

  test("a bare file, whatever lies beside it", async () => {
    const folder = await folderWith("gamma/model.json", "model.json", "b.json");
    expect(await xgboostPlatform.detect(join(folder, "b.json"))).toEqual({ why: "is an XGBoost model" });
    expect(await xgboostPlatform.read(join(folder, "b.json"), never)).toMatchObject({ runtime: "tabular" });
  });

  test("one of several, which the reader cannot choose from", async () => {
    const folder = await folderWith("gamma/model.json", "b.json", "a.ubj");
    expect(await xgboostPlatform.detect(folder)).toEqual({ why: "holds 2 XGBoost models" });
    await expect(xgboostPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message:
        "which of the 2 XGBoost files is the model (a.ubj, b.json)? Name it model.json, or keep each in a folder of its own",
    });
  });

  test("a document that another program wrote, with spaces and its version first", async () => {
    const folder = newFolder();
    await writeFile(join(folder, "model.json"), '\n{ "version" : [ 2, 1, 4 ],\n "learner" : { } }');
    expect(await xgboostPlatform.detect(folder)).toBeDefined();
    await expect(xgboostPlatform.read(folder, never)).rejects.toMatchObject({
      code: "data-loss",
      message: 'model.json: learner has no learner_model_param; save the model again with booster.save_model("model.json")',
    });
  });

  test("not anything else", async () => {
    const folder = await folderWith("gamma/model.json", ".hidden.json", "model.onnx");
    await mkdir(join(folder, "model.json"));
    await writeFile(join(folder, "config.json"), '{"version": [2, 1, 4], "name": "learner"}');
    await writeFile(join(folder, "model.bst"), "tree\nversion=v4\n");
    await writeFile(join(folder, "zeros.model"), Buffer.alloc(1000));
    const paths = ["", "config.json", "zeros.model", "model.bst", "model.onnx", "nowhere"].map((name) => join(folder, name));
    for (const path of paths) expect(await xgboostPlatform.detect(path), path).toBeUndefined();
    await expect(xgboostPlatform.read(folder, never)).rejects.toMatchObject({ code: "not-found" });
  });
});
