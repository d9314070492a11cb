import { describe, expect, test } from "vitest";
import { isTextFormat, parseModelConfigFile } from "./model-config-file.ts";
import type { ModelConfigRules } from "./model-config-rules.ts";

const rules: ModelConfigRules = { platforms: ["onnx"] };

describe("the form of a config file is told", () => {
  test.each([
    ["model_config_list { }", "models.config", true],
    ["model_config_list: {}", "models.yaml", true],
    ["# comment\n\n  model_config_list # another\n  <config {}>", "models.yaml", true],
    ["\ufeffmodel_config_list\n{}", "models.json", true],
    ["custom_model_config {}", "models", true],
    ["", "models.config", true],
    ["model_config_lits {}", "models.config", true],
    ["", "models.yaml", false],
    ["model_config_lits {}", "models.yml", false],
    ["models: []", "models.config", false],
    ["# comment\nmodels:\n  - name: a", "models", false],
    ['{"models": []}', "models.config", false],
    ['\ufeff{"model_config_list": []}', "models.txt", false],
    ["model_config_list:\n  - name: a", "models.config", false],
    ["---\nmodels: []", "models.config", false],
    // A comment that could be cut into comments in more ways than there is time for.
    [`model_config_list: ${"#".repeat(80)}\n  - name: a`, "models.config", false],
    [`model_config_list ${"#".repeat(80)}\n{}`, "models.yaml", true],
  ])("of %j in %s: text format %s", (text, path, expected) => expect(isTextFormat(text, path)).toBe(expected));
});

describe("a model config file", () => {
  test.each([
    ["models.config", 'model_config_list { config { name: "m" base_path: "/m" model_platform: "onnx" } }', "text-format"],
    ["models.yaml", "models: [{name: m, base_path: /m, platform: onnx}]", "document"],
    ["models.config", '{"models": {"m": {"base_path": "/m", "platform": "onnx"}}}', "document"],
    [
      "models.json",
      '{"model_config_list": [{"name": "m", "base_path": "/m", "platform": "onnx", "version_policy": "latest"}]}',
      "document",
    ],
  ])("is read whatever its form: %s, %s", async (path, text, kind) => {
    const file = await parseModelConfigFile(text, `/srv/${path}`, rules);
    expect(file.kind).toBe(kind);
    expect(file.models).toEqual([
      {
        name: "m",
        basePath: "/m",
        platform: "onnx",
        versionPolicy: { kind: "latest", count: 1 },
        labels: new Map(),
        trafficSplit: new Map(),
      },
    ]);
  });

  test("has relative base paths below its own folder, below the working folder, or below the one that is told", async () => {
    const path = async (text: string) =>
      (await parseModelConfigFile(text, "/srv/models.config", { ...rules, rootFolder: "/root" })).models[0]!.basePath;
    expect(await path("models: [{name: m, base_path: ../m}]")).toBe("/m");
    expect(await path('{"model_config_list": [{"name": "m", "base_path": "m"}]}')).toBe(`${process.cwd()}/m`);
    expect(await path('model_config_list { config { name: "m" base_path: "m" model_platform: "onnx" } }')).toBe("/root/m");
  });

  test.each([
    [
      'model_config_list { config { name: "m" base_path: "m" model_platform: "onnx" } }',
      "models.config:1:28: Expected model m to have an absolute path or URI; got base_path()=m",
    ],
    [
      "model_config_list {\n  confg {} }",
      'Error parsing text-format tensorflow.serving.ModelServerConfig: 2:3: message tensorflow.serving.ModelConfigList has no field "confg"',
    ],
    ["models: [", /^models\.config:\d:\d+: /],
  ])("that is malformed is refused by name, line and column: %j", async (text, message) => {
    await expect(parseModelConfigFile(text, "/srv/models.config", rules)).rejects.toMatchObject({
      code: "invalid-argument",
      message: typeof message === "string" ? message : expect.stringMatching(message),
    });
  });
});
