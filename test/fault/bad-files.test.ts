import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { modelStatus, type VersionState } from "../support/model-status.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const WHOLE = readFileSync(fixture("onnx", "torch_mlp", "model.onnx"));
/** The whole file is cut at each of these; as many as the first kilobyte holds lie there, where its structure is. */
const CUTS = 200;
const OFFSETS = Array.from({ length: CUTS }, (_, i) =>
  i % 2 === 0 ? 1 + Math.floor((1000 * i) / CUTS) : Math.floor((WHOLE.length * i) / CUTS),
);
const asRoot = process.getuid?.() === 0;

const ODD_MODELS = [["unknown-operator", "unknown_operator.onnx"]] as const;

/** A model whose first input has an element type that ONNX does not have. */
function withUnknownType(): Buffer {
  const bytes = readFileSync(HALF_PLUS_TWO);
  // ValueInfoProto.type.tensor_type.elem_type = FLOAT: fields 2, 1, 1 of onnx.proto, before a shape.
  const at = bytes.indexOf(Buffer.from([0x08, 0x01, 0x12]));
  bytes[at + 1] = 99;
  return bytes;
}

const models = temporaryFolder();
let server: RunningServer;

/** A version folder, with a file beside the model as many have: a folder without a single byte is not loaded at all. */
function versionFolder(model: string): string {
  const path = join(models.path, model, "1");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "labels.txt"), "cat\ndog\n");
  return path;
}

beforeAll(async () => {
  cpSync(HALF_PLUS_TWO, join(models.path, "good", "1", "model.onnx"), { recursive: true });
  for (const offset of OFFSETS) writeFileSync(join(versionFolder(`cut-${offset}`), "model.onnx"), WHOLE.subarray(0, offset));
  for (const [model, file] of ODD_MODELS) cpSync(fixture("onnx_runtime", file), join(versionFolder(model), "model.onnx"));
  writeFileSync(join(versionFolder("unknown-type"), "model.onnx"), withUnknownType());
  writeFileSync(join(versionFolder("zero"), "model.onnx"), "");
  mkdirSync(join(versionFolder("folder"), "model.onnx"));
  symlinkSync("model.onnx", join(versionFolder("loop"), "model.onnx"));
  symlinkSync(join(models.path, "good", "1", "gone.onnx"), join(versionFolder("dangling"), "model.onnx"));
  execFileSync("mkfifo", [join(versionFolder("fifo"), "model.onnx")]);
  writeFileSync(join(versionFolder("closed"), "model.onnx"), WHOLE);
  chmodSync(join(models.path, "closed", "1", "model.onnx"), 0);
  mkdirSync(join(models.path, "nothing", "1"), { recursive: true });
  writeFileSync(join(models.path, "nothing", "1", "model.onnx"), "");
  server = await startServer([models.path], { until: "listening" });
});

afterAll(async () => {
  await server?.stop();
  models.remove();
});

/** The version of a model once it has ended. */
async function ended(model: string): Promise<VersionState> {
  return await eventually(async () => {
    const [version] = await modelStatus(server.url, model);
    return version?.state === "END" && version;
  });
}

describe("a version that cannot be loaded ends with a reason that names its file", () => {
  test(`cut at each of ${CUTS} places`, async () => {
    for (const offset of OFFSETS) {
      const version = await ended(`cut-${offset}`);
      expect([offset, version.status.error_code]).not.toEqual([offset, "OK"]);
      expect(version.status.error_message, `cut at ${offset}`).toMatch(/model\.onnx/);
      expect(version.status.error_message).not.toContain(models.path);
    }
  });

  test.each([
    ["unknown-operator"],
    ["unknown-type"],
    ["zero"],
    ["folder"],
    ["loop"],
    ["dangling"],
    ["fifo"],
    ...(asRoot ? [] : [["closed"]]),
  ])("%s", async (model) => {
    const version = await ended(model);
    expect(version.status.error_code).not.toBe("OK");
    expect(version.status.error_message).toMatch(/model\.onnx/);
    expect(version.status.error_message).not.toContain(models.path);
  });

  test.skipIf(asRoot)("closed (skipped as root, to whom nothing is closed)", () => {});
});

test("a version of nothing but an empty file waits a while for its content, then ends as the others do", async () => {
  await eventually(() => logLines(server).some(({ msg }) => msg === "empty_version"));
  const version = await ended("nothing");
  expect(version.status.error_message).toMatch(/model\.onnx/);
});

test("the others are served all the while, and the process lives and stops well", async () => {
  const answer = await rest(`${server.url}/v1/models/good:predict`, '{"instances": [1.0]}');
  expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { predictions: [2.5] }]);
  expect((await rest(`${server.url}/readyz`)).status).toBe(503);
  expect(server.process.exitCode).toBeNull();
  expect(await server.stop()).toBe(0);
});

test("files of another kind than the config says end with a reason, and the models beside them are served", async () => {
  const folder = join(models.path, "other-platform", "1");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "saved_model.pb"), "\x08\x01");
  const config = join(models.path, "models.config");
  writeFileSync(
    config,
    `model_config_list { config { name: "other" base_path: "${models.path}/other-platform" model_platform: "onnx" }
                         config { name: "good" base_path: "${models.path}/good" model_platform: "onnx" } }`,
  );
  server = await startServer([`--model_config_file=${config}`], { until: "listening" });
  const version = await ended("other");
  expect(version.status.error_code).not.toBe("OK");
  expect(version.status.error_message).toMatch(/\.onnx/);
  const { url } = server;
  await expect.poll(async () => (await rest(`${url}/v1/models/good:predict`, '{"instances": [1.0]}')).status).toBe(200);
});
