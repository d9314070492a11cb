import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { METRICS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { RequestMetrics } from "./request-metrics.ts";

function setUp() {
  const catalog = new MetricsCatalog(METRICS);
  const metrics = new RequestMetrics(new MetricsShard((announcement) => catalog.accept(0, announcement)));
  /** Lines of the signature metrics, buckets aside. */
  const lines = () =>
    catalog
      .render("prometheus")
      .split("\n")
      .filter((line) => line.startsWith("modelport_signature_request") && !line.includes("_bucket"));
  return { metrics, lines };
}

const CALL = 'model_name="m",signature_name="s",method="predict"';
const answered = (count: number) => `modelport_signature_requests_total{${CALL},status="OK"} ${count}`;
const timed = (count: number) => `modelport_signature_request_duration_seconds_count{${CALL}} ${count}`;

describe("a signature's call", () => {
  test("that goes well at once stays synchronous and takes the time of its request", () => {
    const { metrics, lines } = setUp();
    metrics.begin(5);
    expect(metrics.onSignature("m", "s", "predict", () => "answer")).toBe("answer");
    expect(lines()).not.toContain(answered(1));
    metrics.finished("m", "Predict", "GRPC", "ok", 2_000_000);
    expect(lines()).toEqual([`modelport_signature_request_duration_seconds_sum{${CALL}} 2`, timed(1), answered(1)]);
  });

  test("that nobody times is timed by itself", () => {
    const { metrics, lines } = setUp();
    void metrics.onSignature("m", "s", "predict", () => "answer");
    metrics.finished("other", "Predict", "GRPC", "ok", 2_000_000);
    expect(lines()).toContain(answered(1));
    expect(lines()).not.toContain(`modelport_signature_request_duration_seconds_sum{${CALL}} 2`);
  });

  test("that is answered later is counted then, whatever came in between", async () => {
    const { metrics, lines } = setUp();
    let answer: (value: string) => void = () => undefined;
    metrics.begin(5);
    const later = metrics.onSignature("m", "s", "predict", () => new Promise<string>((resolve) => (answer = resolve)));
    metrics.leave();
    metrics.begin(6);
    metrics.finished("other", "Predict", "GRPC", "ok", 1);
    expect(lines()).toEqual([]);
    answer("answer");
    expect(await later).toBe("answer");
    expect(lines()).toEqual(expect.arrayContaining([answered(1), timed(1)]));
  });

  test.each([
    ["a ServingError by its code", () => new ServingError("invalid-argument", "bad"), "INVALID_ARGUMENT"],
    ["anything else as internal", () => new TypeError("bug"), "INTERNAL"],
  ])("that fails counts %s, at once or later, and has no time", async (_what, reason, status) => {
    const { metrics, lines } = setUp();
    const thrown = reason();
    expect(() =>
      metrics.onSignature("m", "s", "predict", () => {
        throw thrown;
      }),
    ).toThrow(thrown);
    await expect(metrics.onSignature("m", "s", "predict", () => Promise.reject(thrown))).rejects.toBe(thrown);
    expect(lines()).toEqual([`modelport_signature_requests_total{${CALL},status="${status}"} 2`]);
  });

  test("of another signature, method or model has cells of its own", () => {
    const { metrics, lines } = setUp();
    for (const [model, signature, method] of [
      ["m", "s", "predict"],
      ["m", "s", "classify"],
      ["m", "t", "classify"],
      ["n", "t", "classify"],
      ["m", "s", "predict"],
    ] as const) {
      void metrics.onSignature(model, signature, method, () => "answer");
    }
    expect(lines().filter((line) => line.includes("requests_total"))).toHaveLength(4);
    expect(lines()).toContain(answered(2));
  });
});
