import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { type Golden, type GoldenTensor, nestedJson } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { pythonWith } from "../support/python.ts";
import { errorText, rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { askByGrpc, askByRest, compareWithTorch } from "../support/torch-golden.ts";

const PYTHON = pythonWith("torch", "MODELPORT_TORCH_PYTHON");
const SKIPPED = PYTHON === undefined ? "skipped: no Python with torch, MODELPORT_TORCH_PYTHON names one" : "";
const MODELS = readdirSync(fixture("pytorch")).filter((name) => /_(scripted|traced|statedict|pickled)$/.test(name));
const folder = temporaryFolders();

describe.skipIf(PYTHON === undefined)(`what torch runs in a worker ${SKIPPED}`, () => {
  let server: RunningServer;
  let grpc: GrpcClient;

  beforeAll(async () => {
    const config = join(folder(), "models.json");
    const models = MODELS.map((name) => [
      name,
      { base_path: fixture("pytorch", name), allow_code: !/_(scripted|traced)$/.test(name) },
    ]);
    const declared = join(folder(), "declared");
    mkdirSync(declared);
    cpSync(fixture("pytorch", "textlstm_scripted", "model.pt"), join(declared, "model.pt"));
    writeFileSync(
      join(declared, "signature.json"),
      '{"inputs": {"words": {"dtype": "int64", "shape": [-1, 12]}}, "outputs": {"scores": {"dtype": "float32", "shape": [-1, 3]}}}',
    );
    models.push(["declared", { base_path: declared, allow_code: false }]);
    writeFileSync(config, JSON.stringify({ models: Object.fromEntries(models) }));
    server = await startServer([`--model_config_file=${config}`, `--python=${PYTHON}`]);
    grpc = new GrpcClient(server.port);
  }, 300_000);

  afterAll(async () => {
    grpc?.close();
    await server?.stop();
  });

  test.each(MODELS)("%s answers as torch did when it was saved", async (name) => {
    const cases = JSON.parse(readFileSync(fixture("pytorch", name, "golden.json"), "utf8")) as Golden[];
    expect(cases.length).toBeGreaterThan(0);
    for (const { inputs, outputs } of cases) {
      const wanted = outputs as Record<string, GoldenTensor>;
      compareWithTorch(await askByGrpc(grpc, name, inputs), wanted, "gRPC");
      compareWithTorch(await askByRest(server.url, name, inputs, Object.keys(wanted)), wanted, "REST");
    }
  });

  test("a wrong shape is the caller's error in torch's words, and the worker goes on", async () => {
    const ask = (columns: number) =>
      rest(
        `${server.url}/v1/models/mlp_scripted:predict`,
        JSON.stringify({ instances: [Array.from({ length: columns }, () => 1)] }),
      );
    const wrong = await ask(3);
    expect(wrong.status).toBe(400);
    // Newer releases put the operator before it.
    expect(errorText(wrong)).toMatch(/^(addmm: )?mat1 and mat2 shapes cannot be multiplied \(1x3 and 20x32\)$/);
    expect((await ask(20)).status).toBe(200);
    expect(server.stderr()).not.toContain('"python_worker_ended"');
  });

  test("a signature beside the model names, types and checks its inputs and outputs", async () => {
    const [{ inputs, outputs }] = JSON.parse(
      readFileSync(fixture("pytorch", "textlstm_scripted", "golden.json"), "utf8"),
    ) as Golden[];
    const ask = (words: string) => rest(`${server.url}/v1/models/declared:predict`, `{"inputs": {"words": ${words}}}`);
    const { status, text } = await ask(nestedJson(inputs.tokens!));
    expect(status, text).toBe(200);
    const found = (JSON.parse(text) as { outputs: number[][] }).outputs.flat();
    compareWithTorch(new Map([["scores", found]]), { scores: (outputs as Record<string, GoldenTensor>).output! }, "REST");
    expect(errorText(await ask("[[1, 2]]"))).toBe('input "words" expects shape [-1,12] but [1,2] is provided');
  });

  test("an index outside of a table is the caller's error", async () => {
    const answer = await rest(
      `${server.url}/v1/models/textlstm_scripted:predict`,
      JSON.stringify({ instances: [[1, 2, 100_000]] }),
    );
    expect([answer.status, errorText(answer)]).toEqual([400, "index out of range in self"]);
  });
});
