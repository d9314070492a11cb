import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  ReloadConfigRequestSchema,
  ReloadConfigResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/model_management_pb.ts";
import type { ModelConfigSchema } from "../../src/gen/tensorflow_serving/config/model_server_config_pb.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

// HandleReloadConfigRequest, rule by rule, on one server.

const RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest";
const COUNTER = ":tensorflow:serving:request_count";

type Model = MessageInitShape<typeof ModelConfigSchema>;

let root: string;
let server: RunningServer;
let client: GrpcClient;

const onnx = (name: string, path = name, more: Model = {}): Model => ({
  name,
  basePath: join(root, path),
  modelPlatform: "onnx",
  ...more,
});

async function reload(models: readonly Model[], metricNames: readonly string[] = []) {
  const request = create(ReloadConfigRequestSchema, {
    config: { config: { case: "modelConfigList", value: { config: [...models] } } },
    metricNames: [...metricNames],
  });
  const { messages, status } = await client.raw(RELOAD, toBinary(ReloadConfigRequestSchema, request));
  return { ...status, answer: messages[0] && fromBinary(ReloadConfigResponseSchema, messages[0]) };
}

const settledStates = (model: string, expected: string) => eventually(async () => (await states(server.url, model)) === expected);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "modelport-"));
  for (const path of ["a/1", "a/2", "b/1", "moved/1"]) {
    mkdirSync(join(root, path), { recursive: true });
    cpSync(HALF_PLUS_TWO, join(root, path, "model.onnx"));
  }
  mkdirSync(join(root, "bad/7"), { recursive: true });
  writeFileSync(join(root, "bad/7/model.onnx"), "not a model");
  server = await startServer(["--model_name=a", `--model_base_path=${join(root, "a")}`]);
  client = new GrpcClient(server.port);
});

afterAll(async () => {
  client.close();
  await server.stop();
  rmSync(root, { recursive: true });
});

/** Every test begins with model a alone. */
beforeEach(async () => {
  expect(await reload([onnx("a")])).toMatchObject({ code: 0 });
  await eventually(async () => /^(1:END )?2:AVAILABLE$/.test(await states(server.url, "a")));
});

describe("is refused, and changes nothing", () => {
  test.each<[string, () => readonly Model[], number, string]>([
    ["a name twice", () => [onnx("a"), onnx("a")], 3, "Illegal to list model a multiple times in config list"],
    [
      "a relative base path",
      () => [{ ...onnx("b"), basePath: "b" }],
      3,
      "Expected model b to have an absolute path or URI; got base_path()=b",
    ],
    [
      "another platform for a served name",
      () => [onnx("a", "a", { modelPlatform: "tensorflow" })],
      3,
      "Illegal to change a model's platform. For model a platform was onnx and new platform requested is tensorflow",
    ],
    [
      "neither type nor platform",
      () => [onnx("b", "b", { modelPlatform: "" })],
      3,
      "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, model name is b",
    ],
    [
      "type and platform",
      () => [onnx("b", "b", { modelType: 1 })],
      3,
      "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform, model name is b",
    ],
    ["an unknown platform", () => [onnx("b", "b", { modelPlatform: "none" })], 3, "Model b requests unsupported platform none"],
    [
      "a label of a version that is not available, before anything is loaded",
      () => [onnx("a", "a", { versionLabels: { stable: 1n } }), onnx("b")],
      9,
      "Request to assign label to version 1 of model a, which is not currently available for inference",
    ],
  ])("%s", async (_case, models, code, message) => {
    expect(await reload(models())).toMatchObject({ code, message });
    expect(await states(server.url, "a")).toMatch(/2:AVAILABLE$/);
    expect(await states(server.url, "b")).not.toMatch(/START|LOADING|AVAILABLE/);
  });

  test("a config that is no list", async () => {
    const message = toBinary(ReloadConfigRequestSchema, create(ReloadConfigRequestSchema, {}));
    expect((await client.raw(RELOAD, message)).status).toEqual({
      code: 3,
      message: "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported",
    });
  });

  test("and is not what the next one is compared with", async () => {
    await reload([onnx("a"), onnx("b", "b", { modelPlatform: "none" })]);
    expect(await reload([onnx("a"), onnx("b")])).toMatchObject({ code: 0 });
    await settledStates("b", "1:AVAILABLE");
  });
});

describe("is followed", () => {
  test("when new models are up, with the growth of the counters asked for", async () => {
    const { code, answer } = await reload([onnx("a"), onnx("b")], [COUNTER, ":no:such:counter"]);
    expect([code, await states(server.url, "b")]).toEqual([0, expect.stringMatching(/1:AVAILABLE$/)]);
    expect(answer?.metric.map(({ name }) => name)).toEqual([COUNTER, ":no:such:counter"]);
    expect(answer?.status).toMatchObject({ errorCode: 0, errorMessage: "" });
  });

  test("and tells of a new model that did not come up, which it keeps", async () => {
    const { code, message } = await reload([onnx("a"), onnx("bad")]);
    expect([code, message]).toEqual([
      2,
      expect.stringMatching(/^1 model\(s\) did not become available: \{\{\{name: bad version: 7\} due to error: .*\}, \}$/),
    ]);
    expect(message).not.toContain(root);
    // Its platform is that of the config in force now.
    expect(await reload([onnx("a"), onnx("bad", "bad", { modelPlatform: "tensorflow" })])).toMatchObject({ code: 3 });
  });

  test("at once for another policy, label or path of a known name, and in the background then", async () => {
    const all = { modelVersionPolicy: { policyChoice: { case: "all", value: {} } } } as const;
    expect(await reload([onnx("a", "a", all)])).toMatchObject({ code: 0 });
    await settledStates("a", "1:AVAILABLE 2:AVAILABLE");
    expect(await reload([onnx("a", "a", { ...all, versionLabels: { stable: 1n } })])).toMatchObject({ code: 0 });
    expect(await reload([onnx("a", "moved")])).toMatchObject({ code: 0 });
    await settledStates("a", "1:AVAILABLE 2:END");
  });

  test("by taking away what is not listed, all of it when nothing is", async () => {
    await reload([onnx("a"), onnx("b")]);
    expect(await reload([])).toMatchObject({ code: 0 });
    await eventually(async () => !/AVAILABLE|UNLOADING/.test((await states(server.url, "a")) + (await states(server.url, "b"))));
  });
});

describe("with others at the same time", () => {
  test("one that waits for a model that never comes is told when another takes it away", async () => {
    const hopeless = reload([onnx("a"), onnx("missing")]);
    expect(await reload([onnx("a")])).toMatchObject({ code: 0 });
    expect(await hopeless).toMatchObject({ code: 10, message: expect.stringContaining("missing") });
  });

  test("fifty at once all end, and the last one counts", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => reload(i % 2 === 0 ? [onnx("a")] : [onnx("a"), onnx("b")])),
    );
    expect(outcomes.every(({ code }) => code === 0 || code === 10)).toBe(true);
    expect(outcomes.at(-1)).toMatchObject({ code: 0 });
    await eventually(async () => (await states(server.url, "b")).endsWith("1:AVAILABLE"));
  });
});
