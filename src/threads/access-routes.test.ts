import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAdminTarget } from "../api/admin/admin-route.ts";
import { createHttpRouter } from "../api/operation-routes.ts";
import { isProgramTarget, isStfsTarget } from "../api/stfs/stfs-route.ts";
import { pathNeeds } from "../security/access/access-table.ts";
import type { HttpRequest } from "../transport/http-exchange.ts";

type Reached = "admin" | "read" | "run" | "stfs" | "dashboard" | "openapi" | "metrics" | "public" | "nothing";

/** Who of the router answers a request. */
async function reached(method: string, target: string, metricsPath: string | undefined): Promise<Reached> {
  let by: Reached = "nothing";
  const answer = (who: Reached) => () => {
    by = who;
    return { status: 200, headers: [], body: new Uint8Array() };
  };
  const router = createHttpRouter(
    {
      isReady: () => true,
      metrics: async () => {
        by = "metrics";
        return [];
      },
      metricsPath,
    },
    {
      rest: (request) => {
        if (isAdminTarget(request.target)) return answer("admin")();
        const isStfs = request.method === "POST" ? isProgramTarget : isStfsTarget;
        if (isStfs(request.target)) return answer("stfs")();
        return answer(request.method === "POST" ? "run" : "read")();
      },
      stfs: answer("run"),
      dashboard: answer("dashboard"),
      openapi: answer("openapi"),
    },
  );
  const request = { method, target, header: () => undefined, body: new Uint8Array(), signal: new AbortController().signal };
  const { status } = await router(request satisfies HttpRequest);
  return by === "nothing" && status === 200 ? "public" : by;
}

/** What each part needs at least. */
const NEEDED: Readonly<Record<Reached, readonly string[]>> = {
  admin: ["admin"],
  run: ["inference"],
  metrics: ["metrics"],
  read: ["any", "inference"],
  stfs: ["any", "inference"],
  dashboard: ["any", "metrics"],
  openapi: ["any"],
  public: ["public"],
  nothing: ["any", "metrics"],
};

const PIECES = [
  "/",
  "//",
  "v1",
  "V1",
  "config",
  "CONFIG",
  "models",
  "m",
  ":predict",
  "%2f",
  "%76",
  "..",
  ".",
  "?",
  "livez",
  "health",
];
const MORE = [
  "metrics",
  "dashboard",
  "api",
  "figures",
  "openapi.json",
  "monitoring/prometheus/metrics",
  ";",
  "detail",
  "gen_client",
  "models/m/gen_client",
];
const pieces = fc.array(fc.constantFrom(...PIECES, ...MORE), { maxLength: 8 });
const targets = fc.tuple(pieces, fc.constantFrom("", "/", "/")).map(([parts, between]) => `/${parts.join(between)}`);
const metricsPaths = fc.constantFrom(undefined, "/monitoring/prometheus/metrics", "/v1/config", "/v1/models/m", "/livez", "/");

describe("what the router answers is what the table of grants takes it for", () => {
  test("for paths of every make", async () => {
    const methods = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS");
    await fc.assert(
      fc.asyncProperty(methods, targets, metricsPaths, async (method, target, metricsPath) => {
        expect(NEEDED[await reached(method, target, metricsPath)]).toContain(pathNeeds(metricsPath)(method, target));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ["GET", "/v1/config", "admin"],
    ["PUT", "/V1/CONFIG/models/m", "admin"],
    ["POST", "/v1/models/m:predict", "run"],
    ["POST", "/v1/models/m/gen_client?language=go", "stfs"],
    ["POST", "/V1/Models/m/Gen_Client/", "stfs"],
    ["POST", "/v1/models/m/gen_client?signature_name=:predict", "stfs"],
    ["POST", "/v1/models/m/gen_client:predict", "run"],
    ["POST", "/v1/models/m/gen_json", "run"],
    ["POST", "/", "run"],
    ["GET", "/metrics", "metrics"],
    ["GET", "/livez", "public"],
    ["GET", "/dashboard/x", "dashboard"],
    ["GET", "/v1/models", "stfs"],
    ["GET", "//v1/config", "nothing"],
  ])("%s %s is answered by %s", async (method, target, by) => {
    expect(await reached(method, target, "/monitoring/prometheus/metrics")).toBe(by);
  });
});
