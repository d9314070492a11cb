import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { errorText, rest } from "../support/rest.ts";
import { logLines, type RunningServer, startServer } from "../support/server.ts";

/** Names that are hard on somebody: objects of JavaScript, URLs, logs, metrics. */
const NAMES = [
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "with space",
  "100%",
  "%2e%2e",
  "a/b:c",
  "?x=1#y",
  'quote"back\\slash',
  "naïve-модель-模型-😀",
  "trailing ",
  "new\nline",
  "x".repeat(200),
];

const folder = temporaryFolder();
let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  const base = join(folder.path, "half");
  cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
  const bytes = (text: string) => [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const config = NAMES.map(
    (name) =>
      `config { name: "${bytes(name)}" base_path: "${base}" model_platform: "onnx" version_labels { key: "${bytes(name)}" value: 1 } }`,
  );
  writeFileSync(join(folder.path, "models.config"), `model_config_list { ${config.join("\n")} }`);
  server = await startServer([
    `--model_config_file=${join(folder.path, "models.config")}`,
    "--allow_version_labels_for_unavailable_models",
  ]);
  grpc = new GrpcClient(server.port);
});

afterAll(async () => {
  grpc?.close();
  await server?.stop();
  folder.remove();
});

describe("a model and a label may be called", () => {
  test.each(NAMES)("%j", async (name) => {
    const path = `/v1/models/${encodeURIComponent(name)}`;
    const answer = await rest(`${server.url}${path}:predict`, '{"instances": [1.0]}');
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("2.5")]);
    const labelled = await rest(`${server.url}${path}/labels/${encodeURIComponent(name)}:predict`, '{"instances": [1.0]}');
    expect(labelled.status).toBe(200);
    expect(await states(server.url, name)).toBe("1:AVAILABLE");
    const metadata = JSON.parse((await rest(`${server.url}${path}/metadata`)).text) as { model_spec: { name: string } };
    expect(metadata.model_spec.name).toBe(name);
    expect(await grpcPredict(grpc, name)).toMatchObject({ status: { code: 0 }, values: [2.5, 3] });
  });
});

describe("names that are not served are not found, whatever they are", () => {
  test.each(["toString", "prototype", "__defineGetter__", "../half", "\u0000", "%"])("%j", async (name) => {
    const { status } = await grpcPredict(grpc, name);
    expect([status.code, status.message]).toEqual([5, `Servable not found for request: Latest(${name})`]);
    const answer = await rest(`${server.url}/v1/models/${encodeURIComponent(name)}:predict`, '{"instances": [1.0]}');
    expect([answer.status, errorText(answer)]).toEqual([404, `Servable not found for request: Latest(${name})`]);
  });
});

test("metrics and the log hold every name in one line", async () => {
  const page = (await rest(`${server.url}/monitoring/prometheus/metrics`)).text;
  for (const line of page.trim().split("\n")) expect(line).toMatch(/^(?:# |[:a-z_]+(?:\{.*\})? \S+$)/);
  expect(page).toContain('model_name="new\\nline"');
  expect(page).toContain('model_name="quote\\"back\\\\slash"');
  const loaded = logLines(server).filter(({ msg }) => msg === "model_loaded");
  expect(new Set(loaded.map(({ model }) => model))).toEqual(new Set(NAMES));
});
