import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import {
  ReloadConfigRequestSchema,
  ReloadConfigResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/model_management_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture, publishVersion, removeVersion, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

const HALF_PLUS_TWO = fixture("identity", "saved_model_half_plus_two_2_versions", "123", "model.onnx");
const PREDICT = "/tensorflow.serving.PredictionService/Predict";

let server: RunningServer | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

interface Status {
  readonly version: string;
  readonly state: string;
}

async function statuses(model: string): Promise<Status[]> {
  const answer = await rest(`${server!.url}/v1/models/${model}`);
  return answer.status === 200 ? (JSON.parse(answer.text) as { model_version_status: Status[] }).model_version_status : [];
}

async function available(model: string): Promise<string[]> {
  return (await statuses(model)).filter(({ state }) => state === "AVAILABLE").map(({ version }) => version);
}

const predict = (model: string) => rest(`${server!.url}/v1/models/${model}:predict`, '{"instances": [1.0, 2.0]}');

describe("hot plug", () => {
  test("a new version takes over and the old one goes", async () => {
    const base = join(folder(), "half");
    cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
    server = await startServer([`--model_name=half`, `--model_base_path=${base}`]);
    expect(await available("half")).toEqual(["1"]);

    publishVersion(base, 2, HALF_PLUS_TWO);
    await eventually(async () => (await available("half")).join() === "2");
    await eventually(async () => (await statuses("half"))[0].state === "END");
    expect(await statuses("half")).toMatchObject([
      { version: "1", state: "END" },
      { version: "2", state: "AVAILABLE" },
    ]);
    expect((await predict("half")).status).toBe(200);
  });

  test("a broken new version leaves the old one serving", async () => {
    const base = join(folder(), "half");
    publishVersionIn(base, 1, HALF_PLUS_TWO);
    server = await startServer([`--model_name=half`, `--model_base_path=${base}`]);
    const broken = join(folder(), "broken.onnx");
    writeFileSync(broken, "broken");
    publishVersion(base, 2, broken);
    await eventually(async () => (await statuses("half")).some(({ version, state }) => version === "2" && state === "END"));
    expect(await available("half")).toEqual(["1"]);
    expect((await predict("half")).status).toBe(200);
  });

  test("a version whose broken files are mended is loaded anew", async () => {
    const base = join(folder(), "half");
    mkdirSync(join(base, "1"), { recursive: true });
    writeFileSync(join(base, "1", "model.onnx"), "broken");
    server = await startServer([`--model_name=half`, `--model_base_path=${base}`], { until: "listening" });
    await eventually(async () => (await statuses("half")).some(({ state }) => state === "END"));
    cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"));
    await eventually(async () => (await available("half")).join() === "1");
    expect((await predict("half")).status).toBe(200);
  });

  test("a model file that is replaced is served anew under the next number", async () => {
    const file = join(folder(), "half.onnx");
    cpSync(HALF_PLUS_TWO, file);
    server = await startServer([file]);
    expect(await available("half")).toEqual(["1"]);
    const other = join(folder(), "other.onnx");
    cpSync(fixture("identity", "jt_float", "1", "model.onnx"), other);
    renameSync(other, file);
    await eventually(async () => (await available("half")).join() === "2");
    expect((await predict("half")).text).toContain("[1.0, 2.0");
  });

  test("a model file that is replaced again and again while it loads ends up served as it is", async () => {
    const file = join(folder(), "half.onnx");
    const sources = [HALF_PLUS_TWO, fixture("identity", "jt_float", "1", "model.onnx"), fixture("README.md")];
    cpSync(HALF_PLUS_TWO, file);
    server = await startServer([file]);
    const answers = new Set<number>();
    for (let turn = 0; turn < 30; turn++) {
      const next = join(folder(), "next.onnx");
      cpSync(sources[turn % sources.length], next);
      renameSync(next, file);
      answers.add((await predict("half")).status);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    const last = join(folder(), "last.onnx");
    cpSync(HALF_PLUS_TWO, last);
    renameSync(last, file);
    const settled = async () => {
      const all = await statuses("half");
      return all.at(-1)?.state === "AVAILABLE" && (await predict("half")).text.includes("[2.5, 3.0");
    };
    await eventually(settled);
    expect([...answers]).toEqual([200]);
  });

  test("a model that appears in a served folder is served too", async () => {
    const root = folder();
    cpSync(HALF_PLUS_TWO, join(root, "one.onnx"));
    server = await startServer([root]);
    cpSync(HALF_PLUS_TWO, join(root, "two.onnx"));
    await eventually(async () => (await available("two")).length === 1);
    expect((await predict("two")).status).toBe(200);
  });
});

describe("reload", () => {
  const reload = (client: GrpcClient, models: { name: string; basePath: string }[]) =>
    client.call(
      "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
      ReloadConfigRequestSchema,
      create(ReloadConfigRequestSchema, {
        config: {
          config: { case: "modelConfigList", value: { config: models.map((model) => ({ ...model, modelPlatform: "onnx" })) } },
        },
        metricNames: [":tensorflow:serving:request_count"],
      }),
      ReloadConfigResponseSchema,
    );

  test("adds models, waits for them, and takes away what is not listed", async () => {
    const base = fixture("identity", "saved_model_half_plus_two_2_versions");
    server = await startServer(["--model_name=old", `--model_base_path=${base}`]);
    const client = new GrpcClient(server.port);
    try {
      const answer = await reload(client, [{ name: "fresh", basePath: base }]);
      expect(answer.metric[0].name).toBe(":tensorflow:serving:request_count");
      expect((await predict("fresh")).status).toBe(200);
      await eventually(async () => (await statuses("old")).every(({ state }) => state === "END"));
      expect((await predict("old")).status).toBe(404);
    } finally {
      client.close();
    }
  });

  test.each([
    [[{ name: "a", basePath: "relative" }], 3, "Expected model a to have an absolute path or URI; got base_path()=relative"],
    [
      [
        { name: "a", basePath: "/x" },
        { name: "a", basePath: "/x" },
      ],
      3,
      "Illegal to list model a multiple times in config list",
    ],
  ])("refuses %j and changes nothing", async (models, code, message) => {
    const base = fixture("identity", "saved_model_half_plus_two_2_versions");
    server = await startServer(["--model_name=old", `--model_base_path=${base}`]);
    const client = new GrpcClient(server.port);
    try {
      await expect(reload(client, models)).rejects.toMatchObject({ code, message });
      expect((await predict("old")).status).toBe(200);
    } finally {
      client.close();
    }
  });
});

describe("stop", () => {
  test("an idle server exits with 0 on SIGTERM", async () => {
    server = await startServer([HALF_PLUS_TWO]);
    expect(await server.stop("SIGTERM")).toBe(0);
  });

  test("requests in flight are answered", async () => {
    server = await startServer([HALF_PLUS_TWO]);
    const load = Array.from({ length: 8 }, async () => {
      const outcomes: string[] = [];
      for (;;) {
        const outcome = await predict("model").then(
          ({ status }) => String(status),
          (reason: unknown) => (reason as { cause?: { code?: string } }).cause?.code ?? "unknown",
        );
        outcomes.push(outcome);
        if (outcome !== "200") return outcomes;
      }
    });
    await eventually(async () => (await predict("model")).status === 200);
    expect(await server.stop("SIGTERM")).toBe(0);
    for (const outcomes of await Promise.all(load)) {
      // A connection may be refused once the port is closed; none that was accepted may be dropped with a request on it.
      expect(outcomes.at(-1)).toMatch(/ECONNREFUSED|UND_ERR_SOCKET|ECONNRESET/);
      expect(outcomes.slice(0, -1).every((outcome) => outcome === "200")).toBe(true);
    }
  });
});

/** Seconds of the swap test: 20 in the ordinary run, 600 for the record (`SWAP_SECONDS=600`), which also compares with no swaps. */
const SWAP_SECONDS = Number(process.env.SWAP_SECONDS ?? 20);
const CALM_SECONDS = process.env.SWAP_SECONDS === undefined ? 0 : 20;
/** Half of them REST, half gRPC. */
const SWAP_CONNECTIONS = 64;

test(
  `versions swapped every second for ${SWAP_SECONDS} s under load: no failed request, no answer from a version not served`,
  async () => {
    const base = join(folder(), "half");
    publishVersionIn(base, 1, HALF_PLUS_TWO);
    server = await startServer(["--model_name=half", `--model_base_path=${base}`]);
    const { port, url } = server;
    let served: readonly [lowest: number, highest: number] = [1, 1];
    let running = true;
    const failures: string[] = [];
    const seen = new Set<number>();
    let requests = 0;
    const latencies: number[] = [];
    const check = (version: number, earliest: number) => {
      requests++;
      seen.add(version);
      if (version < earliest || version > served[1])
        failures.push(`version ${version} answered while ${earliest}..${served[1]} may`);
    };

    // A socket of its own for each, with less work for this process than fetch makes.
    const body = '{"instances": [1.0, 2.0]}';
    const restLoops = Array.from({ length: SWAP_CONNECTIONS / 2 }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (running) {
        const { status, text, milliseconds } = await post(agent, `${url}/v1/models/half:predict`, body);
        latencies.push(milliseconds);
        requests++;
        if (status !== 200 || !text.includes("[2.5, 3.0")) failures.push(`REST ${status} ${text}`);
      }
      agent.destroy();
    });
    const x = { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 1n }] }, floatVal: [1] };
    const message = toBinary(PredictRequestSchema, create(PredictRequestSchema, { modelSpec: { name: "half" }, inputs: { x } }));
    const grpcLoops = Array.from({ length: SWAP_CONNECTIONS / 2 }, async () => {
      const client = new GrpcClient(port);
      while (running) {
        const earliest = served[0];
        const began = performance.now();
        const { messages, status } = await client.raw(PREDICT, message);
        latencies.push(performance.now() - began);
        if (status.code !== 0) failures.push(`gRPC ${status.code} ${status.message}`);
        else check(versionOf(messages[0]), earliest);
      }
      client.close();
    });
    await new Promise((resolve) => setTimeout(resolve, CALM_SECONDS * 1000));
    const calm = p99(latencies.splice(0));

    let version = 1;
    let warm = 0;
    for (let second = 0; second < SWAP_SECONDS; second++) {
      version++;
      served = [served[0], version];
      publishVersion(base, version, HALF_PLUS_TWO);
      removeVersion(base, version - 1);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      // What the server says has ended may not answer any more.
      const ended = (await statuses("half")).filter(({ state }) => state === "END").map(({ version: number }) => Number(number));
      if (second === Math.floor(SWAP_SECONDS / 2)) warm = residentMegabytes(server.process.pid!);
      served = [Math.max(served[0], ...ended.map((number) => number + 1)), version];
    }
    running = false;
    await Promise.all([...restLoops, ...grpcLoops]);
    const end = residentMegabytes(server.process.pid!);
    const figures = `${requests} requests, ${seen.size} versions seen, ${warm} MB half way, ${end} MB at the end, p99 ${p99(latencies)} ms, ${calm} ms without swaps`;
    if (process.env.SWAP_SECONDS !== undefined) process.stdout.write(`${figures}\n`);

    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(SWAP_SECONDS * 50);
    expect(seen.size).toBeGreaterThan(SWAP_SECONDS / 2);
    // The server remembers only the last versions that ended, so they are told by their numbers.
    expect(served[0]).toBeGreaterThan(SWAP_SECONDS / 2);
    if (process.platform === "linux") expect(end).toBeLessThan(warm * 1.2);
  },
  (CALM_SECONDS + SWAP_SECONDS) * 1000 + 60_000,
);

/** One POST on the agent's connection. */
function post(agent: Agent, url: string, body: string): Promise<{ status: number; text: string; milliseconds: number }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: "POST" }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, milliseconds: performance.now() - began }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function p99(latencies: readonly number[]): string {
  return latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)]?.toFixed(1) ?? "-";
}

/** Resident memory of a process, where /proc tells. */
function residentMegabytes(pid: number): number {
  const status = process.platform === "linux" ? readFileSync(`/proc/${pid}/status`, "utf8") : "";
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** The version a PredictResponse names. */
function versionOf(response: Uint8Array): number {
  const { modelSpec } = fromBinary(PredictResponseSchema, response);
  if (modelSpec?.versionChoice.case !== "version") throw new Error("the answer names no version");
  return Number(modelSpec.versionChoice.value.value);
}

function publishVersionIn(base: string, version: number, file: string): void {
  cpSync(file, join(base, String(version), "model.onnx"), { recursive: true });
}
