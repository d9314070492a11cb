import { beforeAll, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import { GRANTS, type Grant } from "../../base/grant.ts";
import { pathNeeds } from "./access-table.ts";
import { Cors, type CorsOptions } from "./cors.ts";
import { Gate } from "./gate.ts";
import { keyDigest } from "./key-digest.ts";
import { hashPassword } from "./password-hash.ts";
import type { Principals } from "./principals.ts";

type Fields = Readonly<Record<string, string>>;
const needs = pathNeeds("/monitoring/prometheus/metrics");
const PEER = { address: "192.0.2.1", secure: false };
const A = "https://a.example";
const key = (name: string) => ({ authorization: `Bearer mp_${name}` });
const ADA = { authorization: `Basic ${Buffer.from("ada:s3cret").toString("base64")}` };

let principals: Principals;
beforeAll(async () => {
  const keyOf = (name: string, grants: readonly Grant[]) => ({ name, grants, digest: keyDigest(`mp_${name}`) });
  principals = {
    users: [{ name: "ada", grants: GRANTS, password: await hashPassword("s3cret", { parallelism: 1 }) }],
    keys: [...GRANTS.map((grant) => keyOf(grant, [grant])), keyOf("none", [])],
  };
});

function gate(cors?: CorsOptions) {
  const refused: unknown[] = [];
  const made = new Gate({
    clock: new FakeClock(),
    needs,
    cors: cors && new Cors(cors, needs),
    refused: (reason, about) => void refused.push([reason, about]),
  });
  made.setPrincipals(principals);
  const head = (method: string, target: string, fields: Fields) => ({
    method,
    target,
    header: (name: string) => ({ host: "m.example", ...fields })[name],
    peer: PEER,
  });
  return {
    refused,
    http: async (method: string, target: string, fields: Fields = {}) => {
      const admission = await made.http(head(method, target, fields));
      return admission.refusal === undefined ? (admission.principal?.name ?? "passed") : admission.refusal.status;
    },
    grpc: async (target: string, fields: Fields = {}) => {
      const admission = await made.grpc(head("POST", target, fields));
      return admission.refusal === undefined ? (admission.principal?.name ?? "passed") : admission.refusal.code;
    },
    answer: async (method: string, target: string, fields: Fields = {}) => {
      const { refusal } = await made.http(head(method, target, fields));
      return refusal && { headers: refusal.headers, body: JSON.parse(Buffer.from(refusal.body).toString()) as unknown };
    },
  };
}

const PREDICT = "/v1/models/m:predict";

describe("HTTP", () => {
  test.each([
    ["GET", "/livez", {}, "passed"],
    ["GET", "/readyz", { authorization: "Bearer wrong" }, "passed"],
    ["POST", "/livez", {}, 401],
    ["GET", "/v1/models/m", {}, 401],
    ["GET", "/v1/models/m", key("none"), "none"],
    ["GET", "/v1/models/m", ADA, "ada"],
    ["POST", PREDICT, {}, 401],
    ["POST", PREDICT, { authorization: "Bearer wrong" }, 401],
    ["POST", PREDICT, { authorization: "mp_inference" }, 401],
    ["POST", PREDICT, key("inference"), "inference"],
    ["POST", PREDICT, key("admin"), 403],
    ["POST", PREDICT, key("none"), 403],
    ["GET", "/v1/config", key("inference"), 403],
    ["GET", "/v1/config", key("admin"), "admin"],
    ["GET", "/metrics", key("metrics"), "metrics"],
    ["GET", "/metrics", key("admin"), 403],
    ["GET", "/monitoring/prometheus/metrics", key("inference"), 403],
    ["OPTIONS", PREDICT, { origin: A }, 403],
    ["GET", "/nothing", {}, 401],
  ])("%s %s with %o: %s", async (method, target, fields, expected) => {
    expect(await gate().http(method, target, fields as Fields)).toBe(expected);
  });

  test("a refusal says how to go on", async () => {
    const { answer } = gate();
    expect(await answer("GET", "/metrics")).toEqual({
      headers: [
        ["content-type", "application/json"],
        ["www-authenticate", 'Basic realm="modelport", charset="UTF-8"'],
        ["www-authenticate", 'Bearer realm="modelport"'],
      ],
      body: { error: "credentials are needed: send Authorization with Basic or Bearer" },
    });
    expect((await answer("GET", "/metrics", key("admin")))?.body).toEqual({
      error: '"admin" has not the grant metrics, which this needs',
    });
    for (let attempt = 0; attempt < 10; attempt++) await answer("GET", "/metrics", key(`wrong${attempt}`));
    expect(await answer("GET", "/metrics", key("wrong"))).toEqual({
      headers: [
        ["content-type", "application/json"],
        ["retry-after", "6"],
      ],
      body: { error: "too many failed attempts, try again in 6 s" },
    });
  });

  test("refusals are told with the peer and the name of a principal, and with no secret", async () => {
    const { http, refused } = gate();
    await http("GET", "/metrics");
    await http("GET", "/metrics", key("wrong"));
    await http("GET", "/metrics", { authorization: `Basic ${Buffer.from("ada:nope").toString("base64")}` });
    await http("GET", "/metrics", { authorization: `Basic ${Buffer.from("nope:nope").toString("base64")}` });
    await http("GET", "/metrics", key("admin"));
    expect(refused).toEqual([
      ["missing", {}],
      ["wrong", { peer: PEER.address }],
      ["wrong", { peer: PEER.address, name: "ada" }],
      ["wrong", { peer: PEER.address }],
      ["not_granted", { peer: PEER.address, name: "admin" }],
    ]);
  });
});

describe("pages of other sites", () => {
  const foreign = { "sec-fetch-site": "cross-site", origin: A, ...ADA };
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", ...ADA };

  test.each<[string, string, Fields, CorsOptions | undefined, string | number]>([
    ["POST", PREDICT, foreign, undefined, 403],
    ["GET", "/v1/models/m", foreign, undefined, 403],
    ["GET", "/livez", foreign, undefined, "passed"],
    ["GET", "/dashboard/", link, undefined, "ada"],
    ["GET", "/v1/config", link, undefined, 403],
    ["POST", PREDICT, foreign, { everyone: true, origins: [] }, 403],
    ["POST", PREDICT, foreign, { everyone: false, origins: [A] }, "ada"],
    ["POST", PREDICT, { ...foreign, origin: "https://b.example" }, { everyone: false, origins: [A] }, 403],
    ["PUT", "/v1/config/models/m", foreign, { everyone: false, origins: [A] }, 403],
    ["OPTIONS", PREDICT, { origin: A }, { everyone: false, origins: [A] }, "passed"],
    ["OPTIONS", PREDICT, { origin: A }, { everyone: true, origins: [] }, "passed"],
    ["OPTIONS", "/v1/config", { origin: A }, { everyone: false, origins: [A] }, 403],
    ["POST", PREDICT, { origin: "http://m.example", ...ADA }, undefined, "ada"],
  ])("%s %s with %o where %o: %s", async (method, target, fields, cors, expected) => {
    expect(await gate(cors).http(method, target, fields)).toBe(expected);
  });

  test("of a listed origin can read why they are refused", async () => {
    const { answer } = gate({ everyone: false, origins: [A] });
    expect((await answer("POST", PREDICT, { origin: A }))?.headers).toContainEqual(["access-control-allow-origin", A]);
  });
});

test.each([
  ["/grpc.health.v1.Health/Check", {}, "passed"],
  ["/tensorflow.serving.PredictionService/Predict", {}, "unauthenticated"],
  ["/tensorflow.serving.PredictionService/Predict", key("inference"), "inference"],
  ["/tensorflow.serving.PredictionService/Predict", key("metrics"), "permission-denied"],
  ["/tensorflow.serving.PredictionService/Predict", ADA, "ada"],
  ["/tensorflow.serving.ModelService/HandleReloadConfigRequest", key("inference"), "permission-denied"],
  ["/tensorflow.serving.ModelService/HandleReloadConfigRequest", key("admin"), "admin"],
  ["/tensorflow.serving.ModelService/HandleReloadConfigRequest", { ...key("admin"), origin: A }, "permission-denied"],
  ["/tensorflow.serving.ModelService/GetModelStatus", key("none"), "none"],
  ["/some.Service/Method", key("inference"), "permission-denied"],
])("the gRPC method %s with %o: %s", async (path, fields, expected) => {
  expect(await gate().grpc(path, fields as Fields)).toBe(expected);
});

test("a gate that was told of nobody lets nobody in", async () => {
  const made = new Gate({ clock: new FakeClock(), needs, cors: undefined, refused: () => {} });
  const admission = await made.http({
    method: "GET",
    target: "/v1/models/m",
    header: (name) => (name === "authorization" ? ADA.authorization : undefined),
    peer: PEER,
  });
  expect(admission.refusal?.status).toBe(401);
});
