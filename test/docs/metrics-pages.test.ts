import { describe, expect, test } from "vitest";
import { METRICS } from "../../src/metrics/definitions.ts";
import { MetricsCatalog } from "../../src/metrics/metrics-catalog.ts";
import { MetricsShard } from "../../src/metrics/metrics-shard.ts";
import type { PageStyle } from "../../src/metrics/spelling.ts";
import { parseExposition } from "../support/exposition.ts";
import { PROMTOOL, promtool } from "../support/promtool.ts";

const STYLES: readonly PageStyle[] = ["tensorflow-serving", "prometheus"];

/** A catalog in which every metric has cells, some of them with awkward label values. */
function full() {
  const catalog = new MetricsCatalog(METRICS);
  const awkward = ["a", 'quo"te', "back\\slash", "two\nlines", "Größe 😀", "{}=,", "7"];
  for (const thread of [0, 1]) {
    const shard = new MetricsShard((announcement) => catalog.accept(thread, announcement));
    for (const definition of METRICS) {
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

describe("the page of", () => {
  test.each(STYLES)("%s has the form that Prometheus reads, with and without cells", (style) => {
    for (const catalog of [new MetricsCatalog(METRICS), full()]) {
      const families = parseExposition(catalog.render(style));
      expect(families.size).toBe(METRICS.length);
      for (const { help, type } of families.values()) expect([help, type]).not.toContain("");
    }
  });

  test.each([
    ["no end of a line", "# HELP a A.\n# TYPE a gauge\na 1"],
    ["a metric without its type", "# HELP a A.\na 1\n"],
    ["a metric below another", "# HELP a A.\n# TYPE a gauge\nb 1\n"],
    ["a series twice", '# HELP a A.\n# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n'],
    ["a label without its quotes", "# HELP a A.\n# TYPE a gauge\na{b=1} 1\n"],
    ["a quote that is not escaped", '# HELP a A.\n# TYPE a gauge\na{b="1"2"} 1\n'],
    [
      "a histogram that falls",
      '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
    ["a histogram without its end", '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
  ])("somebody else that has %s is refused by the parser of these tests", (_what, page) => {
    expect(() => parseExposition(page)).toThrow();
  });
});

describe.skipIf(!PROMTOOL)("promtool (skipped where it is not installed)", () => {
  test("finds nothing about Prometheus's page", () => {
    expect(promtool(["check", "metrics"], full().render("prometheus"))).toEqual({ status: 0, output: "" });
  });

  test("finds nothing about TensorFlow Serving's page but the names that its dashboards know", () => {
    const { output } = promtool(["check", "metrics"], full().render("tensorflow-serving"));
    const findings = output.trim().split("\n");
    expect(findings).not.toEqual([""]);
    expect(findings.filter((line) => !line.startsWith(":tensorflow:"))).toEqual([]);
    expect(findings.filter((line) => /help|type/i.test(line.slice(line.indexOf(" "))))).toEqual([]);
  });
});
