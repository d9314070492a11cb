import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { decodeExampleRequest, decodeMultiInferenceRequest } from "../codec/classify-message.ts";
import { decodePredictRequest } from "../codec/predict-message.ts";
import { decodePredictionLog, type PredictionLog } from "../codec/prediction-log.ts";
import { decodeSessionRunRequest, encodeSessionRunResponse } from "../codec/session-run-message.ts";
import { encodeTensorProto } from "../codec/tensor-proto-plan.ts";
import { METRICS, REQUEST_LOG_COUNT } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { Servable } from "../model/servable.ts";
import type { Signature } from "../tensor/signature.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../tensor/tensor.ts";
import { Inference } from "./inference.ts";
import { RequestLog, type RequestLogParts } from "./request-log.ts";
import { BATCH_BYTES, forEachRecord } from "./request-log-batch.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { ServingTable } from "./serving-table.ts";

const SPEC = { name: "m", signatureName: "" };
const SERVED = { name: "m", version: 3n, signatureName: "serving_default" };
const context = { signal: new AbortController().signal };
const floats = (...values: number[]): NamedTensors =>
  new Map([["x", { dtype: "float32", shape: [values.length], data: Float32Array.from(values) }]]);

/** A log whose batches the test looks at. */
function logged(parts: Partial<RequestLogParts> = {}, samplingRate = 1) {
  const clock = new FakeClock();
  const catalog = new MetricsCatalog(METRICS);
  const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
  const log = new RequestLog({ shard, clock, time: () => 5000, ...parts });
  const pending = new Int32Array(new SharedArrayBuffer(4));
  const batches: Uint8Array[] = [];
  const rules = new Map([["m", { samplingRate, stream: 7 }]]);
  log.configure(rules, { pending, send: (batch) => void batches.push(batch) });
  const records = () => {
    const found: (PredictionLog & { readonly stream: number })[] = [];
    for (const batch of batches) forEachRecord(batch, (stream, record) => found.push({ stream, ...decodePredictionLog(record) }));
    return found;
  };
  return { log, clock, pending, batches, records, dropped: () => catalog.total(REQUEST_LOG_COUNT.name) ?? 0 };
}

describe("which requests are logged", () => {
  test("are those that a draw below the rate says", () => {
    const draws = [0, 0.249, 0.25, 0.9, 0.1];
    const { log, records } = logged({ random: () => draws.shift()! }, 0.25);
    for (let i = 0; i < 5; i++) log.predict(SPEC, SERVED, [], floats(i), floats());
    log.flush();
    expect(records()).toHaveLength(3);
  });

  test("at a rate of 1 are all of them", () => {
    const { log, records } = logged({ random: () => 1 - Number.EPSILON / 2 });
    log.predict(SPEC, SERVED, [], floats(1), floats(2));
    log.flush();
    expect(records()).toHaveLength(1);
  });

  test("are none of a model without a rule", () => {
    const { log, records } = logged();
    log.predict({ ...SPEC, name: "n" }, { ...SERVED, name: "n" }, [], floats(1), floats(2));
    log.flush();
    expect(records()).toEqual([]);
  });
});

describe("a record", () => {
  test("has the request as it was asked, and is a copy", () => {
    const { log, records } = logged();
    const inputs = floats(1, 2);
    log.predict({ ...SPEC, versionLabel: "canary" }, SERVED, ["y"], inputs, floats(3));
    (inputs.get("x")!.data as Float32Array).fill(0);
    log.flush();
    const [record] = records();
    expect([record!.kind, record!.stream]).toEqual(["predict", 7]);
    const request = decodePredictRequest(record!.request!);
    expect(request.modelSpec).toEqual({ ...SPEC, versionLabel: "canary", version: undefined });
    expect(request.outputFilter).toEqual(["y"]);
    expect(Buffer.from(request.inputs.get("x")!).toString("hex")).toContain("0000803f00000040");
  });

  test("that cannot be written is counted and fails nothing", () => {
    const { log, dropped, batches } = logged();
    const broken = new Map([["x", { dtype: "int32", shape: [1], data: undefined } as unknown as Tensor]]);
    log.predict(SPEC, SERVED, [], broken, floats());
    log.flush();
    expect([dropped(), batches.length]).toEqual([1, 0]);
  });
});

