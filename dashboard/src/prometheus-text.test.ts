import { expect, test } from "vitest";
import { histogramsOf, parsePrometheus, quantileOf } from "./prometheus-text.ts";

const PAGE = `# HELP requests_total Requests\\nby "model"
# TYPE requests_total counter
requests_total{model="a\\"b\\\\",status="OK"} 3
requests_total{model="__proto__",status="x,y"} 1 1700000000000
# TYPE latency_seconds histogram
latency_seconds_bucket{model="a",le="0.1"} 5
latency_seconds_bucket{model="a",le="0.2"} 9
latency_seconds_bucket{model="a",le="+Inf"} 10
latency_seconds_sum{model="a"} 1.5
latency_seconds_count{model="a"} 10
# TYPE odd_count gauge
odd_count NaN
:with:colons 7
this is no line of it {
`;

test("a page is read by metric", () => {
  const families = parsePrometheus(PAGE);
  expect(families.map(({ name, type, help, samples }) => [name, type, help, samples.length])).toEqual([
    ["requests_total", "counter", 'Requests\nby "model"', 2],
    ["latency_seconds", "histogram", "", 5],
    ["odd_count", "gauge", "", 1],
    [":with:colons", "untyped", "", 1],
  ]);
  expect(families[0]!.samples.map(({ labels, value }) => [[...labels.values()], value])).toEqual([
    [['a"b\\', "OK"], 3],
    [["__proto__", "x,y"], 1],
  ]);
  expect(families[2]!.samples[0]!.value).toBeNaN();
});

test("a histogram's quantiles lie within its buckets", () => {
  const [histogram] = histogramsOf(parsePrometheus(PAGE)[1]!);
  expect(histogram).toMatchObject({ count: 10, sum: 1.5, labels: new Map([["model", "a"]]) });
  expect(quantileOf(histogram!, 0.25)).toBeCloseTo(0.05);
  expect(quantileOf(histogram!, 0.7)).toBeCloseTo(0.15);
  // Beyond the last limit nothing is known but that limit.
  expect(quantileOf(histogram!, 0.99)).toBe(0.2);
  expect(quantileOf({ ...histogram!, count: 0 }, 0.5)).toBeUndefined();
});
