import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { PredictRequestSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { floats, grpcPredict, HALF_PLUS_TWO, integer, ROUNDS } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

/** No figure of speed: to wait for the run would take longer. */
const SOON_MS = 5000;
const PREDICT = "/tensorflow.serving.PredictionService/Predict";
const PRELOAD = new URL("./kill-a-thread.mjs", import.meta.url).href;

const folder = temporaryFolder();
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** Kills the oldest serving thread and waits until another one has taken its place. */
async function killThread(running: RunningServer): Promise<void> {
  // The gauges of a thread go with it.
  const threads = async () =>
    (await rest(`${running.url}/monitoring/prometheus/metrics`)).text.match(/^modelport_heap_used_bytes\{thread="\d+/gm)
      ?.length ?? 0;
  const before = logLines(running).filter(({ msg }) => msg === "serving_thread_ended").length;
  const seen = await threads();
  running.process.kill("SIGUSR2");
  await eventually(() => logLines(running).filter(({ msg }) => msg === "serving_thread_ended").length > before);
  await eventually(async () => (await threads().catch(() => 0)) === seen);
}

describe.skipIf(process.platform === "win32")("a serving thread that dies", () => {
  test("under load is replaced, the others go on, and no answer is wrong", async () => {
    const config = join(folder.path, "models.config");
    cpSync(HALF_PLUS_TWO, join(folder.path, "half", "7", "model.onnx"), { recursive: true });
    writeFileSync(
      config,
      `model_config_list { config { name: "half" base_path: "${folder.path}/half" model_platform: "onnx"
         version_labels { key: "stable" value: 7 } } }`,
    );
    const running = await startServer(
      [`--model_config_file=${config}`, "--allow_version_labels_for_unavailable_models", "--threads=2"],
      { preload: PRELOAD },
    );
    server = running;
    const { url, port } = running;

    let loading = true;
    const wrong: string[] = [];
    let answered = 0;
    let lost = 0;
    const take = (good: boolean, what: string) => {
      answered++;
      if (!good) wrong.push(what);
    };
    const restLoops = Array.from({ length: 4 }, async () => {
      while (loading) {
        try {
          const { status, text } = await rest(`${url}/v1/models/half/labels/stable:predict`, '{"instances": [1.0, 2.0]}');
          take(status === 200 && text.includes("[2.5, 3.0"), `REST ${status} ${text}`);
        } catch {
          lost++;
        }
      }
    });
    const grpcLoops = Array.from({ length: 4 }, async () => {
      let client = new GrpcClient(port);
      while (loading) {
        const { status, values } = await grpcPredict(client, "half").catch(() => ({
          status: { code: -1, message: "" },
          values: [],
        }));
        if (status.code === 0) take(values.join() === "2.5,3", `gRPC ${values.join()}`);
        // What was in flight on the thread may fail, with UNAVAILABLE or with its connection; the caller connects anew.
        else if (status.code === -1 || status.code === 14) {
          lost++;
          client.close();
          client = new GrpcClient(port);
        } else wrong.push(`gRPC ${status.code} ${status.message}`);
      }
      client.close();
    });

    await eventually(() => answered > 100);
    const started = Date.now();
    // Both threads of the start: in the end only successors answer, and must know all that was said before.
    for (let thread = 0; thread < 2; thread++) await killThread(running);
    const took = Date.now() - started;
    const before = answered;
    await eventually(() => answered > before + 100);
    loading = false;
    await Promise.all([...restLoops, ...grpcLoops]);

    expect(wrong).toEqual([]);
    // A request may be lost with its thread: at most the eight that were in flight each time, and one try on a dead connection.
    expect(lost).toBeLessThanOrEqual(32);
    expect(took).toBeLessThan(10_000);
    expect(await states(url, "half")).toBe("7:AVAILABLE");
    expect((await rest(`${url}/readyz`)).status).toBe(200);
    const client = new GrpcClient(port);
    const health = await client.call(
      "/grpc.health.v1.Health/Check",
      HealthCheckRequestSchema,
      create(HealthCheckRequestSchema, { service: "half" }),
      HealthCheckResponseSchema,
    );
    client.close();
    expect(health.status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    expect(await running.stop()).toBe(0);
  });

  test.each<[string, (port: number, path: string) => string]>([
    ["a port", (port) => `127.0.0.1:${port}`],
    ["a socket file", (_port, path) => `unix:${path}`],
  ])("fails a call of a gRPC client over %s with UNAVAILABLE, and the next one is answered", async (_name, target) => {
    const path = join(folder.path, "u.sock");
    const running = await startServer([ROUNDS, "--threads=1", `--grpc_socket_path=${path}`], { preload: PRELOAD });
    server = running;
    const client = new Client(target(running.port, path), credentials.createInsecure());
    const predict = (rounds: number) =>
      new Promise<number>((resolve) => {
        const request = toBinary(
          PredictRequestSchema,
          create(PredictRequestSchema, { modelSpec: { name: "rounds" }, inputs: { n: integer(rounds), x: floats(0.5) } }),
        );
        const same = (bytes: Buffer) => bytes;
        const options = { deadline: Date.now() + 25_000 };
        client.makeUnaryRequest(PREDICT, same, same, Buffer.from(request), options, (reason) => resolve(reason?.code ?? 0));
      });
    // Long enough to be known for long: the next one is done elsewhere.
    expect(await predict(100_000)).toBe(status.OK);
    const lost = predict(20_000_000);
    await eventually(async () =>
      (await rest(`${running.url}/monitoring/prometheus/metrics`)).text.includes('requests_in_flight{protocol="grpc"} 1'),
    );
    running.process.kill("SIGUSR2");
    // The run goes on for seconds, and nobody waits for it: not its caller, nor the next one.
    const began = Date.now();
    expect(await lost).toBe(status.UNAVAILABLE);
    await eventually(async () => (await predict(10)) === status.OK);
    expect(Date.now() - began).toBeLessThan(SOON_MS);
    client.close();
    running.process.kill("SIGKILL");
  });

  test("and was the only one is replaced, on its ports and its socket file", async () => {
    const path = join(folder.path, "s.sock");
    const running = await startServer([HALF_PLUS_TWO, "--threads=1", `--grpc_socket_path=${path}`], { preload: PRELOAD });
    server = running;
    await killThread(running);
    await eventually(() => existsSync(path));
    expect((await rest(`${running.url}/v1/models/model:predict`, '{"instances": [1.0]}')).status).toBe(200);
    const client = new GrpcClient({ path });
    expect((await grpcPredict(client, "model")).values).toEqual([2.5, 3]);
    client.close();
    expect(logLines(running).filter(({ msg }) => msg === "serving_thread_not_caught_up")).toEqual([]);
    expect(await running.stop()).toBe(0);
    expect(existsSync(path)).toBe(false);
    folder.remove();
  });
});
