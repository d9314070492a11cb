import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../transport/http-exchange.ts";
import { createHttpRouter } from "./operation-routes.ts";

const REST = { status: 299, headers: [], body: new Uint8Array() };

async function ask(target: string, { method = "GET", path = "/monitoring/prometheus/metrics" as string | undefined } = {}) {
  const router = createHttpRouter(
    { isReady: () => true, metrics: async (style) => [Buffer.from(`${style} `), Buffer.from("page")], metricsPath: path },
    () => REST,
  );
  const request = { method, target, header: () => undefined, body: new Uint8Array(), signal: new AbortController().signal };
  const { status, headers, body } = await router(request satisfies HttpRequest);
  return { status, type: new Map(headers).get("content-type"), text: Buffer.from(body as Uint8Array).toString() };
}

describe("TensorFlow Serving's page", () => {
  test.each(["GET", "POST", "PUT", "DELETE"])("answers %s", async (method) => {
    expect(await ask("/monitoring/prometheus/metrics", { method })).toEqual({
      status: 200,
      type: "text/plain",
      text: "tensorflow-serving page",
    });
  });

  test("is refused with a query", async () => {
    expect(await ask("/monitoring/prometheus/metrics?a=b")).toMatchObject({
      status: 400,
      text: "Unexpected path: /monitoring/prometheus/metrics?a=b. Should be /monitoring/prometheus/metrics",
    });
  });

  test.each([
    ["/other", "/other", 200],
    ["/other", "/monitoring/prometheus/metrics", 404],
    ["/metrics", "/metrics", 200],
    ["/v1/models/half", "/v1/models/half", 200],
    ["/v1/models/half", "/v1/models/half:predict", 299],
  ])("is where the file says: with %s, %s is %d", async (path, target, status) => {
    const answer = await ask(target, { path });
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.text).toBe("tensorflow-serving page");
  });
});

describe("Prometheus's page", () => {
  test.each(["/metrics", "/metrics?collect[]=all"])("%s is in Prometheus's conventions", async (target) => {
    expect(await ask(target)).toEqual({
      status: 200,
      type: "text/plain; version=0.0.4; charset=utf-8",
      text: "prometheus page",
    });
  });

  test("is for reading only", async () => {
    expect((await ask("/metrics", { method: "HEAD" })).status).toBe(200);
    expect((await ask("/metrics", { method: "POST" })).status).toBe(405);
  });
});

test.each(["/metrics", "/monitoring/prometheus/metrics"])("%s is not there when metrics are off", async (target) => {
  const router = createHttpRouter({ isReady: () => true, metrics: async () => [], metricsPath: undefined }, () => REST);
  const request = {
    method: "GET",
    target,
    header: () => undefined,
    body: new Uint8Array(),
    signal: new AbortController().signal,
  };
  expect((await router(request)).status).toBe(404);
});
