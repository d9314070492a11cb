import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import type { Grant } from "../../base/grant.ts";
import { ServingError } from "../../base/serving-error.ts";
import { temporaryFolders } from "../../base/test-folders.ts";
import type { Servable } from "../../model/servable.ts";
import type { DashboardCall } from "../../serving/dashboard-call.ts";
import { ServingTable } from "../../serving/serving-table.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { HttpHandler, HttpRequest } from "../../transport/http-exchange.ts";
import { createDashboardHandler } from "./dashboard-handler.ts";
import { EventStreams } from "./event-streams.ts";

const PAGE = `<!doctype html><title>modelport</title>${" ".repeat(2000)}`;
const SCRIPT = `${"console.log(1);".repeat(200)}`;

const folders = temporaryFolders();
let folder: string;
let table: ServingTable;
let handler: HttpHandler;
let calls: DashboardCall[];
let answer: (call: DashboardCall) => Uint8Array | undefined;
let faults: unknown[];
/** How many streams there were, and how many of them with figures, as they came and went. */
let counts: string[];

beforeEach(() => {
  folder = folders();
  table = new ServingTable();
  calls = [];
  faults = [];
  counts = [];
  answer = ({ kind }) => Buffer.from(`{"asked":"${kind}"}`);
  handler = createDashboardHandler({
    table,
    streams: new EventStreams({ clock: new FakeClock(), counted: (all, figures) => counts.push(`${all} ${figures}`), most: 1 }),
    call: async (call) => {
      calls.push(call);
      return answer(call);
    },
    adminApi: true,
    folder,
    reportFault: (reason) => faults.push(reason),
  });
});

function build(): void {
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(join(folder, "assets/index-a1.js"), SCRIPT);
  writeFileSync(join(folder, "assets/tiny-b2.svg"), "<svg/>");
  writeFileSync(join(folder, "assets/notes.txt"), "not for readers");
  writeFileSync(join(folder, "secret.html"), "not for readers");
}

interface Answered {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly bytes: Buffer;
}

async function get(
  target: string,
  headers: Record<string, string> = {},
  { method = "GET", grants }: { readonly method?: string; readonly grants?: readonly Grant[] } = {},
): Promise<Answered> {
  const request: HttpRequest = {
    method,
    target,
    header: (name) => headers[name],
    body: new Uint8Array(0),
    signal: new AbortController().signal,
    principal: grants && { name: "ann", grants: new Set(grants) },
  };
  const { status, headers: given, body } = await handler(request);
  return {
    status,
    headers: Object.fromEntries(given),
    bytes: body instanceof Uint8Array ? Buffer.from(body) : Buffer.from("stream"),
  };
}

