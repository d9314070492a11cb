import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { METRICS } from "../../metrics/definitions.ts";
import { MetricsCatalog } from "../../metrics/metrics-catalog.ts";
import { MetricsShard } from "../../metrics/metrics-shard.ts";
import { RequestMetrics } from "../../serving/request-metrics.ts";
import { CallRecorder } from "./call-recorder.ts";

function setUp() {
  const catalog = new MetricsCatalog(METRICS);
  const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
  const logged: { api: string; model: string; status: string; err?: unknown }[] = [];
  const faults: unknown[] = [];
  const recorder = new CallRecorder(
    new RequestMetrics(shard),
    (reason) => faults.push(reason),
    (fields) => logged.push(fields),
  );
  const page = () => catalog.render("tensorflow-serving");
  return { recorder, logged, faults, page };
}

const count = (status: string, value: number) => `:tensorflow:serving:request_count{model_name="m",status="${status}"} ${value}`;
const LATENCY = ':tensorflow:serving:request_latency_count{model_name="m",API="Predict",entrypoint="GRPC"}';

describe("a call that goes well", () => {
  test("at once stays synchronous, is counted and timed", () => {
    const { recorder, logged, page } = setUp();
    expect(recorder.record("Predict", "m", () => "answer")).toBe("answer");
    expect(page()).toContain(count("OK", 1));
    expect(page()).toContain(`${LATENCY} 1`);
    expect(logged).toMatchObject([{ api: "Predict", model: "m", status: "ok" }]);
  });

  test("later is counted when it ends", async () => {
    const { recorder, page } = setUp();
    const answer = recorder.record("Predict", "m", async () => "answer");
    expect(page()).not.toContain(count("OK", 1));
    expect(await answer).toBe("answer");
    expect(page()).toContain(count("OK", 1));
  });
});

describe("a call that fails", () => {
  const failure = new ServingError("not-found", "no such model");

  test("at once throws its error, is counted by its code and not timed", () => {
    const { recorder, logged, page } = setUp();
    const run = () => {
      throw failure;
    };
    expect(() => recorder.record("Predict", "m", run)).toThrow(failure);
    expect(page()).toContain(count("NOT_FOUND", 1));
    expect(page()).not.toContain(LATENCY);
    expect(logged).toMatchObject([{ status: "not-found", err: failure }]);
  });

  test("later rejects with its error", async () => {
    const { recorder, page } = setUp();
    await expect(recorder.record("Predict", "m", () => Promise.reject(failure))).rejects.toBe(failure);
    expect(page()).toContain(count("NOT_FOUND", 1));
  });

  test("by a bug becomes internal, and the log is told what it was", async () => {
    const { recorder, logged, faults, page } = setUp();
    const bug = new TypeError("secret");
    await expect(recorder.record("Predict", "m", () => Promise.reject(bug))).rejects.toMatchObject({
      code: "internal",
      message: "internal error",
    });
    expect(page()).toContain(count("INTERNAL", 1));
    expect((logged[0].err as Error).cause).toBe(bug);
    expect(faults).toEqual([bug]);
  });
});
