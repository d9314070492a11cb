import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { readConfigFile } from "../../src/control/config-file.ts";
import { fixture, publishVersion, temporaryFolders } from "../support/folders.ts";
import { states } from "../support/model-status.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, runCommand, startServer } from "../support/server.ts";

const HALF_PLUS_TWO = fixture("identity", "saved_model_half_plus_two_2_versions", "123", "model.onnx");
const WRITER = new URL("./write-config-for-ever.mjs", import.meta.url).pathname;

let server: RunningServer | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** A folder with versions 1 and 2 of the model `half`. */
function withModel(): string {
  const root = folder();
  for (const version of ["1", "2"]) cpSync(HALF_PLUS_TWO, join(root, "half", version, "model.onnx"), { recursive: true });
  return root;
}

/** Replaces a file as a whole, as a careful deployer does. */
function put(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

const predict = async (path: string) => (await rest(`${server!.url}/v1/models/${path}:predict`, '{"instances": [1.0]}')).status;

/** How often an event was logged. */
const logged = (event: string) => logLines(server!).filter(({ msg }) => msg === event).length;

/** Sends SIGHUP and resolves with the error that was logged, or undefined when the config came into force. */
async function hangUp(): Promise<string | undefined> {
  const [good, bad] = [logged("config_reloaded"), logged("models_not_reloaded")];
  server!.process.kill("SIGHUP");
  await eventually(() => logged("config_reloaded") > good || logged("models_not_reloaded") > bad);
  return logged("models_not_reloaded") > bad
    ? logLines(server!).findLast(({ msg }) => msg === "models_not_reloaded")!.error
    : undefined;
}

describe("a server starts from", () => {
  test.each<[string, string, (root: string) => string, string]>([
    [
      "TensorFlow Serving's text format",
      "models.config",
      (root) => `model_config_list { config { name: "half" base_path: "${root}/half" model_platform: "onnx" } }`,
      "2:AVAILABLE",
    ],
    [
      "our own YAML, with a path relative to it, the platform detected, labels and a traffic split",
      "models.yaml",
      () => `models:
  half:
    base_path: half
    version_policy: all
    labels: {stable: 1, canary: 2}
    traffic_split: {stable: 1, canary: 1}
`,
      "2:AVAILABLE 1:AVAILABLE",
    ],
    [
      "our own JSON",
      "models.json",
      () => '{"models": [{"name": "half", "base_path": "./half", "version_policy": {"specific": [1]}}]}',
      "1:AVAILABLE",
    ],
    [
      "Simple TensorFlow Serving's JSON",
      "stfs.json",
      (root) => JSON.stringify({ model_config_list: [{ name: "half", base_path: `${root}/half`, platform: "pytorch_onnx" }] }),
      "2:AVAILABLE 1:AVAILABLE",
    ],
  ])("%s", async (_, name, config, expected) => {
    const root = withModel();
    writeFileSync(join(root, name), config(root));
    server = await startServer([
      `--model_config_file=${join(root, name)}`,
      "--allow_version_labels_for_unavailable_models",
      "--threads=1",
    ]);
    await eventually(async () => sorted(await states(server!.url, "half")) === sorted(expected));
    expect(await predict("half")).toBe(200);
    if (name === "models.yaml") expect(await predict("half/labels/canary")).toBe(200);
  });
});

function sorted(text: string): string {
  return text.split(" ").sort().join(" ");
}

describe("a config file that cannot be used ends the start", () => {
  test.each([
    [
      "models.yaml",
      "models:\n  - name: m\n    base_pth: /m\n",
      'models.yaml:3:5: a model has no key "base_pth" (did you mean base_path?)',
    ],
    [
      "models.json",
      '{"models": [\n  {"name": "m", "base_path": "/m", "platform": "abacus"}]}',
      "models.json:2:48: Model m requests",
    ],
    ["stfs.json", '{"model_config_list": [{"name": "m"}]}', "stfs.json:1:24: model_config_list[0].base_path is missing"],
    [
      "models.config",
      "model_config_list {\n  confg {}\n}",
      "Error parsing text-format tensorflow.serving.ModelServerConfig: 2:3: ",
    ],
    [
      "models.config",
      'model_config_list {\n  config { name: "m" base_path: "m" model_platform: "onnx" }\n}',
      "models.config:2:10: Expected model m to have an absolute path or URI; got base_path()=m",
    ],
  ])("%s: %j", async (name, text, message) => {
    const path = join(folder(), name);
    writeFileSync(path, text);
    const ways = [["check-config", path]];
    if (name === "models.yaml") ways.push([`--model_config_file=${path}`, "--port=0", `--grpc_socket_path=${path}.sock`]);
    for (const { code, stderr } of await Promise.all(ways.map(runCommand))) {
      expect([code, stderr]).toEqual([2, expect.stringContaining(`modelport: ${message}`)]);
    }
  });
});

test("a label that is refused at the start is named by its place", async () => {
  const root = withModel();
  const path = join(root, "models.yaml");
  writeFileSync(path, "models:\n  half:\n    base_path: half\n    labels:\n      stable: 2\n");
  const { code, stderr } = await runCommand([`--model_config_file=${path}`, "--port=0", `--grpc_socket_path=${path}.sock`]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("modelport: models.yaml:5:15: Request to assign label to version 2 of model half"),
  ]);
});

