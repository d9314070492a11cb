import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { catboostPlatform } from "./catboost-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/catboost");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

async function folderWith(...files: readonly (readonly [file: string, name: string])[]): Promise<string> {
  const folder = newFolder();
  for (const [file, name] of files) await cp(join(FIXTURES, "poisson", file), join(folder, name));
  return folder;
}

describe("a model is", () => {
  test.each([
    [
      "model.cbm, whatever lies beside it",
      [
        ["model.cbm", "model.cbm"],
        ["model.json", "a.json"],
      ] as const,
      "model.cbm",
    ],
    ["model.json", [["model.json", "model.json"]] as const, "model.json"],
    ["the only file that begins like one", [["model.cbm", "ranker.BIN"]] as const, "ranker.BIN"],
  ])("%s", async (_, files, chosen) => {
    const folder = await folderWith(...files);
    await writeFile(join(folder, "requirements.txt"), "catboost\n");
    await writeFile(join(folder, "config.json"), '{"trees": 7, "model": "none"}');
    expect(await catboostPlatform.detect(folder)).toEqual({ why: `holds ${chosen}, a CatBoost model` });
    expect(await catboostPlatform.read(folder, never)).toMatchObject({ runtime: "tabular" });
  });

  test("a bare file, whatever lies beside it", async () => {
    const folder = await folderWith(["model.cbm", "model.cbm"], ["model.json", "b.json"]);
    expect(await catboostPlatform.detect(join(folder, "b.json"))).toEqual({ why: "is a CatBoost model" });
    expect(await catboostPlatform.read(join(folder, "b.json"), never)).toMatchObject({ runtime: "tabular" });
  });

  test("one of several, which the reader cannot choose from", async () => {
    const folder = await folderWith(["model.json", "b.json"], ["model.cbm", "a.cbm"]);
    expect(await catboostPlatform.detect(folder)).toEqual({ why: "holds 2 CatBoost models" });
    await expect(catboostPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message:
        "which of the 2 CatBoost files is the model (a.cbm, b.json)? Name it model.cbm, or keep each in a folder of its own",
    });
  });

  test("not anything else", async () => {
    const folder = await folderWith(["model.cbm", ".hidden.cbm"], ["model.cbm", "model.onnx"]);
    await mkdir(join(folder, "model.cbm"));
    await writeFile(join(folder, "model.json"), '{"learner": {"version": [2, 1]}}');
    await writeFile(join(folder, "zeros.cbm"), Buffer.alloc(1000));
    for (const name of ["", "model.json", "zeros.cbm", "model.onnx", "nowhere"]) {
      expect(await catboostPlatform.detect(join(folder, name)), name).toBeUndefined();
    }
    await expect(catboostPlatform.read(folder, never)).rejects.toMatchObject({ code: "not-found" });
  });
});
