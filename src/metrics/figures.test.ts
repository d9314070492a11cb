import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { METRICS } from "./definitions.ts";
import { watchEventLoopDelay } from "./event-loop-delay.ts";
import { MetricsCatalog } from "./metrics-catalog.ts";
import { MetricsShard } from "./metrics-shard.ts";
import { processFigures } from "./process-figures.ts";
import { shareOfWork, watchThread } from "./thread-figures.ts";

function wired() {
  const catalog = new MetricsCatalog(METRICS);
  const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
  /** The number behind a series of Prometheus's page. */
  const value = (series: string) => {
    const line = catalog
      .render("prometheus")
      .split("\n")
      .find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  return { catalog, shard, value, clock: new FakeClock() };
}

describe("figures of a thread", () => {
  test("event-loop delay is how late the timer fired, in seconds", async () => {
    const { shard, value, clock } = wired();
    let blockedMs = 0;
    const watch = watchEventLoopDelay(shard, "0", { now: () => clock.now() + blockedMs, after: clock.after.bind(clock) });
    await clock.advance(100);
    blockedMs = 30;
    await clock.advance(100);

    expect(value('modelport_event_loop_delay_seconds_sum{thread="0"}')).toBe(0.03);
    expect(value('modelport_event_loop_delay_seconds_count{thread="0"}')).toBe(2);
    watch.cancel();
    await clock.advance(1_000);
    expect(value('modelport_event_loop_delay_seconds_count{thread="0"}')).toBe(2);
  });

  test("heap and utilization are there, and garbage collections are timed", async () => {
    const { shard, value, clock } = wired();
    const watch = watchThread(shard, "0", clock);
    await clock.advance(1_000);
    const used = value('modelport_heap_used_bytes{thread="0"}')!;
    expect(used).toBeGreaterThan(1_000_000);
    expect(value('modelport_heap_limit_bytes{thread="0"}')).toBeGreaterThan(used);
    expect(value('modelport_event_loop_utilization_ratio{thread="0"}')).toBeLessThanOrEqual(1);

    const kept: number[][] = [];
    while ((value('modelport_gc_duration_seconds_total{thread="0",kind="minor"}') ?? 0) === 0) {
      for (let round = 0; round < 1_000; round++) kept[round % 100] = Array.from({ length: 500 }, () => round);
      await new Promise((resolve) => setImmediate(resolve));
    }
    watch.cancel();
  });

  test.each([
    ["all of it, at work", { active: 100, idle: 0 }, 0, 1],
    ["a quarter", { active: 25, idle: 75 }, 0, 0.25],
    ["none of it: what Node's loop took for work was a sleep of our own", { active: 100, idle: 0 }, 100, 0],
    ["none of it, with a sleep that began before", { active: 100, idle: 0 }, 101, 0],
    ["no time at all", { active: 0, idle: 0 }, 0, 0],
  ])("the share of work is %s", (_what, loop, sleptMs, share) => {
    expect(shareOfWork(loop, sleptMs)).toBe(share);
  });
});

describe("figures of the process", () => {
  test("are what its own page of the system says", () => {
    const { catalog, value } = wired();
    catalog.addCollector(processFigures("1.2.3"));
    const node = `version="1.2.3",node_version="${process.version}",platform="${process.platform}",arch="${process.arch}"`;

    expect(value(`modelport_build_info{${node}}`)).toBe(1);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_start_time_seconds")).toBeGreaterThan(1_600_000_000);
    expect(value("process_start_time_seconds")).toBeLessThanOrEqual(Date.now() / 1000 + 1);
  });

  test.skipIf(process.platform !== "linux")("count descriptors", () => {
    const { catalog, value } = wired();
    catalog.addCollector(processFigures("1.2.3"));

    expect(value("process_open_fds")).toBeGreaterThan(2);
    expect(value("process_max_fds")).toBeGreaterThan(value("process_open_fds")!);
  });
});
