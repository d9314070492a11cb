import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { modelStatus } from "../support/model-status.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const WHOLE = readFileSync(fixture("onnx", "torch_mlp", "model.onnx"));
const OFFSETS = Array.from({ length: 20 }, (_, i) => Math.floor((WHOLE.length * (i + 1)) / 21));
const asRoot = process.getuid?.() === 0;

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

describe("a version that cannot be loaded ends with a reason that names its file", () => {
  test.each([
    ...OFFSETS.map((offset) => [`cut-${offset}`]),
    ["zero"],
    ["folder"],
    ["loop"],
    ["dangling"],
    ["fifo"],
    ...(asRoot ? [] : [["closed"]]),
  ])("%s", async (model) => {
    const [version] = await eventually(async () => {
      const found = await modelStatus(server.url, model);
      return found[0]?.state === "END" && found;
    });
    expect(version.status.error_code).not.toBe("OK");
    expect(version.status.error_message).toMatch(/model\.onnx/);
    expect(version.status.error_message).not.toContain(models.path);
  });

  test.skipIf(asRoot)("closed (skipped as root, to whom nothing is closed)", () => {});
});

test("a version of nothing but an empty file waits a while for its content, then ends as the others do", async () => {
  await eventually(() => logLines(server).some(({ msg }) => msg === "empty_version"));
  const [version] = await eventually(async () => {
    const found = await modelStatus(server.url, "nothing");
    return found[0]?.state === "END" && found;
  });
  expect(version.status.error_message).toMatch(/model\.onnx/);
});

test("the others are served all the while, and the process lives and stops well", async () => {
  const answer = await rest(`${server.url}/v1/models/good:predict`, '{"instances": [1.0]}');
  expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { predictions: [2.5] }]);
  expect((await rest(`${server.url}/readyz`)).status).toBe(503);
  expect(server.process.exitCode).toBeNull();
  expect(await server.stop()).toBe(0);
});
