import { request } from "node:http";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PredictRequestSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { floats } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { logLines, type RunningServer, startServer } from "../support/server.ts";

/** Stands for what callers send and nobody else may see. */
const SECRET = "s3cret-of-a-caller";
const NUMBER = 8_675_309.5;

let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  server = await startServer([fixture("onnx", "bool_where", "model.onnx"), "--rest_api_enable_cors_support", "--threads=1"]);
  grpc = new GrpcClient(server.port);
});

afterAll(async () => {
  grpc?.close();
  await server?.stop();
});

const PREDICT = "/tensorflow.serving.PredictionService/Predict";
const predict = (body: string, headers: Record<string, string> = {}) =>
  rest(`${server.url}/v1/models/model:predict`, body, { headers: { authorization: `Bearer ${SECRET}`, ...headers } });

/** Requests of every kind, good and bad, each with something secret in its body or headers. */
async function sendSecrets(): Promise<string[]> {
  const good = { mask: [[true, false, true]], a: [[1, 2, NUMBER]] };
  const answers = [
    await predict(JSON.stringify({ inputs: good })),
    await predict(`{"inputs": {"mask": "${SECRET}`),
    await predict(`{"inputs": {"mask": [[true]], "${SECRET}": 1}}`),
    await predict(JSON.stringify({ inputs: good }), { "content-encoding": "gzip" }),
    await rest(`${server.url}/v1/models/none:predict`, JSON.stringify({ instances: [SECRET] })),
    await rest(`${server.url}/v1/models/model:classify`, JSON.stringify({ examples: [{ x: SECRET }] })),
  ];
  const message = (inputs: Record<string, ReturnType<typeof floats>>) =>
    toBinary(PredictRequestSchema, create(PredictRequestSchema, { modelSpec: { name: "model" }, inputs }));
  const headers = { authorization: `Bearer ${SECRET}`, "x-token-bin": Buffer.from(SECRET).toString("base64") };
  const calls = [
    await grpc.raw(PREDICT, message({ a: floats(NUMBER) }), headers),
    await grpc.raw(PREDICT, Buffer.from(SECRET), headers),
    await grpc.raw(PREDICT, message({ a: floats(NUMBER), mask: floats(NUMBER) }), headers),
  ];
  // Bytes that are no HTTP at all.
  await new Promise<void>((resolve) => {
    const odd = request({
      port: server.restPort,
      host: "127.0.0.1",
      method: "POST",
      path: `/v1/${SECRET}`,
      headers: { "x-a": SECRET },
    });
    odd.on("response", (answer) => answer.resume().on("end", resolve));
    odd.on("error", () => resolve());
    odd.end(SECRET);
  });
  return [...answers.slice(0, 1).map(({ text }) => text), ...calls.map(({ status }) => status.message)];
}

test("the log is JSON lines, each with a time, a level and an event, and never holds what callers send", async () => {
  await sendSecrets();
  const lines = logLines(server);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    expect(line).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      level: expect.any(String),
      msg: expect.any(String),
    });
  }
  for (const text of [server.stderr(), server.stdout()]) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(Buffer.from(SECRET).toString("base64"));
    expect(text).not.toContain("8675309");
  }
});

test("no answer holds what another caller sent, nor the caller's credentials", async () => {
  const own = await sendSecrets();
  for (const text of own) expect(text).not.toContain(SECRET);
  const later = [
    await rest(`${server.url}/v1/models/model:predict`, "{"),
    await rest(`${server.url}/v1/models/model:predict`, '{"inputs": {"mask": [[true]], "a": [["x"]]}}'),
    await rest(`${server.url}/v1/models/model`),
    await rest(`${server.url}/v1/models/model/metadata`),
    await rest(`${server.url}/monitoring/prometheus/metrics`),
    await rest(`${server.url}/nothing`),
  ];
  for (const { text } of later) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain("8675309");
  }
});
