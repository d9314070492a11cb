import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { ConfigFileReader, readConfigFile, writeConfigFile } from "./config-file.ts";
import { LabelRefusal } from "./version-labels.ts";

const root = mkdtempSync(join(tmpdir(), "modelport-"));
afterAll(() => rmSync(root, { recursive: true }));

const folder = () => mkdtempSync(join(root, "case-"));

const plain = (name: string): ModelConfig => ({
  name,
  basePath: `/${name}`,
  platform: "onnx",
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});

function file(name: string, text: string, mode = 0o640): string {
  const path = join(folder(), name);
  writeFileSync(path, text, { mode });
  return path;
}

describe("writing a config file", () => {
  test.each([
    [
      "models.yaml",
      "# ours\nmodels:\n  - {name: a, base_path: /a, platform: onnx} # first\n",
      /^# ours\nmodels:\n {2}- \{name: a.* # first\n/,
    ],
    ["models.json", '{"models": {"a": {"base_path": "/a", "platform": "onnx"}}}', /^\{\n {2}"models": \{\n {4}"a": \{/],
    ["models.json", '{"model_config_list": []}', /^\{\n {2}"model_config_list": \[/],
    [
      "models.config",
      'model_config_list { config { name: "a" base_path: "/a" model_platform: "onnx" } }',
      /^model_config_list \{/,
    ],
  ])("keeps the form of %s: %s", async (name, text, expected) => {
    const path = file(name, text);
    await writeConfigFile(path, [plain("a"), plain("b")]);
    expect(readFileSync(path, "utf8")).toMatch(expected);
    expect(await readConfigFile(path)).toEqual([plain("a"), plain("b")]);
  });

  test.each([
    ["models.yml", "models:\n  - name: a\n"],
    ["models.json", '{\n  "models": [\n'],
    ["models.config", "model_config_list {\n  config {\n"],
  ])("makes a file that is not there in the form that %s has", async (name, start) => {
    const path = join(folder(), name);
    await writeConfigFile(path, [plain("a")]);
    expect(readFileSync(path, "utf8").startsWith(start)).toBe(true);
    expect(await readConfigFile(path)).toEqual([plain("a")]);
  });

  test("keeps mode and owner, and leaves nothing else in the folder", async () => {
    const path = file("models.yaml", "models: []\n", 0o604);
    const before = statSync(path);
    await writeConfigFile(path, [plain("a")]);
    const after = statSync(path);
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect(after.ino).not.toBe(before.ino);
    expect(readdirSync(join(path, ".."))).toEqual(["models.yaml"]);
  });

  test("leaves a file alone that means these models already", async () => {
    const path = file("models.yaml", "models: [{name: a, base_path: /a, platform: onnx}]");
    const before = statSync(path);
    await writeConfigFile(path, [plain("a")]);
    expect(statSync(path).ino).toBe(before.ino);
  });

  test("goes through a symbolic link to its target", async () => {
    const here = folder();
    mkdirSync(join(here, "target"));
    writeFileSync(join(here, "target", "models.yaml"), "models: []\n");
    symlinkSync(join("target", "models.yaml"), join(here, "models.yaml"));
    await writeConfigFile(join(here, "models.yaml"), [plain("a")]);
    expect(lstatSync(join(here, "models.yaml")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(here, "target", "models.yaml"), "utf8")).toContain("name: a");
  });

  test("takes away what a killed process left, and nothing of another's that is being written", async () => {
    const path = file("models.yaml", "models: []\n");
    const left = (name: string) => join(path, "..", name);
    for (const name of [".models.yaml.0123456789ab.tmp", ".models.yaml.ba9876543210.tmp", ".models.yaml.swp"])
      writeFileSync(left(name), "half");
    utimesSync(left(".models.yaml.0123456789ab.tmp"), 0, 0);
    utimesSync(left(".models.yaml.swp"), 0, 0);
    await writeConfigFile(path, [plain("a")]);
    expect(readdirSync(join(path, "..")).sort()).toEqual([".models.yaml.ba9876543210.tmp", ".models.yaml.swp", "models.yaml"]);
  });

  test("refuses a file that is malformed now: somebody is at work on it", async () => {
    const path = file("models.yaml", "models:\n  - nam: a\n");
    await expect(writeConfigFile(path, [plain("a")])).rejects.toMatchObject({
      code: "failed-precondition",
      message:
        'the config file is not overwritten, it is malformed: models.yaml:2:5: a model has no key "nam" (did you mean name?)',
    });
    expect(readFileSync(path, "utf8")).toBe("models:\n  - nam: a\n");
  });

  test("refuses a file that somebody has changed since it was read, but for comments and order", async () => {
    const text = "models:\n  - {name: a, base_path: /a, platform: onnx}\n  - {name: b, base_path: /b, platform: onnx}\n";
    const path = file("models.yaml", text);
    const known = await readConfigFile(path);
    writeFileSync(path, text.replace("/b", "/elsewhere"));
    await expect(writeConfigFile(path, [plain("a")], {}, known)).rejects.toMatchObject({
      code: "failed-precondition",
      message: expect.stringContaining("somebody has changed it since it was read"),
    });
    expect(readFileSync(path, "utf8")).toContain("/elsewhere");
    const [head, first, second] = text.split("\n");
    writeFileSync(path, [head, second, "  # a comment", first, ""].join("\n"));
    await writeConfigFile(path, [plain("a")], {}, known);
    expect(readFileSync(path, "utf8")).toBe("models:\n  # a comment\n  - {name: a, base_path: /a, platform: onnx}\n");
  });

  test.each([
    ["Latin-1", Buffer.from("models: [{name: caf\u00e9, base_path: /m}]", "latin1")],
    ["UTF-16", Buffer.from("\ufeffmodels: []", "utf16le")],
  ])("refuses a file in %s, whose letters would be lost, and so does reading", async (_, bytes) => {
    const path = file("models.yaml", "");
    writeFileSync(path, bytes);
    const message = "--model_config_file models.yaml is not UTF-8 text";
    await expect(readConfigFile(path)).rejects.toMatchObject({ code: "invalid-argument", message });
    await expect(writeConfigFile(path, [plain("a")])).rejects.toMatchObject({ code: "failed-precondition", message });
    expect(readFileSync(path)).toEqual(bytes);
  });

  test("refuses a folder in its place, with the system's reason", async () => {
    const path = join(folder(), "models.yaml");
    mkdirSync(path);
    await expect(writeConfigFile(path, [plain("a")])).rejects.toMatchObject({
      code: "failed-precondition",
      message: "--model_config_file models.yaml cannot be read",
    });
    await expect(writeConfigFile(join(folder(), "none", "models.yaml"), [plain("a")])).rejects.toMatchObject({
      code: "failed-precondition",
      message: "--model_config_file models.yaml cannot be written (ENOENT)",
    });
  });
});

describe("a label that is refused", () => {
  test.each([
    [
      "models.yaml",
      "models:\n  - name: a\n    base_path: /a\n    labels:\n      new: 1\n      stable: 2\n",
      "models.yaml:6:15: ",
    ],
    ["models.json", '{"models": {"a": {"base_path": "/a",\n "labels": {"stable": 2}}}}', "models.json:2:23: "],
    [
      "stfs.json",
      '{"model_config_list": [{"name": "b", "base_path": "/b"},\n {"name": "a", "base_path": "/a", "labels": {"stable": 2}}]}',
      "stfs.json:2:56: ",
    ],
    [
      "models.config",
      'model_config_list {\n  config { name: "a" base_path: "/a" model_platform: "onnx"\n    version_labels { key: "stable" value: 2 } }\n}',
      "models.config:2:10: ",
    ],
  ])("has its place in %s", async (name, text, place) => {
    const reader = new ConfigFileReader(file(name, text), undefined);
    await reader.read();
    const refusal = new LabelRefusal("a", "stable", 2n);
    expect(await reader.placed(refusal)).toMatchObject({ code: "failed-precondition", message: `${place}${refusal.message}` });
  });

  test("has none when another reason refuses, or nothing was read", async () => {
    const reader = new ConfigFileReader(file("models.yaml", "models: []"), undefined);
    const [refusal, other] = [new LabelRefusal("a", "stable", 2n), new Error("other")];
    expect(await reader.placed(refusal)).toBe(refusal);
    await reader.read();
    expect(await reader.placed(other)).toBe(other);
  });
});

describe("reading a config file again", () => {
  const text = (platform: string) => `models: [{name: a, base_path: /a, platform: ${platform}}]`;

  test("gives what it gave while the text is the same, and the new models when it is not", async () => {
    const path = file("models.yaml", text("onnx"));
    const reader = new ConfigFileReader(path, undefined);
    const first = await reader.read();
    expect(await reader.read(first)).toBe(first);
    writeFileSync(path, "models: []");
    expect(await reader.read(first)).toEqual([]);
    writeFileSync(path, "models: [");
    await expect(reader.read()).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("refuses a model whose platform is another one by now, though the text is the same", async () => {
    const reader = new ConfigFileReader(file("models.yaml", text("onnx")), undefined);
    await reader.read();
    await expect(reader.read([{ ...plain("a"), platform: "tensorflow" }])).rejects.toMatchObject({
      message: expect.stringMatching(/^models\.yaml:1:45: Illegal to change a model's platform/),
    });
    expect(await reader.read([{ ...plain("b"), platform: "tensorflow" }])).toEqual([plain("a")]);
  });
});
