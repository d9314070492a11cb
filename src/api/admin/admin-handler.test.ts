import { beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { AdminAnswer, AdminCall } from "../../serving/admin.ts";
import type { HttpHandler, HttpRequest } from "../../transport/http-exchange.ts";
import { createAdminHandler, LARGEST_CONFIG_BYTES } from "./admin-handler.ts";
import { isAdminTarget, parseAdminTarget } from "./admin-route.ts";

const FOUND: AdminAnswer = { kind: "found", config: "{}", tag: "abc" };

let calls: AdminCall[];
let faults: unknown[];
let answer: () => Promise<AdminAnswer>;
let handler: HttpHandler;
let clock: FakeClock;

function create(enabled = true): HttpHandler {
  return createAdminHandler({
    enabled,
    call: (call) => {
      calls.push(call);
      return answer();
    },
    longestWaitMs: 30_000,
    clock,
    reportFault: (reason) => faults.push(reason),
  });
}

function request(method: string, target: string, headers: Record<string, string> = {}, body = ""): HttpRequest {
  return {
    method,
    target,
    header: (name) => headers[name],
    body: new TextEncoder().encode(body),
    signal: new AbortController().signal,
  };
}

async function ask(method: string, target: string, headers: Record<string, string> = {}, body = "") {
  const { status, headers: sent, body: bytes } = await handler(request(method, target, headers, body));
  return { status, headers: new Map(sent), text: new TextDecoder().decode(bytes as Uint8Array) };
}

const JSON_TYPE = { "content-type": "application/json" };
const TERMS = { ifMatch: [], ifNew: false, wait: false, write: false };

beforeEach(() => {
  [calls, faults] = [[], []];
  answer = async () => FOUND;
  clock = new FakeClock();
  handler = create();
});

describe("which targets are the admin API's", () => {
  test.each([
    ["/v1/config", true],
    ["/v1/config?x=1", true],
    ["/V1/CONFIG/models/a", true],
    ["/v1/config/", true],
    ["/v1/configs", false],
    ["/v1/models/config", false],
    ["/v1/models/m:predict", false],
  ])("%s: %s", (target, expected) => expect(isAdminTarget(target)).toBe(expected));

  test.each([
    ["/v1/config", undefined],
    ["/v1/config/models/iris", "iris"],
    ["/v1/Config/Models/a%2Fb%3A%20c", "a/b: c"],
    ["/v1/config/models/__proto__", "__proto__"],
  ])("%s names %s", (target, model) => {
    expect(parseAdminTarget(target)).toEqual({ model, wait: false, write: false });
  });

  test.each([
    ["/v1/config/models", "not-found"],
    ["/v1/config/models/a/b", "not-found"],
    ["/v1/config/models/%zz", "invalid-argument"],
    ["/v1/config/models/a?force=true", "invalid-argument"],
    ["/v1/config/models/a?wait=1", "invalid-argument"],
  ])("%s is refused with %s", (target, code) => {
    expect(() => parseAdminTarget(target)).toThrow(expect.objectContaining({ code }));
  });
});

describe("a request", () => {
  test.each<[string, string, Record<string, string>, AdminCall]>([
    ["GET", "/v1/config", {}, { kind: "list" }],
    ["HEAD", "/v1/config", {}, { kind: "list" }],
    ["GET", "/v1/config/models/a", {}, { kind: "get", model: "a" }],
    ["PUT", "/v1/config/models/a", JSON_TYPE, { kind: "put", model: "a", config: "BODY", terms: TERMS }],
    [
      "PUT",
      "/v1/config/models/a?wait=true&write=true",
      { "content-type": "Application/JSON; charset=utf-8", "if-match": '"x", "y"' },
      { kind: "put", model: "a", config: "BODY", terms: { ifMatch: ["x", "y"], ifNew: false, wait: true, write: true } },
    ],
    [
      "PUT",
      "/v1/config/models/a?wait=false",
      { ...JSON_TYPE, "if-none-match": "*" },
      { kind: "put", model: "a", config: "BODY", terms: { ...TERMS, ifNew: true } },
    ],
    ["DELETE", "/v1/config/models/a", { "if-match": "*" }, { kind: "delete", model: "a", terms: { ...TERMS, ifMatch: ["*"] } }],
  ])("%s %s %j is passed on", async (method, target, headers, call) => {
    await ask(method, target, headers, "BODY");
    expect(calls).toEqual([call]);
  });

  test.each([
    ["POST", "/v1/config", {}, 405, "GET, HEAD"],
    ["PUT", "/v1/config", JSON_TYPE, 405, "GET, HEAD"],
    ["DELETE", "/v1/config", {}, 405, "GET, HEAD"],
    ["OPTIONS", "/v1/config", { origin: "http://evil.example" }, 405, "GET, HEAD"],
    ["POST", "/v1/config/models/a", JSON_TYPE, 405, "GET, HEAD, PUT, DELETE"],
    ["PATCH", "/v1/config/models/a", JSON_TYPE, 405, "GET, HEAD, PUT, DELETE"],
    ["PUT", "/v1/config/models/a", {}, 415, undefined],
    ["PUT", "/v1/config/models/a", { "content-type": "text/plain" }, 415, undefined],
    ["PUT", "/v1/config/models/a", { "content-type": "application/x-www-form-urlencoded" }, 415, undefined],
    ["PUT", "/v1/config/models/a", { "content-type": "application/jsonx" }, 415, undefined],
    ["PUT", "/v1/config/models/a", { ...JSON_TYPE, "if-match": "unquoted" }, 400, undefined],
    ["PUT", "/v1/config/models/a", { ...JSON_TYPE, "if-match": 'W/"weak"' }, 400, undefined],
    // A term that is not understood may not be passed over.
    ["PUT", "/v1/config/models/a", { ...JSON_TYPE, "if-none-match": '"x"' }, 400, undefined],
    ["DELETE", "/v1/config/models/a", { "if-none-match": '"x"' }, 400, undefined],
    ["GET", "/v1/config/other", {}, 404, undefined],
  ])("%s %s %j is refused with %d", async (method, target, headers, status, allow) => {
    const answered = await ask(method, target, headers as Record<string, string>, "{}");
    expect([answered.status, answered.headers.get("allow")]).toEqual([status, allow]);
    expect(JSON.parse(answered.text)).toEqual({ error: expect.any(String) });
    expect(answered.headers.has("access-control-allow-origin")).toBe(false);
    expect(calls).toEqual([]);
  });

  test("with a config that is too large or no text is refused", async () => {
    expect((await ask("PUT", "/v1/config/models/a", JSON_TYPE, "x".repeat(LARGEST_CONFIG_BYTES + 1))).status).toBe(413);
    const bytes = { ...request("PUT", "/v1/config/models/a", JSON_TYPE), body: new Uint8Array([0xff]) };
    expect((await handler(bytes)).status).toBe(400);
    expect(calls).toEqual([]);
  });
});

describe("an answer", () => {
  test.each<[AdminAnswer, number, string | undefined]>([
    [FOUND, 200, '"abc"'],
    [{ ...FOUND, kind: "created" }, 201, '"abc"'],
    [{ ...FOUND, kind: "replaced" }, 200, '"abc"'],
    [{ kind: "deleted" }, 200, undefined],
    [{ kind: "mismatch", message: "somebody was first" }, 412, undefined],
  ])("%o is %d", async (given, status, etag) => {
    answer = async () => given;
    const answered = await ask("GET", "/v1/config");
    expect([answered.status, answered.headers.get("etag")]).toEqual([status, etag]);
    expect(answered.headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    ["not-found", 404],
    ["failed-precondition", 400],
    ["data-loss", 500],
    ["unavailable", 503],
  ] as const)("of %s is %d, with the message", async (code, status) => {
    answer = () => Promise.reject(new ServingError(code, "the reason"));
    expect(await ask("GET", "/v1/config")).toMatchObject({ status, text: '{\n    "error": "the reason"\n}' });
    expect(faults).toEqual([]);
  });

  test("to a bug says nothing of it, but is reported", async () => {
    answer = () => Promise.reject(new TypeError("x is undefined"));
    const { status, text } = await ask("GET", "/v1/config");
    expect([status, text.includes("undefined"), faults.length]).toEqual([500, false, 1]);
  });

  test("is not waited for once the caller has left", async () => {
    answer = () => new Promise(() => {});
    const leaving = new AbortController();
    const answered = handler({ ...request("PUT", "/v1/config/models/a?wait=true", JSON_TYPE), signal: leaving.signal });
    leaving.abort();
    expect((await answered).status).toBe(499);
  });

  test("is waited for no longer than any request is", async () => {
    answer = () => new Promise(() => {});
    const waiting = ask("PUT", "/v1/config/models/a?wait=true", JSON_TYPE, "{}");
    await clock.advance(30_000);
    const { status, text } = await waiting;
    expect([status, text]).toEqual([504, expect.stringContaining("model a has no available version after 30000 ms")]);
  });
});

test("nothing of it is to be had while it is off, and the answer names the flag", async () => {
  handler = create(false);
  for (const [method, target] of [
    ["GET", "/v1/config"],
    ["GET", "/v1/config/models/a"],
    ["PUT", "/v1/config/models/a"],
    ["DELETE", "/v1/config/models/a"],
    ["POST", "/v1/config/other"],
  ] as const) {
    const answered = await ask(method, target, JSON_TYPE, "{}");
    expect(answered.status).toBe(403);
    expect(answered.text).toContain("--enable_admin_api");
  }
  expect(calls).toEqual([]);
});
