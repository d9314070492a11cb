import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import type { Announcement } from "./announcement.ts";
import { bucketOf } from "./cells.ts";
import { exponentialLimits, type HistogramDefinition } from "./definition.ts";
import { EVENT_LOOP_DELAY, METRICS, REQUEST_COUNT, REQUESTS_IN_FLIGHT, RESIDENT_MEMORY } from "./definitions.ts";
import { watchEventLoopDelay } from "./event-loop-delay.ts";
import { MetricsCatalog } from "./metrics-catalog.ts";
import { MetricsShard } from "./metrics-shard.ts";
import { residentMemory } from "./resident-memory.ts";

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
    for (let thread = 0; thread < 300; thread++) shard.histogram(EVENT_LOOP_DELAY, String(thread)).observe(1);

    const lengths: number[] = [];
    const taken = new Set<string>();
    for (const announcement of news) {
      if (announcement.kind === "buffer") {
        expect(announcement.index).toBe(lengths.length);
        lengths.push(announcement.buffer.byteLength / 8);
        continue;
      }
      expect(announcement.offset + 35).toBeLessThanOrEqual(lengths[announcement.buffer]!);
      taken.add(`${announcement.buffer}:${announcement.offset}`);
    }
    expect(lengths).toEqual([2_048, 4_096, 8_192]);
    expect(taken.size).toBe(300);
  });

  test("refuses to shrink a counter and drops a value that is no number", () => {
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    shard.histogram(EVENT_LOOP_DELAY, "0").observe(Number.NaN);

    expect(() => shard.counter(REQUEST_COUNT, "iris", "OK").add(-1)).toThrow("a counter cannot shrink, got -1");
    expect(catalog.render()).toContain(':modelport:event_loop_delay_sum{thread="0"} 0\n');
    expect(catalog.render()).toContain(':modelport:event_loop_delay_count{thread="0"} 0\n');
  });

  test("keeps a gauge of each label value apart", () => {
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    shard.gauge(REQUESTS_IN_FLIGHT, "grpc").add(2);
    shard.gauge(REQUESTS_IN_FLIGHT, "http").set(7);
    shard.gauge(REQUESTS_IN_FLIGHT, "grpc").add(-1);

    expect(catalog.render()).toContain(
      '# TYPE :modelport:requests_in_flight gauge\n:modelport:requests_in_flight{protocol="grpc"} 1\n:modelport:requests_in_flight{protocol="http"} 7\n',
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
    const none: HistogramDefinition<[]> = { kind: "histogram", name: "/none", labels: [], limits: new Float64Array() };
    const catalog = new MetricsCatalog([none]);
    new MetricsShard((announcement) => catalog.accept(0, announcement)).histogram(none).observe(4);

    expect(catalog.render()).toBe('# TYPE :none histogram\n:none_bucket{le="+Inf"} 1\n:none_sum{} 4\n:none_count{} 1\n');
  });
});

describe("figures of the process", () => {
  test("event-loop delay is how late the timer fired", async () => {
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    const clock = new FakeClock();
    let blockedMs = 0;
    const watch = watchEventLoopDelay(shard, "serving-0", { now: () => clock.now() + blockedMs, after: clock.after.bind(clock) });
    await clock.advance(100);
    blockedMs = 30;
    await clock.advance(100);

    expect(catalog.render()).toContain(':modelport:event_loop_delay_sum{thread="serving-0"} 30000\n');
    expect(catalog.render()).toContain(':modelport:event_loop_delay_count{thread="serving-0"} 2\n');
    watch.cancel();
    await clock.advance(1_000);
    expect(catalog.render()).toContain(':modelport:event_loop_delay_count{thread="serving-0"} 2\n');
  });

  test("resident memory is in bytes", () => {
    const [sample] = residentMemory();

    expect(sample!.definition).toBe(RESIDENT_MEMORY);
    expect(sample!.value).toBeGreaterThan(1_000_000);
  });
});
