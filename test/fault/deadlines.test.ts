import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PredictRequestSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { FRAME_FLAG, FRAME_TYPE } from "../../src/transport/http2/frame.ts";
import { frame, numberFrame, RawPeer, requestFields } from "../../src/transport/http2/test-peer.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { floats, grpcPredict, integer, ROUNDS } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

const PREDICT = "/tensorflow.serving.PredictionService/Predict";
const DEADLINE_EXCEEDED = 4;
const CANCEL = 8;

let server: RunningServer;
let client: GrpcClient;

beforeAll(async () => {
  server = await startServer([ROUNDS, "--threads=1", "--rest_api_timeout_in_ms=60000"]);
  client = new GrpcClient(server.port);
  // A first long run teaches the thread to do runs elsewhere.
  expect((await grpcPredict(client, "rounds", { n: integer(100_000), x: floats(0.5) })).status.code).toBe(0);
});

afterAll(async () => {
  client?.close();
  await server?.stop();
});

const message = (rounds: number) =>
  toBinary(
    PredictRequestSchema,
    create(PredictRequestSchema, { modelSpec: { name: "rounds" }, inputs: { n: integer(rounds), x: floats(0.5) } }),
  );

const ask = (rounds: number, timeout?: string) =>
  client.raw(PREDICT, message(rounds), timeout === undefined ? {} : { "grpc-timeout": timeout });

/** Runs of the engine that have been done, and requests now in flight. */
async function counted(): Promise<{ runs: number; inFlight: number }> {
  const { text } = await rest(`${server.url}/monitoring/prometheus/metrics`);
  const sum = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);
  return {
    runs: sum(/runtime_latency_count\{[^}]*\} (\d+)/g),
    inFlight: sum(/requests_in_flight\{protocol="grpc"\} (\d+)/g),
  };
}

test("a call whose deadline has passed when it is read is not run", async () => {
  const { runs } = await counted();
  const calls = Array.from({ length: 20 }, () => ask(1000, "1n"));
  for (const { status } of await Promise.all(calls)) expect(status.code).toBe(DEADLINE_EXCEEDED);
  expect((await counted()).runs).toBe(runs);
});

test("a deadline of a millisecond ends a call that takes longer, and its neighbours are answered", async () => {
  const long = Array.from({ length: 4 }, () => ask(60_000));
  const short = Array.from({ length: 20 }, () => ask(60_000, "1m"));
  for (const { status } of await Promise.all(short)) expect(status.code).toBe(DEADLINE_EXCEEDED);
  for (const { status } of await Promise.all(long)) expect(status.code).toBe(0);
});

test("calls that were cancelled or expired before their turn are never run", async () => {
  const { runs } = await counted();
  // More than Node's pool takes at once: the later ones wait.
  const long = Array.from({ length: 8 }, () => ask(100_000));
  await eventually(async () => (await counted()).inFlight >= 1);
  const peer = await RawPeer.connect(server.port);
  const body = Buffer.alloc(5 + message(100_000).length);
  body.writeUInt32BE(body.length - 5, 1);
  body.set(message(100_000), 5);
  for (let id = 1; id < 41; id += 2) {
    peer.headers(id, requestFields("POST", PREDICT, ["content-type", "application/grpc"], ["te", "trailers"]), false);
    peer.write(frame(FRAME_TYPE.data, FRAME_FLAG.endStream, id, body));
  }
  await peer.roundTrip();
  for (let id = 1; id < 41; id += 2) peer.write(numberFrame(FRAME_TYPE.reset, id, CANCEL));
  await peer.roundTrip();
  const expired = Array.from({ length: 20 }, () => ask(100_000, "2m"));
  for (const { status } of await Promise.all(expired)) expect(status.code).toBe(DEADLINE_EXCEEDED);
  for (const { status } of await Promise.all(long)) expect(status.code).toBe(0);
  await eventually(async () => (await counted()).inFlight === 0);
  peer.socket.destroy();
  expect((await counted()).runs - runs).toBe(long.length);
});
