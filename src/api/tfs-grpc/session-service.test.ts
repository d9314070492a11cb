import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { FakeClock, settle } from "../../base/fake-clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import { DataType } from "../../gen/tensorflow/core/framework/types_pb.ts";
import { SessionRunRequestSchema, SessionRunResponseSchema } from "../../gen/tensorflow_serving/apis/session_service_pb.ts";
import { METRICS } from "../../metrics/definitions.ts";
import { MetricsCatalog } from "../../metrics/metrics-catalog.ts";
import { MetricsShard } from "../../metrics/metrics-shard.ts";
import type { Servable } from "../../model/servable.ts";
import { Inference } from "../../serving/inference.ts";
import { RequestMetrics } from "../../serving/request-metrics.ts";
import { ServingTable } from "../../serving/serving-table.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { fakeCall } from "../../transport/grpc/fake-call.ts";
import type { UnaryMethod } from "../../transport/grpc/method.ts";
import { CallRecorder } from "./call-recorder.ts";
import { sessionServiceMethods } from "./session-service.ts";

type Init = MessageInitShape<typeof SessionRunRequestSchema>;
type RunGraph = NonNullable<Servable["runGraph"]>;

const PATH = "/tensorflow.serving.SessionService/SessionRun";
const info = (alias: string, name: string) => ({ alias, name, dtype: "float32", shape: [-1] }) as const;
const SIGNATURE: Signature = { inputs: [info("x", "x:0")], outputs: [info("y", "y:0")], methodName: "" };
const X: NonNullable<Init["feed"]>[number] = {
  name: "x:0",
  tensor: { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 2n }] }, floatVal: [1, 2] },
};

/** Answers what it was fed, plus one. */
const plusOne: RunGraph = (feeds, fetches) =>
  fetches.map((): Tensor => {
    const data = (feeds.get("x:0")!.data as Float32Array).map((value) => value + 1);
    return { dtype: "float32", shape: [data.length], data };
  });

/** A server of one model, 5 of `m`. */
async function served(runGraph: RunGraph | undefined) {
  const servable: Servable = {
    runtime: "tensorflow",
    signatures: new Map([["serving_default", SIGNATURE]]),
    run: () => new Map(),
    ...(runGraph !== undefined && { runGraph }),
    detach() {},
  };
  const table = new ServingTable();
  await table.servables.publish({ name: "m", version: 5n }, servable);
  const catalog = new MetricsCatalog(METRICS);
  const metrics = new RequestMetrics(new MetricsShard((announcement) => catalog.accept(0, announcement)));
  const clock = new FakeClock();
  const methods = sessionServiceMethods({
    inference: new Inference(table, metrics),
    recorder: new CallRecorder(metrics, (reason) => expect.fail(String(reason))),
    asTensorContent: false,
    maxRequestBytes: 1000,
    clock,
  });
  const ask = async (init: Init, call = fakeCall()) => {
    const request = toBinary(SessionRunRequestSchema, create(SessionRunRequestSchema, init));
    return fromBinary(SessionRunResponseSchema, await (methods.get(PATH) as UnaryMethod).run(request, call));
  };
  return { ask, clock, table, page: () => catalog.render("tensorflow-serving") };
}

describe("an answer", () => {
  test("has the tensors in the order of the fetches, and the version that ran", async () => {
    const asked: unknown[] = [];
    const { ask, page } = await served((feeds, fetches, targets) => {
      asked.push([...feeds.keys()], fetches, targets);
      return plusOne(feeds, fetches, targets);
    });
    const fetch = ["y:0", "z:0", "y:0"];
    const { tensor, modelSpec, metadata } = await ask({ modelSpec: { name: "m" }, feed: [X], fetch, target: ["init"] });
    expect(asked).toEqual([["x:0"], fetch, ["init"]]);
    expect(tensor.map(({ name }) => name)).toEqual(fetch);
    expect(tensor.map((named) => named.tensor?.floatVal)).toEqual(fetch.map(() => [2, 3]));
    expect([modelSpec?.name, modelSpec?.signatureName, modelSpec?.versionChoice.value]).toMatchObject(["m", "", { value: 5n }]);
    expect(metadata).toBeUndefined();
    expect(page()).toContain(':tensorflow:serving:request_count{model_name="m",status="OK"} 1');
    expect(page()).toContain(':tensorflow:serving:request_latency_count{model_name="m",API="SessionRun",entrypoint="GRPC"} 1');
    expect(page()).toContain(':tensorflow:serving:runtime_latency_count{model_name="m",API="SessionRun",runtime="tensorflow"} 1');
  });

  test("to aliases has the aliases, and the signature that they were looked up in", async () => {
    const { ask } = await served(plusOne);
    const feed = [{ ...X, name: "x" }];
    const { tensor, modelSpec } = await ask({ modelSpec: { name: "m" }, feed, fetch: ["y"], tensorNameIsAlias: true });
    expect(tensor.map((named) => [named.name, named.tensor?.floatVal])).toEqual([["y", [2, 3]]]);
    expect(modelSpec?.signatureName).toBe("serving_default");
  });
});

