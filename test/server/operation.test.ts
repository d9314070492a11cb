import { connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { ServerReflectionRequestSchema, ServerReflectionResponseSchema } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { fixture } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  server = await startServer([
    "--model_name=half",
    `--model_base_path=${fixture("identity", "saved_model_half_plus_two_2_versions")}`,
    "--threads=2",
  ]);
  grpc = new GrpcClient(server.port);
});

afterAll(async () => {
  grpc?.close();
  await server?.stop();
});

describe("both ports speak both protocols", () => {
  test("REST on the gRPC port", async () => {
    expect((await rest(`http://127.0.0.1:${server.port}/v1/models/half`)).status).toBe(200);
  });

  test("gRPC on the REST port", async () => {
    const client = new GrpcClient(server.restPort);
    const answer = await client.call(
      "/grpc.health.v1.Health/Check",
      HealthCheckRequestSchema,
      create(HealthCheckRequestSchema),
      HealthCheckResponseSchema,
    );
    client.close();
    expect(answer.status).toBe(HealthCheckResponse_ServingStatus.SERVING);
  });

  test("REST over HTTP/2", async () => {
    const session = connect(server.url);
    const stream = session.request({ ":path": "/v1/models/half:predict", ":method": "POST" });
    stream.end('{"instances": [1.0]}');
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    const status = await new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
    await new Promise((resolve) => stream.on("close", resolve));
    session.close();
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ predictions: [2.5] });
  });
});

describe("operation routes", () => {
  test.each(["/livez", "/readyz"])("%s is 200", async (path) => expect((await rest(server.url + path)).status).toBe(200));
  test("an unknown path is 404", async () => expect((await rest(`${server.url}/nothing`)).status).toBe(404));

  test("metrics count requests of every thread under TensorFlow Serving's names", async () => {
    for (let i = 0; i < 20; i++)
      await rest(`${server.url}/v1/models/half:predict`, '{"instances": [1.0]}', { headers: { connection: "close" } });
    await rest(`${server.url}/v1/models/rose:predict`, '{"instances": [1.0]}');
    const page = await rest(`${server.url}/monitoring/prometheus/metrics`);
    expect(page.contentType).toMatch(/^text\/plain/);
    const value = (name: string) =>
      Number(
        page.text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.split(" ")
          .at(-1),
      );
    expect(page.text).toContain("# TYPE :tensorflow:serving:request_count counter");
    expect(value(':tensorflow:serving:request_count{model_name="half",status="OK"}')).toBeGreaterThanOrEqual(20);
    expect(value(':tensorflow:serving:request_count{model_name="rose",status="NOT_FOUND"}')).toBe(1);
    expect(
      value(':tensorflow:serving:request_latency_count{model_name="half",API="predict",entrypoint="REST"}'),
    ).toBeGreaterThanOrEqual(20);
    expect(value('modelport_model_load_duration_seconds_count{model_name="half",status="OK"}')).toBe(1);
  });

  test("metrics with a query are refused", async () => {
    const answer = await rest(`${server.url}/monitoring/prometheus/metrics?x=1`);
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining("Should be /monitoring/prometheus/metrics") });
  });
});

describe("health and reflection", () => {
  test.each([
    ["", HealthCheckResponse_ServingStatus.SERVING],
    ["PredictionService", HealthCheckResponse_ServingStatus.SERVING],
    ["tensorflow.serving.ModelService", HealthCheckResponse_ServingStatus.SERVING],
    ["half", HealthCheckResponse_ServingStatus.SERVING],
  ])("service %j is serving", async (service, status) => {
    const answer = await grpc.call(
      "/grpc.health.v1.Health/Check",
      HealthCheckRequestSchema,
      create(HealthCheckRequestSchema, { service }),
      HealthCheckResponseSchema,
    );
    expect(answer.status).toBe(status);
  });

  test("an unknown service is not found", async () => {
    const request = create(HealthCheckRequestSchema, { service: "rose" });
    await expect(
      grpc.call("/grpc.health.v1.Health/Check", HealthCheckRequestSchema, request, HealthCheckResponseSchema),
    ).rejects.toMatchObject({ code: 5 });
  });

  test("reflection lists the services", async () => {
    const request = create(ServerReflectionRequestSchema, { messageRequest: { case: "listServices", value: "" } });
    const { messages } = await grpc.raw(
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      toBinary(ServerReflectionRequestSchema, request),
    );
    const { messageResponse } = fromBinary(ServerReflectionResponseSchema, messages[0]);
    const names = messageResponse.case === "listServicesResponse" ? messageResponse.value.service.map(({ name }) => name) : [];
    expect(names).toContain("tensorflow.serving.PredictionService");
  });
});

describe("what the server prints", () => {
  test("is a table, the addresses, and one line to paste", () => {
    const text = server.stdout();
    expect(text).toMatch(/half\s+123\s+onnx\s+holds model\.onnx\s+AVAILABLE/);
    expect(text).toContain(`http://127.0.0.1:${server.restPort}`);
    expect(text).toContain(`curl -s http://127.0.0.1:${server.restPort}/v1/models/half:predict`);
  });

  test("is one JSON line for each event in the log", () => {
    const events = server
      .stderr()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string; model?: string });
    expect(events.map(({ msg }) => msg)).toContain("model_loaded");
  });
});

describe("CORS", () => {
  test("is off unless asked for", async () => {
    const answer = await fetch(`${server.url}/v1/models/half`, { method: "OPTIONS", headers: { origin: "http://a.example" } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, null]);
    expect((await fetch(`${server.url}/v1/models/half`, { method: "OPTIONS" })).status).toBe(400);
  });
});