describe("a batch", () => {
  test("is sent half a second after its first record", async () => {
    const { log, clock, records, pending, batches } = logged();
    log.predict(SPEC, SERVED, [], floats(1), floats(2));
    await clock.advance(499);
    expect(records()).toHaveLength(0);
    log.predict(SPEC, SERVED, [], floats(1), floats(2));
    await clock.advance(1);
    expect(records()).toHaveLength(2);
    expect(pending[0]).toBe(batches[0]!.length);
    await clock.advance(10_000);
    expect(batches).toHaveLength(1);
  });

  test("takes no more memory along than is counted, twice that at most", () => {
    const { log, batches, records } = logged();
    for (let i = 0; i < 3; i++) {
      log.predict(SPEC, SERVED, [], floats(i), floats(i));
      log.flush();
    }
    for (const { buffer, length } of batches) expect(buffer.byteLength).toBeLessThanOrEqual(2 * length);
    expect(records()).toHaveLength(3);
  });

  test("is sent when the next record does not fit, and a long record by itself", () => {
    const { log, batches, records } = logged();
    const long = new Map([["x", { dtype: "uint8", shape: [BATCH_BYTES], data: new Uint8Array(BATCH_BYTES) }]] as const);
    log.predict(SPEC, SERVED, [], floats(1), floats(2));
    log.predict(SPEC, SERVED, [], long, floats(2));
    expect(batches.map(({ length }) => length > BATCH_BYTES)).toEqual([false, true]);
    for (let i = 0; i < 1000; i++) log.predict(SPEC, SERVED, [], floats(i), floats(i));
    log.flush();
    expect(records()).toHaveLength(1002);
    expect(Math.max(...batches.slice(2).map(({ length }) => length))).toBeLessThanOrEqual(BATCH_BYTES);
  });

  test("goes where it was meant to when that changes", () => {
    const { log, records } = logged();
    const pending = new Int32Array(1);
    log.predict(SPEC, SERVED, [], floats(1), floats(2));
    log.configure(new Map(), { pending, send: () => expect.unreachable() });
    expect(records()).toHaveLength(1);
    log.predict(SPEC, SERVED, [], floats(1), floats(2));
    log.flush();
    expect(records()).toHaveLength(1);
  });

  test("has no room while too much waits to be written, and has again later", () => {
    const { log, records, pending, dropped } = logged({ mostPendingBytes: 1000 });
    for (let i = 0; i < 50; i++) {
      log.predict(SPEC, SERVED, [], floats(i), floats(i));
      log.flush();
    }
    const kept = records().length;
    expect(kept).toBeGreaterThan(2);
    expect(kept).toBeLessThan(10);
    expect(dropped()).toBe(50 - kept);
    expect(pending[0]).toBeLessThanOrEqual(1000);
    pending[0] = 0;
    log.predict(SPEC, SERVED, [], floats(1), floats(1));
    log.flush();
    expect(records()).toHaveLength(kept + 1);
  });
});

