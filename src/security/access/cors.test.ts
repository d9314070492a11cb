import { describe, expect, test } from "vitest";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import { pathNeeds } from "./access-table.ts";
import { Cors, type CorsOptions } from "./cors.ts";

const A = "https://a.example";
const EVERYONE = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "POST, GET",
  "access-control-allow-headers": "Content-Type",
};
const LISTED = { "access-control-allow-origin": A, vary: "Origin" };
const PREFLIGHT = {
  ...LISTED,
  "access-control-allow-methods": "GET, HEAD, POST",
  "access-control-allow-headers": "Authorization, Content-Type",
  "access-control-max-age": "600",
};
const all = { everyone: true, origins: [] };
const listed = { everyone: false, origins: [A] };

async function ask(options: CorsOptions, method: string, target: string, origin?: string) {
  const cors = new Cors(options, pathNeeds(undefined));
  const handler = cors.wrap(async () => ({ status: 299, headers: [["x", "y"]], body: new Uint8Array() }));
  const request = { method, target, header: (name: string) => (name === "origin" ? origin : undefined), body: new Uint8Array() };
  const { status, headers } = await handler({ ...request, signal: new AbortController().signal } satisfies HttpRequest);
  return [status, Object.fromEntries(headers)];
}

describe("for everyone", () => {
  test.each([
    ["POST", "/v1/models/m:predict", undefined, 299, { x: "y", ...EVERYONE }],
    ["POST", "/", A, 299, { x: "y", ...EVERYONE }],
    ["GET", "/openapi.json", A, 299, { x: "y", ...EVERYONE }],
    ["GET", "/v1/config", A, 299, { x: "y" }],
    ["OPTIONS", "/v1/anything", A, 200, EVERYONE],
    ["OPTIONS", "/v1/anything", "null", 400, {}],
    ["OPTIONS", "/v1/anything", undefined, 400, {}],
    ["OPTIONS", "/V1/config/models/m", A, 299, { x: "y" }],
  ])("%s %s from %s is %d", async (method, target, origin, status, headers) => {
    expect(await ask(all, method, target, origin)).toEqual([status, headers]);
  });
});

describe("for listed origins", () => {
  test.each([
    ["POST", "/v1/models/m:predict", A, 299, { x: "y", ...LISTED }],
    ["POST", "/v1/models/m:predict", "https://b.example", 299, { x: "y", vary: "Origin" }],
    ["POST", "/v1/models/m:predict", `${A}.evil`, 299, { x: "y", vary: "Origin" }],
    ["POST", "/v1/models/m:predict", undefined, 299, { x: "y", vary: "Origin" }],
    ["OPTIONS", "/v1/models/m:predict", A, 200, PREFLIGHT],
    ["OPTIONS", "/v1/models/m:predict", "https://b.example", 299, { x: "y", vary: "Origin" }],
    ["OPTIONS", "/v1/config/models/m", A, 299, { x: "y" }],
    ["PUT", "/v1/config/models/m", A, 299, { x: "y" }],
  ])("%s %s from %s is %d", async (method, target, origin, status, headers) => {
    expect(await ask(listed, method, target, origin)).toEqual([status, headers]);
  });

  test("others may call too when everyone may, and caches are told", async () => {
    expect(await ask({ ...listed, everyone: true }, "GET", "/v1/models/m", A)).toEqual([299, { x: "y", ...LISTED }]);
    expect(await ask({ ...listed, everyone: true }, "GET", "/v1/models/m")).toEqual([
      299,
      { x: "y", ...EVERYONE, vary: "Origin" },
    ]);
  });
});
