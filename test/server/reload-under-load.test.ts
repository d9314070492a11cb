import { cpSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";
import { parseTextFormat } from "../../src/codec/text-format/parse-text-format.ts";
import {
  ReloadConfigRequestSchema,
  ReloadConfigResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/model_management_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { ModelServerConfigSchema } from "../../src/gen/tensorflow_serving/config/model_server_config_pb.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { floats, HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

// A configuration of two models with labels and policies, reloaded again and again while clients ask.

/** Answers its input as it is. */
const IDENTITY = fixture("identity", "jt_float", "1", "model.onnx");

const RELOADS = Number(process.env.RELOADS ?? 10);
/** Connections of each way to ask. */
const CONNECTIONS = 4;

const folder = temporaryFolders();
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** The two models that stay, one with a label that moves; every other turn has a third model, and the policies are other ones. */
function configOf(root: string, turn: number): string {
  const extra =
    turn % 2 === 1 ? `config { name: "guest" base_path: "${root}/guest" model_platform: "onnx" }` : "# no guest this time";
  const policy = ["all {}", "latest { num_versions: 2 }", "specific { versions: 1 versions: 2 }"][turn % 3];
  return `model_config_list {
    config {
      name: "two" base_path: "${root}/two" model_platform: "onnx"
      model_version_policy { ${policy} }
      version_labels { key: "stable" value: 1 }
      version_labels { key: "canary" value: ${1 + (turn % 2)} }
    }
    config { name: "one", base_path: '${root}/one', model_platform: "onnx" }
    ${extra}
  }`;
}

test(`names that stay lose no request over ${RELOADS} reloads under load`, async () => {
  const root = folder();
  for (const [name, file] of [
    ["two/1", HALF_PLUS_TWO],
    ["two/2", IDENTITY],
    ["one/1", HALF_PLUS_TWO],
    ["guest/1", HALF_PLUS_TWO],
  ] as const) {
    cpSync(file, join(root, name, "model.onnx"), { recursive: true });
  }
  const configFile = join(root, "models.config");
  writeFileSync(configFile, configOf(root, 0));
  server = await startServer([
    `--model_config_file=${configFile}`,
    "--model_config_file_poll_wait_seconds=1",
    "--allow_version_labels_for_unavailable_models",
  ]);
  const { url, port } = server;
  // Ready with one version of each; the load asks for the label of the other.
  await eventually(async () => (await states(url, "two")) === "1:AVAILABLE 2:AVAILABLE");

  const load = new Load(url, port);
  const control = new GrpcClient(port);
  try {
    for (let turn = 1; turn <= RELOADS; turn++) {
      const before = load.answered;
      const text = configOf(root, turn);
      if (turn % 2 === 1) await reload(control, text);
      else replaceFile(configFile, text);
      const guest = turn % 2 === 1 ? "AVAILABLE" : "END";
      await eventually(async () => (await states(url, "guest")).endsWith(guest));
      await eventually(() => load.answered >= before + 200);
    }
  } finally {
    control.close();
    await load.stop();
  }
  expect(load.failures).toEqual([]);
  expect(logLines(server).filter(({ msg }) => msg === "config_reloaded").length).toBeGreaterThanOrEqual(RELOADS);
  expect(await states(url, "two")).toBe("1:AVAILABLE 2:AVAILABLE");
  process.stdout.write(`${RELOADS} reloads: ${load.answered} requests answered, ${load.failures.length} failed\n`);
}, 120_000);

/** Clients that ask the models that stay in every way there is, each waiting for its answer, and note what is wrong. */
class Load {
  answered = 0;
  readonly failures: string[] = [];
  readonly #clients: GrpcClient[] = [];
  readonly #running: Promise<void>[];
  #stopping = false;

  constructor(url: string, port: number) {
    const halved = ["[2.5, 3.0]"];
    const either = ["[2.5, 3.0]", "[1.0, 2.0]"];
    const ways: (() => Promise<string | undefined>)[] = [
      () => askRest(`${url}/v1/models/one:predict`, halved),
      () => askRest(`${url}/v1/models/two:predict`, ["[1.0, 2.0]"]),
      () => askRest(`${url}/v1/models/two/versions/1:predict`, halved),
      () => askRest(`${url}/v1/models/two/labels/stable:predict`, halved),
      () => askRest(`${url}/v1/models/two/labels/canary:predict`, either),
    ];
    this.#running = ways.flatMap((way) => Array.from({ length: CONNECTIONS }, () => this.#ask(way)));
    for (let i = 0; i < CONNECTIONS; i++) {
      const client = new GrpcClient(port);
      this.#clients.push(client);
      this.#running.push(this.#ask(() => askGrpc(client, "stable", 1n)));
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
    for (const client of this.#clients) client.close();
  }

  async #ask(way: () => Promise<string | undefined>): Promise<void> {
    while (!this.#stopping) {
      const fault = await way().catch(String);
      if (fault === undefined) this.answered++;
      else this.failures.push(fault);
    }
  }
}

/** What is wrong with the answer. */
async function askRest(url: string, expected: readonly string[]): Promise<string | undefined> {
  const { status, text } = await rest(url, '{"instances": [1.0, 2.0]}');
  const values = /\[[^[\]]*\]/.exec(text)?.[0].replace(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]");
  return status === 200 && expected.includes(values ?? "") ? undefined : `${url}: ${status} ${text}`;
}

async function askGrpc(client: GrpcClient, label: string, version: bigint): Promise<string | undefined> {
  const request = create(PredictRequestSchema, {
    modelSpec: { name: "two", versionChoice: { case: "versionLabel", value: label } },
    inputs: { x: floats(1, 2) },
  });
  const { status, messages } = await client.raw(
    "/tensorflow.serving.PredictionService/Predict",
    toBinary(PredictRequestSchema, request),
  );
  if (status.code !== 0) return `gRPC ${label}: ${status.code} ${status.message}`;
  const { modelSpec, outputs } = fromBinary(PredictResponseSchema, messages[0]);
  const chosen = modelSpec?.versionChoice;
  const answered = chosen?.case === "version" ? chosen.value.value : undefined;
  const right = answered === version && Object.values(outputs)[0].floatVal.join() === "2.5,3";
  return right ? undefined : `gRPC ${label}: answered by version ${answered}`;
}

async function reload(client: GrpcClient, text: string): Promise<void> {
  await client.call(
    "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
    ReloadConfigRequestSchema,
    create(ReloadConfigRequestSchema, { config: parseTextFormat(ModelServerConfigSchema, text) }),
    ReloadConfigResponseSchema,
  );
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
