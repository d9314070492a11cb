import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture, temporaryFolders } from "../support/folders.ts";
import type { Golden, GoldenTensor } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { askByGrpc, askByRest, compareWithTorch } from "../support/torch-golden.ts";

const MODELS = ["mlp_pt2", "convnet_pt2", "encoder_pt2", "pairtuple_pt2", "former_layout_pt2"];
const folder = temporaryFolders();
let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  const config = join(folder(), "models.json");
  writeFileSync(
    config,
    JSON.stringify({ models: Object.fromEntries(MODELS.map((name) => [name, { base_path: fixture("pytorch", name) }])) }),
  );
  // No program is to be found: no Python either.
  server = await startServer([`--model_config_file=${config}`], { env: { PATH: folder() } });
  grpc = new GrpcClient(server.port);
}, 60_000);

afterAll(async () => {
  grpc?.close();
  await server?.stop();
});

test.each(MODELS)("%s answers without Python as torch did", async (name) => {
  const cases = JSON.parse(readFileSync(fixture("pytorch", name, "golden.json"), "utf8")) as Golden[];
  expect(cases.length).toBeGreaterThan(0);
  for (const { inputs, outputs } of cases) {
    const wanted = outputs as Record<string, GoldenTensor>;
    compareWithTorch(await askByGrpc(grpc, name, inputs), wanted, "gRPC");
    compareWithTorch(await askByRest(server.url, name, inputs, Object.keys(wanted)), wanted, "REST");
  }
});

test("metadata shows the names, types and sizes of the export", async () => {
  const { text } = await rest(`${server.url}/v1/models/encoder_pt2/metadata`);
  const { metadata } = JSON.parse(text) as {
    metadata: { signature_def: { signature_def: { serving_default: { inputs: object; outputs: object } } } };
  };
  const { inputs, outputs } = metadata.signature_def.signature_def.serving_default;
  const size = (value: string) => ({ size: value, name: expect.any(String) as string });
  expect(inputs).toMatchObject({
    input_ids: { dtype: "DT_INT64", tensor_shape: { dim: [size("-1"), size("-1")] } },
    attention_mask: { dtype: "DT_INT64", tensor_shape: { dim: [size("-1"), size("-1")] } },
  });
  expect(Object.keys(outputs).sort()).toEqual(["last_hidden_state", "pooled"]);
});
