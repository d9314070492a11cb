import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Announcement } from "./announcement.ts";
import { bucketOf } from "./cells.ts";
import { exponentialLimits, type HistogramDefinition } from "./definition.ts";
import { METRICS, REQUEST_COUNT, REQUESTS_IN_FLIGHT } from "./definitions.ts";
import { MetricsCatalog } from "./metrics-catalog.ts";
import { MetricsShard } from "./metrics-shard.ts";
import { EVENT_LOOP_DELAY } from "./process-definitions.ts";

describe("a shard", () => {
  test("gives the same cell for the same labels and announces it once", () => {
    const news: Announcement[] = [];
    const shard = new MetricsShard((announcement) => news.push(announcement));

    const first = shard.counter(REQUEST_COUNT, "iris", "OK");
    expect(shard.counter(REQUEST_COUNT, "iris", "OK")).toBe(first);
    expect(shard.counter(REQUEST_COUNT, "iris", "NOT_FOUND")).not.toBe(first);
    expect(shard.counter(REQUEST_COUNT, "OK", "iris")).not.toBe(first);
    expect(news.map(({ kind }) => kind)).toEqual(["buffer", "cell", "cell", "cell"]);
  });

  test("grows by further buffers, each announced before its cells, no cell across two", () => {
    const news: Announcement[] = [];
    const shard = new MetricsShard((announcement) => news.push(announcement));
    for (let thread = 0; thread < 500; thread++) shard.histogram(EVENT_LOOP_DELAY, String(thread)).observe(1);

    const lengths: number[] = [];
    const taken = new Set<string>();
    for (const announcement of news) {
      if (announcement.kind === "buffer") {
        expect(announcement.index).toBe(lengths.length);
        lengths.push(announcement.buffer.byteLength / 8);
        continue;
      }
      expect(announcement.offset + 19).toBeLessThanOrEqual(lengths[announcement.buffer]!);
      taken.add(`${announcement.buffer}:${announcement.offset}`);
    }
    expect(lengths).toEqual([2_048, 4_096, 8_192]);
    expect(taken.size).toBe(500);
  });

  test("refuses to shrink a counter and drops a value that is no number", () => {
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    shard.histogram(EVENT_LOOP_DELAY, "0").observe(Number.NaN);

    expect(() => shard.counter(REQUEST_COUNT, "iris", "OK").add(-1)).toThrow("a counter cannot shrink, got -1");
    expect(catalog.render("tensorflow-serving")).toContain('modelport_event_loop_delay_seconds_sum{thread="0"} 0\n');
    expect(catalog.render("tensorflow-serving")).toContain('modelport_event_loop_delay_seconds_count{thread="0"} 0\n');
  });

  test("keeps a gauge of each label value apart", () => {
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    shard.gauge(REQUESTS_IN_FLIGHT, "grpc").add(2);
    shard.gauge(REQUESTS_IN_FLIGHT, "http").set(7);
    shard.gauge(REQUESTS_IN_FLIGHT, "grpc").add(-1);

    expect(catalog.render("tensorflow-serving")).toContain(
      '# TYPE modelport_requests_in_flight gauge\nmodelport_requests_in_flight{protocol="grpc"} 1\nmodelport_requests_in_flight{protocol="http"} 7\n',
    );
  });
});

describe("a histogram", () => {
  const limits = exponentialLimits(1, 2, 4);

  test.each([
    [-1, 0],
    [0.9, 0],
    [1, 1],
    [2, 2],
    [7.99, 3],
    [8, 4],
    [Number.POSITIVE_INFINITY, 4],
  ])("counts %d in bucket %d", (value, bucket) => {
    expect(bucketOf(limits, value)).toBe(bucket);
  });

  test("finds the bucket that a plain search finds", () => {
    const sorted = fc.uniqueArray(fc.double({ noNaN: true }), { maxLength: 40 }).map((list) => Float64Array.from(list).sort());
    fc.assert(
      fc.property(sorted, fc.double({ noNaN: true }), (ascending, value) => {
        const plain = ascending.findIndex((limit) => limit > value);
        expect(bucketOf(ascending, value)).toBe(plain === -1 ? ascending.length : plain);
      }),
    );
  });

  test("takes one number per bucket and one for the sum, whatever its limits", () => {
    const none: HistogramDefinition<[]> = {
      kind: "histogram",
      name: "/none",
      help: "None.",
      labels: [],
      limits: new Float64Array(),
    };
    const catalog = new MetricsCatalog([none]);
    new MetricsShard((announcement) => catalog.accept(0, announcement)).histogram(none).observe(4);

    expect(catalog.render("tensorflow-serving")).toBe(
      '# HELP :none None.\n# TYPE :none histogram\n:none_bucket{le="+Inf"} 1\n:none_sum{} 4\n:none_count{} 1\n',
    );
  });
});
