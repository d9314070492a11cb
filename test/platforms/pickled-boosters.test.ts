import { readFileSync } from "node:fs";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { catboostPickles, pickledCatboostPlatform } from "../../src/platforms/catboost/pickled-platform.ts";
import { lightgbmPickles, pickledLightgbmPlatform } from "../../src/platforms/lightgbm/pickled-platform.ts";
import { boostersOf, programOf } from "../../src/platforms/pickled-booster-platform.ts";
import { pickledXgboostPlatform, xgboostPickles } from "../../src/platforms/xgboost/pickled-platform.ts";
import { temporaryFolders } from "../support/folders.ts";

const FIXTURES = resolve(import.meta.dirname, "../fixtures");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

/** Pickles of each library and its platform. */
const PICKLES = [
  ["XGBoost", pickledXgboostPlatform, xgboostPickles, "xgboost/estimator_binary_v21/model.p4.pkl"],
  ["LightGBM", pickledLightgbmPlatform, lightgbmPickles, "lightgbm/estimator_words_v47/model.pkl"],
  ["CatBoost", pickledCatboostPlatform, catboostPickles, "catboost/pickled_words/model.pkl"],
] as const;

describe.each(PICKLES)("of %s,", (title, platform, library, file) => {
  const bytes = readFileSync(join(FIXTURES, file));

  test("a pickle is told by its first names, in a file or a folder", async () => {
    const folder = newFolder();
    await cp(join(FIXTURES, file), join(folder, "a.pickle"));
    await writeFile(join(folder, "b.pkl"), "\x80\x04\x8c\x0fsklearn.cluster", "latin1");
    await mkdir(join(folder, "model.pkl"));
    expect(await platform.detect(folder)).toEqual({ why: `holds a.pickle, a pickled ${title} model` });
    expect(await platform.detect(join(folder, "a.pickle"))).toEqual({ why: `is a pickled ${title} model` });
    expect(await platform.detect(join(folder, "b.pkl"))).toBeUndefined();
    await expect(platform.read(join(folder, "b.pkl"), never)).rejects.toMatchObject({ code: "not-found" });
    expect(await platform.read(folder, never)).toMatchObject({ runtime: "tabular", bytes: bytes.length });
  });

  test("a compressed pickle is read", async () => {
    const folder = newFolder();
    await writeFile(join(folder, "model.joblib.gz"), await promisify(gzip)(bytes));
    expect(await platform.read(folder, never)).toMatchObject({ runtime: "tabular" });
  });

  test("a pickle is refused wherever it breaks off", async () => {
    const folder = newFolder();
    for (let i = 0; i < 200; i++) {
      const part = bytes.subarray(0, Math.floor((bytes.length * i) / 200));
      const error = await programOf(part, part.length, library, never).catch((reason: unknown) => reason);
      expect(error, `cut to ${part.length} bytes`).toMatchObject({ code: "data-loss" });
    }
    await writeFile(join(folder, "sales.pkl"), bytes.subarray(0, bytes.length / 2));
    await expect(platform.read(folder, never)).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^sales\.pkl: /),
    });
  });

  test("a pickle is refused or read as plain data, whatever is changed in it", async () => {
    const edit = fc.record({
      at: fc.oneof(fc.nat(bytes.length - 1), fc.nat(600)),
      put: fc.uint8Array({ minLength: 1, maxLength: 4 }).map((each) => Buffer.from(each)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const changed = Buffer.from(bytes);
        for (const { at, put } of edits) put.copy(changed, at);
        const program = await programOf(changed, changed.length, library, never).catch((reason: unknown) => {
          expect(reason).toBeInstanceOf(ServingError);
          expect((reason as ServingError).code).not.toBe("internal");
        });
        if (program !== undefined) expect(program.operations.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["os.system", "cos\nsystem\n(S'ls'\ntR."],
    ["builtins.eval", "c__builtin__\neval\n(S'1'\ntR."],
    ["subprocess.Popen", "\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93)R."],
    ["posix.system", "cposix\nsystem\n."],
  ])("a pickle that calls %s is refused by the name", async (name, pickle) => {
    await expect(programOf(Buffer.from(pickle, "latin1"), 1, library, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message: `the pickle calls ${name}, which is not a model's part`,
    });
  });

  test("a pickle of something else is refused, and says who can serve it", async () => {
    const folder = newFolder();
    const module = file.slice(0, file.indexOf("/"));
    await writeFile(join(folder, "model.pkl"), `(dS'${module}.core ${module}.basic'\nK\x01s.`, "latin1");
    await expect(platform.read(folder, never)).rejects.toMatchObject({
      code: "unimplemented",
      message: `model.pkl: the pickle holds something else, not a booster of ${title}: a Python worker can serve it (--allow_code)`,
    });
  });

  test("an estimator that was not trained is refused as damaged", async () => {
    const name = {
      XGBoost: "xgboost.sklearn\nXGBClassifier",
      LightGBM: "lightgbm.sklearn\nLGBMClassifier",
      CatBoost: "catboost.core\nCatBoost",
    }[title];
    await expect(programOf(Buffer.from(`ccopy_reg\n__newobj__\n(c${name}\ntR}b.`), 1, library, never)).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/ has no (booster|model) \(is it fitted\?\)$/),
    });
  });
});

test("boosters of several libraries are read by their own", async () => {
  const boosters = boostersOf(PICKLES.map(([, , library]) => library));
  const name = (full: string) => ({
    full,
    module: full.slice(0, full.lastIndexOf(".")),
    name: full.slice(full.lastIndexOf(".") + 1),
  });
  expect(
    ["xgboost.core.Booster", "lightgbm.basic.Booster", "catboost.core.CatBoost"].map((each) =>
      boosters.allows(name(each) as never),
    ),
  ).toEqual([true, true, true]);
  expect(boosters.allows(name("os.system") as never)).toBe(false);
});