describe("what is refused", () => {
  const modelSpec = { name: "m" };
  const version = { case: "version", value: { value: 4n } } as const;

  test.each<[string, Init, string, string]>([
    ["no spec", { feed: [X] }, "invalid-argument", "Missing ModelSpec"],
    ["no name", { modelSpec: {} }, "invalid-argument", "ModelSpec has no name specified."],
    ["an unknown model", { modelSpec: { name: "q" } }, "not-found", "Servable not found for request: Latest(q)"],
    [
      "an unknown version",
      { modelSpec: { name: "m", versionChoice: version } },
      "not-found",
      "Servable not found for request: Specific(m, 4)",
    ],
    [
      "an unknown label",
      { modelSpec: { name: "m", versionChoice: { case: "versionLabel", value: "l" } } },
      "invalid-argument",
      "Unrecognized servable version label: l",
    ],
    ["a tensor fed twice", { modelSpec, feed: [X, X] }, "invalid-argument", 'Endpoint "x:0" fed more than once.'],
    [
      "a tensor that is none",
      { modelSpec, feed: [{ ...X, tensor: { dtype: DataType.DT_FLOAT, tensorContent: Uint8Array.of(1) } }] },
      "invalid-argument",
      "tensor parsing error: x:0",
    ],
    [
      "more than a request may describe",
      { modelSpec, feed: [{ name: "x:0", tensor: { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 600n }] } } }] },
      "invalid-argument",
      "tensor parsing error: x:0",
    ],
  ])("%s", async (_, init, code, message) => {
    const { ask } = await served(plusOne);
    await expect(async () => await ask(init)).rejects.toMatchObject({ code, message });
  });

  test("a model without a graph", async () => {
    const { ask, page } = await served(undefined);
    await expect(ask({ modelSpec })).rejects.toMatchObject({
      code: "unimplemented",
      message: "model m is not a TensorFlow graph",
    });
    expect(page()).toContain(':tensorflow:serving:request_count{model_name="m",status="UNIMPLEMENTED"} 1');
  });

  test("what the engine refuses, which gives the version back", async () => {
    const refusal = new ServingError("not-found", "Tensor q:0, specified in either feed_devices or fetch_devices was not found");
    const { ask, table } = await served(() => {
      throw refusal;
    });
    await expect(ask({ modelSpec, fetch: ["q:0"] })).rejects.toBe(refusal);
    await expect(table.servables.retire({ name: "m", version: 5n })).resolves.toBeUndefined();
  });
});

describe("the request's own time limit", () => {
  const untilAborted: RunGraph = (_feeds, _fetches, _targets, context) =>
    new Promise((_resolve, reject) => {
      const { signal } = context!;
      signal.addEventListener("abort", () => reject(signal.reason));
    });

  test("ends the run", async () => {
    const { ask, clock } = await served(untilAborted);
    const answer = ask({ modelSpec: { name: "m" }, options: { timeoutInMs: 50n } });
    const outcome = expect(answer).rejects.toMatchObject({ code: "deadline-exceeded" });
    await settle();
    await clock.advance(50);
    await outcome;
  });

  test.each([
    [50n, 1000, 50],
    [5000n, 1000, 1000],
    [0n, undefined, undefined],
    [-1n, undefined, undefined],
  ])("of %d ms with %s ms until the call's deadline leaves the run %s ms", async (timeoutInMs, remainingMs, expected) => {
    let left: number | undefined;
    const { ask } = await served((_feeds, _fetches, _targets, context) => {
      left = context!.remainingMs;
      return [];
    });
    await ask({ modelSpec: { name: "m" }, options: { timeoutInMs } }, fakeCall({ remainingMs }));
    expect(left).toBe(expected);
  });
});
