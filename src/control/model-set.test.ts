import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { ModelServerConfigSchema } from "../gen/tensorflow_serving/config/model_server_config_pb.ts";
import { modelSet, modelsFromMessage } from "./model-set.ts";

const MODEL = new URL("../../test/fixtures/onnx/bool_where/model.onnx", import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), "modelport-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A fresh folder with copies of a model under these names. */
function withModels(name: string, ...files: readonly string[]): string {
  const root = join(folder, name);
  mkdirSync(root, { recursive: true });
  for (const file of files) cpSync(MODEL, join(root, file), { recursive: true });
  return root;
}

function configFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const plain = (name: string, basePath: string): ModelConfig => ({
  name,
  basePath,
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});

describe("a single model", () => {
  test("is itself, now and for ever, whether its folder is there or not", async () => {
    const set = modelSet({ kind: "single", name: "m", basePath: "/not/there", platform: undefined });
    expect(await set.read()).toEqual([plain("m", "/not/there")]);
    expect(set.pollIntervalMs).toBeUndefined();
  });

  test("may name its platform", async () => {
    const set = modelSet({ kind: "single", name: "m", basePath: "/x", platform: "onnx" });
    expect(await set.read()).toEqual([{ ...plain("m", "/x"), platform: "onnx" }]);
  });

  test("of an unknown platform is refused with the known ones", () => {
    expect(() => modelSet({ kind: "single", name: "m", basePath: "/x", platform: "abacus" })).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        message: expect.stringMatching(/^--model_platform abacus is not known \(known: .*\bonnx\b/),
      }),
    );
  });
});

test("nothing chosen is refused with the ways to choose", () => {
  expect(() => modelSet({ kind: "none" })).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining("--model_config_file") }),
  );
});

describe("paths", () => {
  const paths = (list: readonly string[], name?: string, platform?: string) =>
    modelSet({ kind: "paths", paths: list, name, platform });

  test("are looked at again every second", () => expect(paths([folder]).pollIntervalMs).toBe(1000));

  test("give every model below them, with what was said of all", async () => {
    const one = withModels("several/a", "model.onnx");
    const two = withModels("several/b", "1/model.onnx", "2/model.onnx");
    const root = join(folder, "several");
    expect(await paths([root], undefined, "onnx").read()).toEqual([
      { ...plain("a", one), platform: "onnx" },
      { ...plain("b", two), platform: "onnx" },
    ]);
    expect(await paths([one, two]).read()).toEqual([plain("a", one), plain("b", two)]);
  });

  test("of one model take the name given", async () => {
    const root = withModels("renamed", "model.onnx");
    expect(await paths([root], "other").read()).toEqual([plain("other", root)]);
  });

  test("of several models take no name", async () => {
    const root = withModels("unnamed", "a.onnx", "b.onnx");
    await expect(paths([root], "other").read()).rejects.toMatchObject({
      code: "invalid-argument",
      message: "--model_name names one model, but there are 2: a, b",
    });
  });

  test("of two models of one name are refused", async () => {
    const one = withModels("left/twin", "model.onnx");
    const two = withModels("right/twin", "model.onnx");
    await expect(paths([one, two]).read()).rejects.toMatchObject({
      code: "invalid-argument",
      message: "two models are called twin; serve them from a --model_config_file",
    });
  });

  test("without a model give none", async () => {
    expect(await paths([withModels("empty")]).read()).toEqual([]);
  });

  test("that are not there are named as they were given", async () => {
    const missing = join(folder, "missing");
    await expect(paths([missing]).read()).rejects.toMatchObject({
      code: "not-found",
      message: `there is no file or folder "${missing}"`,
    });
  });

  test("refuse an unknown platform when they hold a model", async () => {
    const root = withModels("strange", "model.onnx");
    await expect(paths([root], undefined, "abacus").read()).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("a config file", () => {
  const read = (path: string) => modelSet({ kind: "config-file", path, pollIntervalMs: 0 }).read();

  test.each([
    [0, undefined],
    [2000, 2000],
  ])("with an interval of %d ms is read again every %s ms", (given, interval) => {
    expect(modelSet({ kind: "config-file", path: "/x", pollIntervalMs: given }).pollIntervalMs).toBe(interval);
  });

  test("names its models with policies and labels, in its order", async () => {
    const path = configFile(
      "good.config",
      `model_config_list {
        config { name: "b" base_path: "/b" model_platform: "onnx" model_version_policy { specific { versions: 3 versions: 1 } }
                 version_labels { key: "stable" value: 1 } }
        config { name: "__proto__" base_path: "/a" model_platform: "onnx" model_version_policy { all {} } }
      }`,
    );
    expect(await read(path)).toEqual([
      {
        name: "b",
        basePath: "/b",
        platform: "onnx",
        versionPolicy: { kind: "specific", versions: [3n, 1n] },
        labels: new Map([["stable", 1n]]),
        trafficSplit: NO_TRAFFIC_SPLIT,
      },
      { ...plain("__proto__", "/a"), platform: "onnx", versionPolicy: { kind: "all" } },
    ]);
  });

  test("is read anew each time", async () => {
    const path = configFile("changing.config", "model_config_list {}");
    const set = modelSet({ kind: "config-file", path, pollIntervalMs: 1000 });
    expect(await set.read()).toEqual([]);
    configFile("changing.config", 'model_config_list { config { name: "m" base_path: "/m" model_platform: "onnx" } }');
    expect((await set.read()).map(({ name }) => name)).toEqual(["m"]);
  });

  const model = (fields: string) => `model_config_list {\n  config { ${fields} }\n}`;
  test.each([
    ["an unknown field", model('name: "m" base_bath: "/x"'), /2:22: .*base_bath/],
    ["a wrong kind of value", model("name: 7"), /2:18: /],
    ["an end in the middle", "model_config_list {\n", /2:1: /],
    ["a platform nobody knows", model('name: "m" base_path: "/x" model_platform: "abacus"'), /abacus/],
    [
      "a relative base path",
      model('name: "m" base_path: "x" model_platform: "onnx"'),
      /Expected model m to have an absolute path/,
    ],
    [
      "a name twice",
      `model_config_list { ${'config { name: "m" base_path: "/x" model_platform: "onnx" } '.repeat(2)} }`,
      /Illegal to list model m multiple times/,
    ],
  ])("with %s is refused, saying where", async (_case, text, message) => {
    await expect(read(configFile("bad.config", text))).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
  });

  test("that is not there is named without its folder", async () => {
    const error = await read(join(folder, "none.config")).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: "not-found", message: "--model_config_file none.config cannot be read" });
  });
});

describe("a config message", () => {
  const message = (...names: readonly string[]) =>
    toBinary(
      ModelServerConfigSchema,
      create(ModelServerConfigSchema, {
        config: {
          case: "modelConfigList",
          value: { config: names.map((name) => ({ name, basePath: `/${name}`, modelPlatform: "onnx" })) },
        },
      }),
    );

  test("names its models", async () => {
    expect((await modelsFromMessage(message("a", "b"), [])).map(({ name, basePath }) => [name, basePath])).toEqual([
      ["a", "/a"],
      ["b", "/b"],
    ]);
  });

  test("is refused for a name twice", async () => {
    await expect(modelsFromMessage(message("a", "a"), [])).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("is refused for bytes that are no config", async () => {
    await expect(modelsFromMessage(new Uint8Array([0x0a, 0x7f]), [])).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
