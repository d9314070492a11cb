import { describe, expect, test } from "vitest";
import type { CounterDefinition, GaugeDefinition, HistogramDefinition } from "./definition.ts";
import { METRICS, REQUEST_COUNT, REQUEST_LATENCY } from "./definitions.ts";
import { MetricsCatalog } from "./metrics-catalog.ts";
import { MAX_CELLS_PER_METRIC, MetricsShard } from "./metrics-shard.ts";

const TOTAL: CounterDefinition<["name"]> = { kind: "counter", name: "/test/total", help: "All.", labels: ["name"] };
const OPEN: GaugeDefinition<[]> = { kind: "gauge", name: "/test/open", help: "Now open.", labels: [] };
const SIZE: HistogramDefinition<["status"]> = {
  kind: "histogram",
  name: "/test/size",
  help: "Of each size.",
  labels: ["status"],
  limits: Float64Array.of(1, 2, 4),
};

/** A catalog and shards that announce to it straight away. */
function wired(count: number, definitions = [TOTAL, OPEN, SIZE] as ConstructorParameters<typeof MetricsCatalog>[0]) {
  const catalog = new MetricsCatalog(definitions);
  const shards = Array.from({ length: count }, (_, number) => new MetricsShard((news) => catalog.accept(number, news)));
  return { catalog, shards: shards as [MetricsShard, ...MetricsShard[]] };
}

describe("the page", () => {
  test("sums every thread's cells, in the order of metric names and label values", () => {
    const { catalog, shards } = wired(3);
    for (const [number, shard] of shards.entries()) {
      shard.counter(TOTAL, "b").add(number + 1);
      shard.gauge(OPEN).add(1);
      shard.histogram(SIZE, "good").observe(number + 1);
    }
    shards[0].counter(TOTAL, "a").add();
    shards[0].gauge(OPEN).add(-1);

    expect(catalog.render("tensorflow-serving")).toBe(
      [
        "# HELP :test:open Now open.",
        "# TYPE :test:open gauge",
        ":test:open{} 2",
        "# HELP :test:size Of each size.",
        "# TYPE :test:size histogram",
        ':test:size_bucket{status="good",le="1"} 0',
        ':test:size_bucket{status="good",le="2"} 1',
        ':test:size_bucket{status="good",le="4"} 3',
        ':test:size_bucket{status="good",le="+Inf"} 3',
        ':test:size_sum{status="good"} 6',
        ':test:size_count{status="good"} 3',
        "# HELP :test:total All.",
        "# TYPE :test:total counter",
        ':test:total{name="a"} 1',
        ':test:total{name="b"} 6',
        "",
      ].join("\n"),
    );
  });

  test("shows what a metric without cells is", () => {
    const page = new MetricsCatalog(METRICS).render("tensorflow-serving");

    expect(page.split("\n").filter((line) => line !== "" && !/^# (TYPE|HELP) /.test(line))).toEqual([]);
    expect(page).toContain("# TYPE :tensorflow:serving:request_count counter\n");
    expect(page).toContain("# TYPE :tensorflow:serving:runtime_latency histogram\n");
  });

  test("writes the limits of the latencies with six digits", () => {
    const { catalog, shards } = wired(1, METRICS);
    shards[0].histogram(REQUEST_LATENCY, "half_plus_two", "predict", "REST").observe(60.5);

    const buckets = catalog.render("tensorflow-serving").match(/request_latency_bucket\{.*\} \d+/g)!;
    expect(buckets).toHaveLength(34);
    expect(buckets[0]).toBe('request_latency_bucket{model_name="half_plus_two",API="predict",entrypoint="REST",le="10"} 0');
    expect(buckets.map((line) => /le="(.*)"/.exec(line)![1]).slice(1, 6)).toEqual(["18", "32.4", "58.32", "104.976", "188.957"]);
    expect(buckets.at(-2)).toMatch(/le="1\.47476e\+09"\} 1$/);
    expect(buckets.at(-1)).toMatch(/le="\+Inf"\} 1$/);
  });

  test("adds what collectors work out to what threads keep", () => {
    const { catalog, shards } = wired(1);
    shards[0].gauge(OPEN).set(2);
    catalog.addCollector(() => [
      { definition: OPEN, labelValues: [], value: 3 },
      {
        definition: { kind: "gauge", name: "/test/new", help: "New.", labels: ["state"] },
        labelValues: ["AVAILABLE"],
        value: 0.5,
      },
    ]);

    expect(catalog.render("tensorflow-serving")).toContain('# TYPE :test:new gauge\n:test:new{state="AVAILABLE"} 0.5\n');
    expect(catalog.render("tensorflow-serving")).toContain("\n:test:open{} 5\n");
  });
});

test("a counter's total is over all threads and labels, by any of its names", () => {
  const { catalog, shards } = wired(2);
  shards[0].counter(TOTAL, "a").add(2);
  shards[1]!.counter(TOTAL, "b").add(3);
  catalog.retire(1);

  expect(catalog.total("/test/total")).toBe(5);
  expect(catalog.total(":test:total")).toBe(5);
  expect(catalog.total("test_total")).toBe(5);
  expect(catalog.total("/test/open")).toBe(0);
  expect(catalog.total("/test/size")).toBeUndefined();
  expect(catalog.total("/test/none")).toBeUndefined();
});

