import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { zip } from "../../src/base/zip/test-zip.ts";
import { ZipArchive } from "../../src/base/zip/zip-archive.ts";
import { compileMojo } from "../../src/platforms/h2o/compile-mojo.ts";
import { unservedH2oPlatform } from "../../src/platforms/h2o/unserved-platform.ts";
import { detectPlatform } from "../../src/platforms/registry.ts";
import { readXgboost } from "../../src/platforms/xgboost/read-xgboost.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { askProgram, filesOf, iniOf, readMojoAt } from "../support/h2o.ts";
import { compareTabular, type TabularTensor, tabularModels } from "../support/tabular-golden.ts";

const folder = temporaryFolders();
const NEVER = new AbortController().signal;
const MODELS = tabularModels("h2o", /^model\.zip$/);

describe("a MOJO answers as h2o-genmodel does", () => {
  // XGBoost and word vectors are float32 in H2O too.
  test.each(MODELS)("$name", async ({ name, path, cases }) => {
    const tolerance = /xgb|stack_regression|word2vec/.test(name) ? 1e-6 : 1e-9;
    const program = await readMojoAt(path);
    for (const [index, { inputs, outputs = {} }] of cases.entries()) {
      const answers = await askProgram(program, inputs, Object.keys(outputs));
      for (const [alias, wanted] of Object.entries(outputs)) {
        compareTabular(answers.get(alias)!, wanted, tolerance, `case ${index}, ${alias}`);
      }
    }
  });
});

test("a MOJO that was unpacked answers as its archive does", async () => {
  const path = fixture("h2o", "stacked_ensemble", "model.zip");
  const unpacked = await unpack(path, join(folder(), "1"));
  expect((await detectPlatform(unpacked)).why).toBe("holds the files of an H2O MOJO");
  const { inputs } = MODELS.find(({ name }) => name.startsWith("stacked_ensemble"))!.cases[0]!;
  expect(await askProgram(await readMojoAt(unpacked), inputs)).toEqual(await askProgram(await readMojoAt(path), inputs));
});

test("columns that a request leaves out are missing", async () => {
  const program = await readMojoAt(fixture("h2o", "gbm_binomial", "model.zip"));
  const age: TabularTensor = { dtype: "float64", shape: [2], data: [30, 70] };
  const missing: TabularTensor = { dtype: "float64", shape: [2], data: ["NaN", "NaN"] };
  const none: TabularTensor = { dtype: "string", shape: [2], data: [null, null] };
  const all = await askProgram(program, { AGE: age, PSA: missing, VOL: missing, CITY: none, PLAN: none });
  expect(await askProgram(program, { AGE: age })).toEqual(all);
});

test("an offset is an input of its own, which is 0 when it is left out", async () => {
  const program = await readMojoAt(fixture("h2o", "own_glm_offset", "model.zip"));
  const age: TabularTensor = { dtype: "float64", shape: [1], data: [30] };
  const valueWith = async (offset: number) => {
    const answers = await askProgram(program, { AGE: age, OFF: { dtype: "float64", shape: [1], data: [offset] } });
    return Number(answers.get("value")!.data[0]);
  };
  expect((await askProgram(program, { AGE: age })).get("value")!.data[0]).toBe(await valueWith(0));
  expect((await valueWith(2)) / (await valueWith(0))).toBeCloseTo(Math.exp(2), 9);
});

test("classifiers and regressors are known as such", async () => {
  expect((await readMojoAt(fixture("h2o", "gbm_binomial", "model.zip"))).classes?.labels).toEqual(["no", "yes"]);
  expect((await readMojoAt(fixture("h2o", "own_gbm_tweedie", "model.zip"))).regression).toBeDefined();
});

