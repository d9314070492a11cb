import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const JSON_TYPE = { "content-type": "application/json" };
const folder = temporaryFolders();
let server: RunningServer;

/** Two rows of iris, and what scikit-learn's logistic regression and XGBoost say of them. */
const sklearn = golden("sklearn", "logreg_iris");
const xgboost = golden("xgboost", "stfs_iris");

interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

interface GoldenCase {
  readonly signature: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

function golden(library: string, name: string): readonly GoldenCase[] {
  return JSON.parse(readFileSync(fixture(library, name, "golden.json"), "utf8")) as GoldenCase[];
}

function rows({ shape, data }: GoldenTensor): unknown {
  const [count = 0, width] = shape;
  return width === undefined ? data : Array.from({ length: count }, (_, row) => data.slice(row * width, (row + 1) * width));
}

beforeAll(async () => {
  const file = join(folder(), "stfs.json");
  const models = [
    { name: "default", base_path: fixture("stfs-equivalent", "onnx"), platform: "pytorch_onnx" },
    { name: "iris", base_path: fixture("sklearn", "logreg_iris", "model.joblib"), platform: "scikitlearn", custom_op_paths: "" },
    { name: "boosted", base_path: fixture("xgboost", "stfs_iris", "model.bst"), platform: "xgboost", session_config: {} },
  ];
  writeFileSync(file, JSON.stringify({ model_config_list: models }));
  server = await startServer([
    `--model_config_file=${file}`,
    "--reload_models=True",
    "--enable_b64_autoconvert=True",
    "--download_inference_images=False",
    "--log_level=warning",
  ]);
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

async function post(body: unknown, url = server.url) {
  const response = await fetch(url, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(body) });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

async function get<Value>(path: string): Promise<Value> {
  const response = await fetch(server.url + path);
  expect(response.status, path).toBe(200);
  return (await response.json()) as Value;
}

const BODY = { data: { keys: [[11.0], [2.0]], features: [Array(9).fill(1), Array(9).fill(1)] } };

describe("POST /", () => {
  test("is answered on both ports", async () => {
    for (const port of [server.port, server.restPort]) {
      const { status, answer } = await post(BODY, `http://127.0.0.1:${port}`);
      expect([status, answer.keys, answer.prediction]).toEqual([200, [[11], [2]], [0, 0]]);
    }
  });

  test("answers what scikit-learn does, all of it", async () => {
    const { status, answer } = await post({ model_name: "iris", model_version: 1, data: rows(sklearn[0]!.inputs.X!) });
    expect(status).toBe(200);
    expect(Object.keys(answer)).toEqual(["predict", "predict_proba", "predict_log_proba"]);
    expect(answer.predict).toEqual(sklearn[0]!.outputs.predict!.data);
    const probabilities = sklearn.find(({ signature }) => signature === "predict_proba")!.outputs.predict_proba!;
    for (const [index, value] of (answer.predict_proba as number[][]).flat().entries()) {
      expect(value).toBeCloseTo(probabilities.data[index] as number, 9);
    }
  });

  test("answers what XGBoost does", async () => {
    const { inputs, outputs } = xgboost.find(({ signature }) => signature === "serving_default" || signature === "predict")!;
    const { status, answer } = await post({ model_name: "boosted", data: rows(inputs.X!) });
    expect([status, Object.keys(answer)]).toEqual([200, ["result"]]);
    for (const [index, value] of (answer.result as number[]).flat().entries()) {
      expect(value).toBeCloseTo(Object.values(outputs)[0]!.data[index] as number, 5);
    }
  });

  test("reads a body of megabytes on another thread", async () => {
    const count = 40_000;
    const keys = Array.from({ length: count }, (_, row) => [row]);
    const { status, answer } = await post({ data: { keys, features: keys.map(() => Array(9).fill(0.5)) } });
    expect(status).toBe(200);
    expect(answer.keys).toEqual(keys);
    expect(answer.prediction).toHaveLength(count);
  });

  test.each([
    [{ model_name: "no", data: 1 }, "Invalid model name: no, available models: boosted, default, iris"],
    [{ model_version: 9, data: 1 }, "Invalid model version: 9, available versions of default: 1"],
    [{ data: { keys: [[1]] } }, "Input op name 'features' does not exist in input data: "],
    [{ data: { keys: [[1]], features: [[1]] } }, "Sess.run() fail because of "],
  ])("refuses %o", async (body, message) => {
    const { status, answer } = await post(body);
    expect([status, answer.error]).toEqual([400, expect.stringContaining(message)]);
  });

  test("counts as a predict call of the model", async () => {
    await post(BODY);
    const page = await (await fetch(`${server.url}/metrics`)).text();
    expect(page).toMatch(/request_latency[^\n]*_count\{model_name="default",api="predict",entrypoint="REST"\} [1-9]/);
  });
});

describe("what is known of models", () => {
  test("is listed for all of them", async () => {
    const models = await get<{ model_name: string; platform: string; model_base_path: string }[]>("/v1/models");
    expect(models.map(({ model_name, platform, model_base_path }) => [model_name, platform, model_base_path])).toEqual([
      ["boosted", "XGBoost", "model.bst"],
      ["default", "ONNX", "onnx"],
      ["iris", "Scikit-learn", "model.joblib"],
    ]);
  });

  test("never has a path", async () => {
    expect(JSON.stringify(await get("/v1/models"))).not.toContain(join(fixture("onnx"), ".."));
  });

  test("is TensorFlow Serving's where that has an answer", async () => {
    expect(await get("/v1/models/default")).toMatchObject({ model_version_status: [{ version: "1", state: "AVAILABLE" }] });
    expect(await get("/v1/models/default/detail")).toMatchObject({ model_name: "default", model_version_list: [1] });
  });

  test.each(["default", "iris", "boosted"])("includes a request that %s answers", async (model) => {
    const example = await get<Record<string, unknown>>(`/v1/models/${model}/gen_json`);
    expect((await post({ model_name: model, ...example })).status).toBe(200);
  });

  test("includes a client that calls this server", async () => {
    const response = await fetch(`${server.url}/v1/models/default/gen_client?language=python`);
    expect(response.headers.get("content-disposition")).toMatch(/filename="[^"]+\.py"/);
    expect(await response.text()).toContain(server.url);
  });

  test("cannot be changed there", async () => {
    const response = await fetch(`${server.url}/v1/models`, { method: "PUT" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});