describe("the page", () => {
  beforeEach(build);

  test("is served plain or compressed, as the caller takes it", async () => {
    const plain = await get("/dashboard/");
    expect([plain.status, plain.headers["content-type"], plain.bytes.toString()]).toEqual([
      200,
      "text/html; charset=utf-8",
      PAGE,
    ]);
    const gzip = await get("/dashboard/", { "accept-encoding": "gzip" });
    expect([gzip.headers["content-encoding"], gunzipSync(gzip.bytes).toString()]).toEqual(["gzip", PAGE]);
    const brotli = await get("/dashboard/index.html?x", { "accept-encoding": "gzip, br" });
    expect([brotli.headers["content-encoding"], brotliDecompressSync(brotli.bytes).toString()]).toEqual(["br", PAGE]);
    for (const { headers } of [plain, gzip, brotli]) expect(headers.vary).toBe("accept-encoding");
    expect(new Set([plain, gzip, brotli].map(({ headers }) => headers.etag)).size).toBe(3);
    expect((await get("/dashboard/assets/tiny-b2.svg", { "accept-encoding": "br" })).headers["content-encoding"]).toBeUndefined();
  });

  test("is asked for again each time, and its hashed files never", async () => {
    expect((await get("/dashboard/")).headers["cache-control"]).toBe("no-cache");
    const script = await get("/dashboard/assets/index-a1.js");
    expect(script.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(script.headers["content-type"]).toBe("text/javascript; charset=utf-8");
  });

  test.each(["ETAG", "W/ETAG", '"other", ETAG', "*"])("is not sent again to who has it: if-none-match %s", async (form) => {
    const { etag } = (await get("/dashboard/")).headers;
    const again = await get("/dashboard/", { "if-none-match": form.replace("ETAG", etag!) });
    expect([again.status, again.bytes.length, again.headers.etag]).toEqual([304, 0, etag]);
    expect((await get("/dashboard/", { "if-none-match": '"other"' })).status).toBe(200);
  });

  test.each([
    "/dashboard/secret.html",
    "/dashboard/assets/notes.txt",
    "/dashboard/assets/",
    "/dashboard/assets",
    "/dashboard//index.html",
    "/dashboard/./index.html",
    "/dashboard/../index.html",
    "/dashboard/assets/../index.html",
    "/dashboard/..%2findex.html",
    "/dashboard/%2e%2e/%2e%2e/etc/passwd",
    "/dashboard/....//etc/passwd",
    "/dashboard/..\\..\\index.html",
    "/dashboard/index.html%00.js",
    "/dashboard/constructor",
    "/dashboard/__proto__",
  ])("has no file %s", async (target) => {
    const { status, bytes } = await get(target);
    expect(status).toBe(404);
    expect(bytes.toString()).not.toContain("not for readers");
    expect(bytes.toString()).not.toContain(folder);
  });

  test("lets nothing in but itself, whatever is answered", async () => {
    for (const target of ["/", "/dashboard/", "/dashboard/api/state", "/dashboard/api/events", "/dashboard/none"]) {
      const { headers } = await get(target);
      expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
      });
    }
  });
});

test("a page that is not built is 404 with how to build it, and served once it is", async () => {
  const missing = await get("/dashboard/");
  expect([missing.status, missing.bytes.toString()]).toEqual([404, expect.stringContaining("npm run build")]);
  expect(missing.bytes.toString()).not.toContain(folder);
  build();
  expect((await get("/dashboard/")).status).toBe(200);
  expect(faults).toEqual([]);
});

test.each([
  ["/", "dashboard/"],
  ["/dashboard?a=b", "dashboard/"],
  ["/json_inference", "dashboard/#/"],
])("%s redirects, relative to where it is", async (target, location) => {
  for (const method of ["GET", "HEAD"]) {
    const { status, headers } = await get(target, {}, { method });
    expect([status, headers.location]).toEqual([302, location]);
  }
});