describe("damaged archives", () => {
  const bytes = readFileSync(fixture("h2o", "own_gbm_platt", "model.zip"));

  test("one that is cut off anywhere is refused by its name", async () => {
    const path = join(folder(), "model.zip");
    for (let i = 0; i < 200; i++) {
      writeFileSync(path, bytes.subarray(0, Math.floor((i * bytes.length) / 200)));
      const error = await failureOf(readMojoAt(path));
      expect(["data-loss", "not-found"]).toContain(error.code);
      if (i > 0) expect(error.message).toContain("model.zip");
    }
  });

  test("one with another byte is refused, or answers", async () => {
    const path = join(folder(), "model.zip");
    for (let i = 0; i < 200; i++) {
      const changed = Buffer.from(bytes);
      changed[Math.floor((i * bytes.length) / 200)]! ^= 0x55;
      writeFileSync(path, changed);
      const read = await readMojoAt(path).catch((reason: unknown) => reason);
      if (read instanceof ServingError) expect(read.code).not.toBe("internal");
      else expect(read).toHaveProperty("runtime", "tabular");
    }
  });
});

describe("hostile archives", () => {
  const write = (members: Parameters<typeof zip>[0]): string => {
    const path = join(folder(), "model.zip");
    writeFileSync(path, zip(members));
    return path;
  };

  test("one that unpacks to far more than it is, is refused before it is read", async () => {
    const path = write([
      { name: "model.ini", content: iniOf({ algorithm: "K-means" }) },
      { name: "trees/t00_000.bin", content: Buffer.alloc(120 << 20) },
    ]);
    const error = await failureOf(readMojoAt(path));
    expect(error.code).toBe("resource-exhausted");
    expect(error.message).toContain("model.zip has");
  });

  test("one with names that lead out of it is refused", async () => {
    const path = write([
      { name: "model.ini", content: iniOf({ algorithm: "K-means" }) },
      { name: "../model.ini", content: "" },
    ]);
    // Its directory is no longer believed, so that its first file tells what it is.
    expect((await failureOf(readMojoAt(path))).message).toContain('the archive "model.zip" is damaged');
  });

  test("a domain of more levels than its file has is refused without making room for them", async () => {
    const ini = iniOf({ algorithm: "K-means" }, ["a"], ["0: 999999999 d000.txt"]);
    const error = await failureOf(compile({ "model.ini": ini, "domains/d000.txt": "x\ny\n" }));
    expect(error.message).toContain("domains/d000.txt has 2 lines where 999999999 are expected");
  });

  test("models in models end at a depth", async () => {
    const contents: Record<string, string> = {};
    for (let i = 0; i < 20; i++) {
      const settings = {
        algorithm: "Stacked Ensemble",
        submodel_count: 1,
        submodel_key_0: "k",
        submodel_dir_0: "m/",
        base_models_num: 1,
        base_model0: "k",
        metalearner: "k",
      };
      contents[`${"m/".repeat(i)}model.ini`] = iniOf(settings);
    }
    const error = await failureOf(compile(contents));
    expect(error.code).toBe("unimplemented");
    expect(error.message).toContain("a model in more than 8 others");
  });

  test("a model that contains itself is refused", async () => {
    const settings = { algorithm: "Stacked Ensemble", submodel_count: 1, submodel_key_0: "k", submodel_dir_0: "" };
    expect((await failureOf(compile({ "model.ini": iniOf(settings) }))).code).toBe("data-loss");
  });

  test("models that are there many times on each level are refused before there are millions", async () => {
    const contents: Record<string, string> = {};
    const bases = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`base_model${i}`, "next"] as const));
    const linear = (columns: readonly string[]): string =>
      iniOf(
        {
          algorithm: "Generalized Linear Modeling",
          family: "gaussian",
          link: "identity",
          cats: 0,
          nums: columns.length,
          beta: `[${[...columns.map(() => 1), 0].join(", ")}]`,
        },
        columns,
      );
    for (let i = 0; i < 6; i++) {
      contents[`${"m/".repeat(i)}model.ini`] = iniOf({
        algorithm: "Stacked Ensemble",
        submodel_count: 2,
        submodel_key_0: "next",
        submodel_dir_0: "m/",
        submodel_key_1: "last",
        submodel_dir_1: "g/",
        base_models_num: 40,
        metalearner: "last",
        ...bases,
      });
      contents[`${"m/".repeat(i)}g/model.ini`] = linear(Object.keys(bases));
    }
    contents[`${"m/".repeat(6)}model.ini`] = linear(["a"]);
    const error = await failureOf(compile(contents));
    expect(error.message).toContain("a model of more than 2000 others");
  });

  test("counts of trees, rules and weights that nothing is behind are refused", async () => {
    const cases: readonly Record<string, string | number>[] = [
      { algorithm: "Gradient Boosting Machine", distribution: "gaussian", init_f: 0, n_trees: 1e12 },
      {
        algorithm: "Generalized Linear Modeling",
        family: "gaussian",
        link: "identity",
        cats: 1,
        nums: 0,
        cat_offsets: "[0, 99999999]",
        beta: "[1.0]",
      },
      {
        algorithm: "Deep Learning",
        cats: 0,
        nums: 1,
        neural_network_sizes: "[1, 9999999]",
        use_all_factor_levels: "true",
        activation: "Tanh",
      },
      { algorithm: "K-means", standardize: "false", center_num: 1000000 },
      { algorithm: "Extended Isolation Forest", ntrees: 1000000 },
    ];
    for (const settings of cases) expect((await failureOf(compile({ "model.ini": iniOf(settings) }))).code).toBe("data-loss");
  });
});