test("check-config prints the models of a file, and loads nothing", async () => {
  const path = join(folder(), "models.yaml");
  writeFileSync(path, "models:\n  - {name: iris, base_path: /not/there, version_policy: all}\n");
  const { code, stdout, stderr } = await runCommand(["check-config", path]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/iris +detected +all +- +\/not\/there\n$/);
});

describe("a running server", () => {
  test("reads its config file again on SIGHUP, and a bad one changes nothing", async () => {
    const root = withModel();
    const path = join(root, "models.yaml");
    const model = (name: string, more = "") => `  - {name: ${name}, base_path: half${more}}\n`;
    writeFileSync(path, `models:\n${model("a")}`);
    server = await startServer([`--model_config_file=${path}`, "--threads=1"]);
    expect(await predict("a")).toBe(200);

    put(path, `models:\n${model("a", ", labels: {stable: 2}")}${model("b")}`);
    expect(await hangUp()).toBeUndefined();
    await eventually(async () => (await predict("b")) === 200);
    expect(await predict("a/labels/stable")).toBe(200);

    for (const [text, message] of [
      ["models:\n  - {name: a", /^models\.yaml:\d:\d+: /],
      [`models:\n${model("a")}${model("a")}`, "models.yaml:3:12: Illegal to list model a multiple times in config list"],
      [`models:\n${model("a", ", platform: abacus")}`, "models.yaml:2:42: Model a requests unsupported platform abacus"],
      [
        `models:\n${model("b", ", labels: {stable: 7}")}`,
        /^models\.yaml:2:49: Request to assign label to version 7 of model b, which is not currently available for inference$/,
      ],
    ] as const) {
      put(path, text);
      expect(await hangUp()).toMatch(message);
      expect([await predict("a"), await predict("a/labels/stable"), await predict("b")]).toEqual([200, 200, 200]);
    }

    put(path, `models:\n${model("b")}`);
    expect(await hangUp()).toBeUndefined();
    await eventually(async () => (await predict("a")) === 404);
    expect(await predict("b")).toBe(200);
  });

  test("reads its config file at the interval, logs a bad one once, and goes on", async () => {
    const root = withModel();
    const path = join(root, "models.config");
    const config = (name: string) =>
      `model_config_list { config { name: "${name}" base_path: "${root}/half" model_platform: "onnx" } }`;
    writeFileSync(path, config("a"));
    server = await startServer([`--model_config_file=${path}`, "--model_config_file_poll_wait_seconds=1", "--threads=1"]);

    writeFileSync(path, config("b").slice(0, 40));
    await eventually(() => logged("models_not_reloaded") === 1);
    expect(await predict("a")).toBe(200);
    put(path, JSON.stringify({ models: { b: { base_path: "half" } } }));
    await eventually(async () => (await predict("b")) === 200);
    await eventually(async () => (await predict("a")) === 404);
    expect([logged("models_not_reloaded"), logged("config_reloaded")]).toEqual([1, 1]);
  });

  test("that serves a folder looks at it again on SIGHUP", async () => {
    const root = withModel();
    server = await startServer([join(root, "half"), "--file_system_poll_wait_seconds=0", "--threads=1"]);
    publishVersion(join(root, "half"), 3, HALF_PLUS_TWO);
    expect(await hangUp()).toBeUndefined();
    await eventually(async () => (await states(server!.url, "half")).includes("3:AVAILABLE"));
  });
});

test("a config file whose writer is killed is always whole, 20 times over", async () => {
  const root = folder();
  const path = join(root, "models.yaml");
  writeFileSync(path, "models: []\n");
  const counts = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const writer = spawn(process.execPath, [WRITER, path], { stdio: ["ignore", "pipe", "inherit"] });
    // It says so after each write: then it is in the middle of the next one.
    for (let turn = 0; turn <= (round * 7) % 10; turn++) await once(writer.stdout, "data");
    writer.kill("SIGKILL");
    await once(writer, "close");
    counts.add((await readConfigFile(path)).length);
  }
  expect(counts.size).toBeGreaterThan(1);
  const others = readdirSync(root).filter((name) => !/^(?:models\.yaml|\.models\.yaml\.[0-9a-f]{12}\.tmp)$/.test(name));
  expect(others).toEqual([]);
});
