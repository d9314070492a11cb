import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { pmmlPlatform } from "./pmml-platform.ts";

const MODEL = resolve(import.meta.dirname, "../../../test/fixtures/pmml/linreg/model.pmml");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

async function folderWith(...names: string[]): Promise<string> {
  const folder = newFolder();
  for (const name of names) await cp(MODEL, join(folder, name));
  return folder;
}

describe("a model is", () => {
  test.each([
    ["model.pmml, whatever lies beside it", ["other.pmml", "model.pmml"], "model.pmml"],
    ["the only document with PMML's root", ["sales.xml"], "sales.xml"],
  ])("%s", async (_, names, chosen) => {
    const folder = await folderWith(...names);
    await writeFile(join(folder, "pom.xml"), "<project/>");
    expect(await pmmlPlatform.detect(folder)).toEqual({ why: `holds ${chosen}, a PMML document` });
    expect(await pmmlPlatform.read(folder, never)).toMatchObject({ runtime: "tabular", bytes: 1640 });
  });

  test("a bare file, whatever lies beside it", async () => {
    const file = join(await folderWith("model.pmml", "b.PMML"), "b.PMML");
    expect(await pmmlPlatform.detect(file)).toEqual({ why: "is a PMML document" });
    expect(await pmmlPlatform.read(file, never)).toMatchObject({ runtime: "tabular" });
  });

  test("known by its root behind a long comment, with a prefix, and in UTF-16", async () => {
    const folder = newFolder();
    await writeFile(join(folder, "a.xml"), `<?xml version="1.0"?><!-- ${"x".repeat(3000)} --><p:PMML version="4.4"/>`);
    await writeFile(join(folder, "b.xml"), Buffer.from('\ufeff<PMML version="4.4"/>', "utf16le"));
    for (const name of ["a.xml", "b.xml"]) expect(await pmmlPlatform.detect(join(folder, name))).toBeDefined();
  });

  test("one of several, which the reader cannot choose from", async () => {
    const folder = await folderWith("b.pmml", "a.xml");
    expect(await pmmlPlatform.detect(folder)).toEqual({ why: "holds 2 PMML documents" });
    await expect(pmmlPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message:
        "which of the 2 PMML documents is the model (a.xml, b.pmml)? Name it model.pmml, or keep each in a folder of its own",
    });
  });

  test("not anything else", async () => {
    const folder = await folderWith(".hidden.pmml", "model.txt");
    await mkdir(join(folder, "model.pmml"));
    await writeFile(join(folder, "rules.xml"), "<PMMLike/>");
    for (const path of [folder, join(folder, "rules.xml"), join(folder, "nowhere")]) {
      expect(await pmmlPlatform.detect(path)).toBeUndefined();
    }
    await expect(pmmlPlatform.read(folder, never)).rejects.toMatchObject({ code: "not-found" });
  });
});