describe("calls on examples", () => {
  const signature = (methodName: string, ...outputs: string[]): Signature => ({
    inputs: [{ alias: "inputs", name: "inputs", dtype: "string", shape: [-1] }],
    outputs: outputs.map((alias) => ({
      alias,
      name: alias,
      dtype: alias === "classes" ? "string" : "float32",
      shape: undefined,
    })),
    methodName,
  });
  const answers: Record<string, Tensor> = {
    classes: stringTensor([2, 1], ["cat", "dog"]),
    scores: { dtype: "float32", shape: [2, 1], data: Float32Array.of(0.5, 1) },
    outputs: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) },
  };
  const servable: Servable = {
    runtime: "onnxruntime",
    signatures: new Map([
      ["serving_default", signature("", "classes", "scores")],
      ["value", signature("", "outputs")],
    ]),
    run: (_signature, _inputs, wanted) => new Map(wanted.map((alias) => [alias, answers[alias]!])),
    detach() {},
  };
  const examples = [Uint8Array.of(0x0a, 0), new Uint8Array(0)];

  async function inferenceWith(log: RequestLog): Promise<Inference> {
    const table = new ServingTable();
    await table.servables.publish({ name: "m", version: 3n }, servable);
    const inference = new Inference(table, new RequestMetrics(new MetricsShard(() => {})));
    inference.setRequestLog(log);
    return inference;
  }

  test("are logged with the examples as they came", async () => {
    const { log, records } = logged();
    const inference = await inferenceWith(log);
    await inference.classify({ spec: SPEC, examples }, context);
    await inference.regress({ spec: { ...SPEC, signatureName: "value" }, examples }, context);
    log.flush();
    expect(
      records().map(({ kind, request }) => [kind, decodeExampleRequest(request!).examples.map(({ length }) => length)]),
    ).toEqual([
      ["classify", [2, 0]],
      ["regress", [2, 0]],
    ]);
    const text = records().map(({ response }) => Buffer.from(response!).toString("latin1"));
    expect(text[0]).toContain("cat");
  });

  test("of several tasks are one record", async () => {
    const { log, records } = logged();
    const tasks = [
      { spec: SPEC, methodName: "tensorflow/serving/classify" },
      { spec: { ...SPEC, signatureName: "value" }, methodName: "tensorflow/serving/regress" },
    ];
    await (await inferenceWith(log)).multiInference(tasks, examples, context);
    log.flush();
    const [record, ...more] = records();
    expect([record!.kind, more]).toEqual(["multi-inference", []]);
    const request = decodeMultiInferenceRequest(record!.request!);
    expect(request.tasks.map(({ methodName }) => methodName)).toEqual(tasks.map(({ methodName }) => methodName));
  });

  test("are not logged when they fail, nor when no log is set", async () => {
    const { log, records } = logged();
    const inference = await inferenceWith(log);
    await expect(inference.classify({ spec: { ...SPEC, signatureName: "value" }, examples }, context)).rejects.toThrow();
    inference.setRequestLog(undefined);
    await inference.classify({ spec: SPEC, examples }, context);
    log.flush();
    expect(records()).toEqual([]);
  });
});

test("a session run is logged with the request as it came and what it fetched", async () => {
  const { log, records } = logged();
  const x: Tensor = { dtype: "float32", shape: [1], data: Float32Array.of(7) };
  const tensorBytes = encodeTensorProto(x);
  const feed = Buffer.concat([Buffer.from([0x0a, 1, 0x78, 0x12, tensorBytes.length]), tensorBytes]);
  const message = Buffer.concat([Buffer.from([0x12, feed.length]), feed, Buffer.from("1a0179", "hex")]);
  const table = new ServingTable();
  const signatures = new Map<string, Signature>();
  const servable: Servable = {
    runtime: "tensorflow",
    signatures,
    run: () => new Map(),
    runGraph: (feeds) => [...feeds.values()],
    detach() {},
  };
  await table.servables.publish({ name: "m", version: 3n }, servable);
  const inference = new Inference(table, new RequestMetrics(new MetricsShard(() => {})));
  inference.setRequestLog(log);
  await inference.sessionRun(SPEC, decodeSessionRunRequest(message), context);
  log.flush();
  const [record, ...more] = records();
  expect([record!.kind, more]).toEqual(["session-run", []]);
  expect(Buffer.from(record!.request!).equals(message)).toBe(true);
  const served = { ...SERVED, signatureName: "" };
  expect(Buffer.from(record!.response!)).toEqual(Buffer.from(encodeSessionRunResponse(served, ["y"], [x], true)));
});
