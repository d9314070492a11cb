import { describe, expect, test } from "vitest";
// @ts-expect-error The benchmark's scripts are plain JavaScript without types.
import { readH2load, readWrk } from "./load-generators.mjs";

describe("wrk", () => {
  const summary = (took: string, more = "") => `Running 1s test @ http://127.0.0.1:40387/nothing
  1 threads and 2 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.81ms   12.17ms  73.82ms   90.60%
    Req/Sec     6.45k     6.52k   22.88k    90.00%
  6438 requests in ${took}, 1.18MB read
${more}Requests/sec:   6246.13
Transfer/sec:      1.15MB
`;

  test.each([
    ["1.03s", 1.03],
    ["900.00ms", 0.9],
    ["1.50m", 90],
  ])("a run of %s took %d seconds", (took, seconds) => {
    expect(readWrk(summary(took))).toEqual({ requests: 6438, failures: 0, seconds });
  });

  test("answers of other statuses and broken connections are failures", () => {
    const more = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 100\n";
    expect(readWrk(summary("1.03s", more)).failures).toBe(110);
  });

  test("a text without a summary is shown", () => {
    expect(() => readWrk("unable to connect")).toThrow("unable to connect");
  });
});

describe("h2load", () => {
  const summary = (succeeded: number, data: number) => `Main benchmark duration is over for thread #0. Stopping all clients.

finished in 1.00s, 1595.00 req/s, 146.90KB/s
requests: 1595 total, 1599 started, 1595 done, ${succeeded} succeeded, ${1595 - succeeded} failed, 0 errored, 0 timeout
status codes: ${succeeded} 2xx, 0 3xx, ${1595 - succeeded} 4xx, 0 5xx
traffic: 146.90KB (150422) total, 4.91KB (5025) headers (space savings 96.01%), 98.13KB (${data}) data
                     min         max         mean         sd        +/- sd
time for request:      135us     72.59ms      2.48ms      6.77ms    95.42%
`;

  test.each([
    ["whole answers", 1595, 1595 * 63, 0],
    ["a part of an answer more", 1595, 1595 * 63 + 20, 0],
    ["ten calls answered with a gRPC status and no message", 1595, 1585 * 63, 10],
    ["five other HTTP statuses", 1590, 1590 * 63, 5],
  ])("%s", (_, succeeded, data, failures) => {
    expect(readH2load(summary(succeeded, data), 63)).toEqual({ requests: 1595, failures, seconds: 1 });
  });

  test("a text without a summary is shown", () => {
    expect(() => readH2load("Could not resolve host", 63)).toThrow("Could not resolve host");
  });
});