describe("the API", () => {
  test("tells who looks what they may do", async () => {
    const session = async (grants?: readonly Grant[]) =>
      JSON.parse((await get("/dashboard/api/session", {}, { ...(grants && { grants }) })).bytes.toString()) as unknown;
    expect(await session()).toEqual({ grants: { inference: true, admin: true, metrics: true }, adminApi: true });
    expect(await session(["metrics"])).toEqual({
      name: "ann",
      grants: { inference: false, admin: false, metrics: true },
      adminApi: true,
    });
  });

  test("keeps figures from who may not read metrics, and no state", async () => {
    const grants = ["inference", "admin"] as const;
    const [figures, state] = [
      await get("/dashboard/api/figures", {}, { grants }),
      await get("/dashboard/api/state", {}, { grants }),
    ];
    expect([figures.status, state.status]).toEqual([403, 200]);
    expect(calls).toEqual([{ kind: "state" }]);
    expect((await get("/dashboard/api/figures", {}, { grants: ["metrics"] })).status).toBe(200);
  });

  test.each([
    ["metrics", "1 1"],
    ["admin", "1 0"],
  ] as const)("streams figures to who may read metrics: with the grant %s", async (grant, count) => {
    expect((await get("/dashboard/api/events", {}, { grants: [grant] })).status).toBe(200);
    expect(counts).toEqual([count]);
  });

  test("passes on what the control thread says, and is stored nowhere", async () => {
    const state = await get("/dashboard/api/state");
    expect([state.bytes.toString(), state.headers["content-type"], state.headers["cache-control"]]).toEqual([
      '{"asked":"state"}',
      "application/json",
      "no-store",
    ]);
    await get("/dashboard/api/models/a%2Fb/history");
    expect(calls.at(-1)).toEqual({ kind: "history", model: "a/b" });
    answer = () => undefined;
    expect((await get("/dashboard/api/models/none/history")).status).toBe(404);
    answer = () => {
      throw new ServingError("unavailable", "the serving thread has ended");
    };
    expect((await get("/dashboard/api/state")).status).toBe(503);
  });

  test("answers one stream after the other while there is room, and says when to come back", async () => {
    const head = await get("/dashboard/api/events", {}, { method: "HEAD" });
    const first = await get("/dashboard/api/events");
    expect([head.bytes.length, first.bytes.toString(), first.headers["content-type"]]).toEqual([
      0,
      "stream",
      "text/event-stream",
    ]);
    const second = await get("/dashboard/api/events");
    expect([second.status, second.headers["retry-after"]]).toEqual([503, "10"]);
  });

  test("tells how a version is called", async () => {
    const signature: Signature = {
      inputs: [
        { alias: "x", name: "x", dtype: "float32", shape: [-1, 2], dimensionNames: ["N", ""] },
        { alias: "free", name: "free", dtype: "string", shape: undefined, optional: true },
      ],
      outputs: [{ alias: "y", name: "y", dtype: "int64", shape: [] }],
      methodName: "tensorflow/serving/predict",
    };
    const signatures = new Map([["serving_default", signature]]);
    await table.servables.publish({ name: "m", version: 2n }, { signatures } as unknown as Servable);
    const detail = async () =>
      JSON.parse((await get("/dashboard/api/models/m/versions/2")).bytes.toString()) as { example: string };
    expect(await detail()).toEqual({
      signatures: [
        {
          name: "serving_default",
          methodName: "tensorflow/serving/predict",
          inputs: [
            { alias: "x", dtype: "float32", shape: [-1, 2], dimensionNames: ["N", ""] },
            { alias: "free", dtype: "string", optional: true },
          ],
          outputs: [{ alias: "y", dtype: "int64", shape: [] }],
        },
      ],
      example: expect.stringMatching(/^\{"inputs": ?\{"x": ?\[\[/),
    });
    table.setAbout({ name: "m", version: 2n }, { ...ABOUT, example: '{"inputs":1}' });
    expect((await detail()).example).toBe('{"inputs":1}');
    expect((await get("/dashboard/api/models/m/versions/3")).status).toBe(404);
  });

  test("of a version without a signature that JSON can call has a form for an example", async () => {
    const uncallable: Signature = { inputs: [], outputs: [], methodName: "x", uncallable: "no" };
    for (const [version, signatures] of [
      [1n, new Map()],
      [2n, new Map([["serving_default", uncallable]])],
    ] as const) {
      await table.servables.publish({ name: "m", version }, { signatures } as unknown as Servable);
      const { example } = JSON.parse((await get(`/dashboard/api/models/m/versions/${version}`)).bytes.toString()) as {
        example: string;
      };
      expect(JSON.parse(example)).toEqual({ inputs: {} });
    }
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("does not take %s", async (method) => {
    const { status, headers } = await get("/dashboard/api/state", {}, { method });
    expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
    expect(calls).toEqual([]);
  });

  test("reports what is nobody's ServingError, and tells nothing of it", async () => {
    answer = () => {
      throw new Error("/secret/path");
    };
    const { status, bytes } = await get("/dashboard/api/state");
    expect([status, bytes.toString().includes("secret"), faults.length]).toEqual([500, false, 1]);
  });
});

const ABOUT = { platform: "onnx", why: "holds model.onnx", loadMs: 1, loadedAtMs: 2, fileBytes: 3 };
