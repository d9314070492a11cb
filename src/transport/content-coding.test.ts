import { gunzipSync, gzipSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { acceptsGzip, bodyCoding, deflateMessage, inflateMessage, inflateRequestBody } from "./content-coding.ts";

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (reason) {
    return reason instanceof ServingError ? reason.code : `not ours: ${String(reason)}`;
  }
}

describe("inflateMessage", () => {
  test.each(["gzip", "deflate"] as const)("gives back what deflateMessage coded with %s", async (coding) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 9000 }), async (plain) => {
        const coded = await deflateMessage(plain, coding);
        expect(Buffer.from(coding === "gzip" ? gunzipSync(coded) : inflateSync(coded)).equals(plain)).toBe(true);
        expect(Buffer.from(await inflateMessage(coded, coding, 9000)).equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    { plain: 100, limit: 100, code: "ok" },
    { plain: 101, limit: 100, code: "resource-exhausted" },
    { plain: 1, limit: 0, code: "resource-exhausted" },
    { plain: 0, limit: 0, code: "ok" },
    { plain: 200_000, limit: 200_000, code: "ok" },
    { plain: 200_001, limit: 200_000, code: "resource-exhausted" },
    { plain: 8_000_000, limit: 8_000_000, code: "ok" },
    { plain: 8_000_001, limit: 8_000_000, code: "resource-exhausted" },
  ])("of $plain plain bytes under a limit of $limit is $code", async ({ plain, limit, code }) => {
    expect(await codeOf(inflateMessage(gzipSync(Buffer.alloc(plain)), "gzip", limit))).toBe(code);
  });

  test("stops a bomb of 1:1000 near the limit instead of making all of it", async () => {
    const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024), { level: 9 });
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 1);
    const code = await codeOf(inflateMessage(bomb, "gzip", 4 * 1024 * 1024));
    clearInterval(watch);
    expect(code).toBe("resource-exhausted");
    expect(peak).toBeLessThan(32 * 1024 * 1024);
  });

  test.each([
    ["no bytes", Buffer.alloc(0)],
    ["text", Buffer.from("hello")],
    ["a stream cut short", gzipSync(Buffer.alloc(5000)).subarray(0, 20)],
    ["a wrong checksum", Buffer.concat([gzipSync("hello").subarray(0, -8), Buffer.alloc(8)])],
    ["a large stream cut short", gzipSync(Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i) % 251))).subarray(0, -4)],
  ])("calls %s invalid", async (_name, bytes) => {
    expect(await codeOf(inflateMessage(bytes, "gzip", 1_000_000))).toBe("invalid-argument");
  });
});

describe("inflateRequestBody", () => {
  test("turns a broken stream into an empty body", async () => {
    expect(await inflateRequestBody(Buffer.from("not gzip"), 1000)).toHaveLength(0);
  });

  test("still refuses what is too large", async () => {
    expect(await codeOf(inflateRequestBody(gzipSync(Buffer.alloc(1001)), 1000))).toBe("resource-exhausted");
  });
});

test.each([
  [undefined, "identity"],
  ["", "identity"],
  ["identity", "identity"],
  ["gzip", "gzip"],
  ["GZIP", "gzip"],
  ["x-gzip", "gzip"],
  ["identity, gzip", "gzip"],
  ["br", "unsupported"],
  ["deflate", "unsupported"],
  ["gzip, br", "unsupported"],
  ["gzip, gzip", "unsupported"],
  ["notgzip", "unsupported"],
] as const)("a content-encoding of %s is %s", (value, coding) => {
  expect(bodyCoding(value)).toBe(coding);
});

test.each([
  [undefined, false],
  ["", false],
  ["gzip", true],
  ["deflate, GZip;q=0.5", true],
  ["gzip;q=0", false],
  ["gzip; q=0.000", false],
  ["gzip;q=0.001", true],
  ["*", true],
  ["*;q=0", false],
  ["gzip;q=0, *", false],
  ["*;q=0, gzip", true],
  ["identity", false],
  ["gzipped", false],
] as const)("an accept-encoding of %s accepts gzip: %s", (value, accepted) => {
  expect(acceptsGzip(value)).toBe(accepted);
});
