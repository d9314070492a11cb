import { describe, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { type CounterDefinition, counter, gauge, histogram, latency, type MetricDefinition } from "./definition.ts";
import { METRICS } from "./definitions.ts";
import { MetricsCatalog } from "./metrics-catalog.ts";
import { MetricsPages } from "./metrics-pages.ts";
import { MetricsShard } from "./metrics-shard.ts";
import { type PageStyle, spelling } from "./spelling.ts";

const STYLES: readonly PageStyle[] = ["tensorflow-serving", "prometheus"];

/** A catalog in which every metric has cells. */
function full(definitions: readonly MetricDefinition[] = METRICS, shards = 2) {
  const catalog = new MetricsCatalog(definitions);
  const awkward = ["a", 'quo"te', "back\\slash", "two\nlines", "Größe 😀", "{}=,", "7"];
  for (let thread = 0; thread < shards; thread++) {
    const shard = new MetricsShard((announcement) => catalog.accept(thread, announcement));
    for (const definition of definitions) {
      for (const [index, value] of awkward.entries()) {
        const labels = definition.labels.map((_, label) => (label === 0 ? value : `v${index}`));
        if (definition.kind === "counter") shard.counter(definition, ...labels).add(index);
        else if (definition.kind === "gauge") shard.gauge(definition, ...labels).set(index + 0.5);
        else shard.histogram(definition, ...labels).observe(10 ** (index - 2));
      }
    }
  }
  return catalog;
}

describe("the names of a metric", () => {
  const limits = Float64Array.of(1);
  test.each<[MetricDefinition, string, string]>([
    [counter("/tensorflow/serving/request_count", ""), ":tensorflow:serving:request_count", "tensorflow_serving_requests_total"],
    [counter("/a/example_count_total", ""), ":a:example_count_total", "a_examples_total"],
    [counter("/a/records_read", ""), ":a:records_read", "a_records_read_total"],
    [counter("modelport_failures_total", ""), "modelport_failures_total", "modelport_failures_total"],
    [latency("/a/b_session/queuing_latency", "", limits), ":a:b_session:queuing_latency", "a_b_session_queuing_latency_seconds"],
    [histogram("/a/example_counts", "", limits), ":a:example_counts", "a_example_counts"],
    [gauge("process_open_fds", ""), "process_open_fds", "process_open_fds"],
    [gauge("0/odd-name", ""), "_0:odd:name", "_0_odd_name"],
  ])("%j", (definition, tensorflowServing, prometheus) => {
    expect(STYLES.map((style) => spelling(definition, style).name)).toEqual([tensorflowServing, prometheus]);
  });

  test("capitals of a label are for TensorFlow Serving's page alone", () => {
    const definition: CounterDefinition = counter("/a", "", "model_name", "API");
    expect(STYLES.map((style) => spelling(definition, style).labels)).toEqual([
      ["model_name", "API"],
      ["model_name", "api"],
    ]);
  });

  test("are told apart by both pages", () => {
    for (const style of STYLES) {
      const names = METRICS.map((definition) => spelling(definition, style).name);
      expect(new Set(names).size).toBe(METRICS.length);
    }
  });
});

describe("a page", () => {
  test("of Prometheus shows microseconds as seconds", () => {
    const definition = latency("/a/latency", "Time.", Float64Array.of(10, 188.9568));
    const catalog = new MetricsCatalog([definition]);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    shard.histogram(definition).observe(20);

    expect(catalog.render("prometheus")).toBe(
      [
        "# HELP a_latency_seconds Time.",
        "# TYPE a_latency_seconds histogram",
        'a_latency_seconds_bucket{le="1e-05"} 0',
        'a_latency_seconds_bucket{le="0.000188957"} 1',
        'a_latency_seconds_bucket{le="+Inf"} 1',
        "a_latency_seconds_sum 0.00002",
        "a_latency_seconds_count 1",
        "",
      ].join("\n"),
    );
  });
});

describe("pages that are made", () => {
  const text = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString();

  test("are the catalog's, in shared memory", async () => {
    const catalog = full();
    const pieces = await new MetricsPages(catalog, systemClock).page("prometheus");
    expect(text(pieces)).toBe(catalog.render("prometheus"));
    expect(pieces.every(({ buffer }) => buffer instanceof SharedArrayBuffer)).toBe(true);
  });

  test("let other work have its turn in between", async () => {
    const definition = histogram(
      "h",
      "Many.",
      Float64Array.from({ length: 30 }, (_, at) => at),
      "name",
    );
    const catalog = new MetricsCatalog([definition]);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    for (let cell = 0; cell < 2_000; cell++) shard.histogram(definition, `cell ${cell}`).observe(cell);
    let now = 0;
    let turns = 0;
    const other = () => {
      turns++;
      next = setImmediate(other);
    };
    let next = setImmediate(other);
    const pieces = await new MetricsPages(catalog, { ...systemClock, now: () => (now += 1) }).page("prometheus");
    clearImmediate(next);
    expect(pieces.length).toBeGreaterThan(20);
    expect(turns).toBeGreaterThan(pieces.length / 4);
  });

  test("are shared by all who ask while another one is made, and count what was there when they asked", async () => {
    const catalog = full([counter("c_total", "Counted.")], 1);
    const pages = new MetricsPages(catalog, systemClock);
    const first = pages.page("prometheus");
    await Promise.resolve();
    const shard = new MetricsShard((announcement) => catalog.accept(9, announcement));
    shard.counter(counter("c_total", "Counted.")).add(100);
    const second = pages.page("prometheus");
    expect(pages.page("prometheus")).toBe(second);
    expect(second).not.toBe(first);
    expect(text(await second)).toContain("c_total 121\n");
  });
});