describe("threads", () => {
  test("a thread that ended leaves its counts and takes its gauges away", () => {
    const { catalog, shards } = wired(2);
    for (const shard of shards) {
      shard.counter(TOTAL, "a").add(2);
      shard.gauge(OPEN).add(4);
      shard.histogram(SIZE, "good").observe(1);
    }
    catalog.retire(1);
    shards[0].counter(TOTAL, "a").add(1);

    expect(catalog.render("tensorflow-serving")).toContain(':test:total{name="a"} 5\n');
    expect(catalog.render("tensorflow-serving")).toContain(":test:open{} 4\n");
    expect(catalog.render("tensorflow-serving")).toContain(':test:size_count{status="good"} 2\n');
    catalog.retire(0);
    expect(catalog.render("tensorflow-serving")).not.toContain(":test:open{}");
    expect(catalog.render("tensorflow-serving")).toContain(':test:total{name="a"} 5\n');
  });

  test("announcements survive being posted", () => {
    const catalog = new MetricsCatalog([TOTAL]);
    const posted: unknown[] = [];
    const shard = new MetricsShard((news) => posted.push(structuredClone(news)));
    const counter = shard.counter(TOTAL, "a");
    for (const news of posted) catalog.accept(7, news as Parameters<MetricsCatalog["accept"]>[1]);
    counter.add(3);

    expect(catalog.render("tensorflow-serving")).toContain(':test:total{name="a"} 3\n');
  });

  test("an announcement that cannot be placed names what is wrong", () => {
    const catalog = new MetricsCatalog([TOTAL]);
    const cell = { kind: "cell", labelValues: ["a"], buffer: 0, offset: 0 } as const;

    expect(() => catalog.accept(0, { ...cell, metric: "/none" })).toThrow('metric "/none" is not among');
    expect(() => catalog.accept(0, { ...cell, metric: TOTAL.name })).toThrow("before buffer 0 of shard 0");
  });
});

describe("names that come from requests", () => {
  test("past the cap of label values everything goes to the cell of empty labels", () => {
    const { catalog, shards } = wired(2, [REQUEST_COUNT]);
    for (let model = 0; model < MAX_CELLS_PER_METRIC + 50; model++) {
      shards[0].counter(REQUEST_COUNT, `m${model}`, "NOT_FOUND").add();
      shards[1]!.counter(REQUEST_COUNT, `n${model}`, "NOT_FOUND").add();
    }
    shards[0].counter(REQUEST_COUNT, "m7", "NOT_FOUND").add();

    const lines = catalog.render("tensorflow-serving").trimEnd().split("\n").slice(2);
    expect(lines).toHaveLength(MAX_CELLS_PER_METRIC + 1);
    expect(lines).toContain(':tensorflow:serving:request_count{model_name="m7",status="NOT_FOUND"} 2');
    expect(lines[0]).toBe(`:tensorflow:serving:request_count{model_name="",status=""} ${MAX_CELLS_PER_METRIC + 100}`);
  });

  test("a very long name is not kept", () => {
    const { catalog, shards } = wired(1);
    shards[0].counter(TOTAL, "x".repeat(5_000)).add();

    expect(catalog.render("tensorflow-serving")).toContain(':test:total{name=""} 1\n');
  });

  test.each([
    ['"abc\\"', '\\"abc\\\\\\"'],
    ["two\nlines", "two\\nlines"],
    ["__proto__", "__proto__"],
    ["Größe 😀", "Größe 😀"],
  ])("the value %j is printed as %j", (value, printed) => {
    const { catalog, shards } = wired(1);
    shards[0].counter(TOTAL, value).add(2);

    expect(catalog.render("tensorflow-serving")).toContain(`:test:total{name="${printed}"} 2\n`);
  });

  test("values that print alike share a cell: Prometheus refuses two lines of one series", () => {
    const { catalog, shards } = wired(1);
    for (const value of ["\ud800", "\ud801", "\udfff"]) shards[0].counter(TOTAL, value).add();

    expect(catalog.render("tensorflow-serving")).toContain(':test:total{name="\ufffd"} 3\n');
  });

  test("what a name of a metric or label may not hold is replaced", () => {
    const odd: CounterDefinition<["my-name+1", "0"]> = {
      kind: "counter",
      name: "0/path-total_count",
      help: "Odd\\\nnames.",
      labels: ["my-name+1", "0"],
    };
    const { catalog, shards } = wired(1, [odd]);
    shards[0].counter(odd, "abc", "def").add(2);

    expect(catalog.render("tensorflow-serving")).toBe(
      '# HELP _0:path:total_count Odd\\\\\\nnames.\n# TYPE _0:path:total_count counter\n_0:path:total_count{my_name_1="abc",_0="def"} 2\n',
    );
  });
});
