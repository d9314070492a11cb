import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../transport/http-exchange.ts";
import { createHttpRouter } from "./operation-routes.ts";

const marked = (status: number) => () => ({ status, headers: [], body: new Uint8Array() });
const ROUTES = { rest: marked(299), stfs: marked(298), dashboard: marked(297), openapi: marked(296) };

async function ask(target: string, { method = "GET", path = "/monitoring/prometheus/metrics" as string | undefined } = {}) {
  const router = createHttpRouter(
    { isReady: () => true, metrics: async (style) => [Buffer.from(`${style} `), Buffer.from("page")], metricsPath: path },
    ROUTES,
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

describe("other paths", () => {
  test.each([
    ["GET", "/v1/models", 299],
    ["POST", "/", 298],
    ["GET", "/", 297],
    ["GET", "/dashboard", 297],
    ["GET", "/dashboard/a.js?b", 297],
    ["GET", "/json_inference", 297],
    ["GET", "/dashboards", 404],
    ["GET", "/openapi.json", 296],
    ["GET", "/health", 200],
    ["POST", "/health", 405],
  ])("%s %s is answered %d", async (method, target, status) => {
    expect((await ask(target, { method })).status).toBe(status);
  });
});

test.each(["/metrics", "/monitoring/prometheus/metrics"])("%s is not there when metrics are off", async (target) => {
  const router = createHttpRouter({ isReady: () => true, metrics: async () => [], metricsPath: undefined }, ROUTES);
  const request = {
    method: "GET",
    target,
    header: () => undefined,
    body: new Uint8Array(),
    signal: new AbortController().signal,
  };
  expect((await router(request)).status).toBe(404);
});