describe("what is not covered is refused by its name", () => {
  const cases: readonly (readonly [string, Record<string, string | number>])[] = [
    ["Generalized Low Rank Modeling", { algorithm: "Generalized Low Rank Modeling" }],
    ["Generalized Additive Model", { algorithm: "Generalized Additive Model" }],
    ["k-LIME", { algorithm: "k-LIME" }],
    ["MOJO Pipeline", { algorithm: "MOJO Pipeline" }],
    ["the distribution custom", { algorithm: "Gradient Boosting Machine", distribution: "custom", n_trees: 0, init_f: 0 }],
    ["version 1.5 of the format", { algorithm: "Gradient Boosting Machine", mojo_version: "1.50" }],
    ["byte order BIG_ENDIAN", { algorithm: "K-means", endianness: "BIG_ENDIAN" }],
    ["the categorical encoding Odd", { algorithm: "Gradient Boosting Machine", _genmodel_encoding: "Odd" }],
  ];

  test.each(cases)("%s", async (named, settings) => {
    const error = await failureOf(compile({ "model.ini": iniOf(settings) }));
    expect(error.code).toBe("unimplemented");
    expect(error.message).toContain("model.zip");
    expect(error.message).toContain(named);
  });
});

describe("models of H2O that are no MOJOs", () => {
  const java = "/*\n  Licensed under the Apache License, Version 2.0\n\n  AUTOGENERATED BY H2O at 2026-11-29T20:42:47.238Z\n*/";
  const cases: readonly (readonly [string, string | Buffer, string])[] = [
    ["GBM_model_1", Buffer.from("1ced09332e34362e302e36018d2f", "hex"), "a binary model of H2O"],
    ["GBM_model_1.java", java, "a POJO of H2O"],
    ["model.zip", zip([{ name: "GBM_model_1.java", content: java }]), "a POJO of H2O"],
  ];

  test.each(cases)("%s is refused with what to do", async (name, content, what) => {
    const path = join(folder(), name);
    writeFileSync(path, content);
    expect((await detectPlatform(path)).platform).toBe(unservedH2oPlatform);
    const error = await failureOf(unservedH2oPlatform.read(path));
    expect(error.code).toBe("unimplemented");
    expect(error.message).toContain(`${name} is ${what}`);
    expect(error.message).toContain("model.download_mojo()");
  });

  test("an archive of something else is nobody's", async () => {
    const path = join(folder(), "model.zip");
    writeFileSync(path, zip([{ name: "readme.txt", content: "nothing" }]));
    await expect(detectPlatform(path, "h2o")).rejects.toThrow("holds no model that can be served");
  });
});

function compile(contents: Readonly<Record<string, string>>): Promise<unknown> {
  return compileMojo(filesOf(contents), readXgboost, NEVER);
}

async function unpack(path: string, to: string): Promise<string> {
  const archive = await ZipArchive.open(path);
  for (const entry of archive.entries) {
    mkdirSync(dirname(join(to, entry.name)), { recursive: true });
    writeFileSync(join(to, entry.name), await archive.read(entry, NEVER));
  }
  return to;
}

async function failureOf(promise: Promise<unknown>): Promise<ServingError> {
  const reason = await promise.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => error,
  );
  if (!(reason instanceof ServingError)) throw reason;
  return reason;
}
