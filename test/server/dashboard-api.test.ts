import { cpSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type {
  DashboardFigures,
  DashboardState,
  FiguresHistory,
  ModelHistory,
  VersionDetail,
} from "../../src/api/dashboard/dashboard-messages.ts";
import { publishVersion, removeVersion, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

/** No figure of speed: a stop that waits for its dashboards takes half a minute. */
const SOON_MS = 5000;

const folder = temporaryFolders();
const closing: (() => void)[] = [];
let server: RunningServer | undefined;

afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await server?.stop();
  server = undefined;
});

/** A server of one model, `half`, from a folder of its own, which is given. */
async function start(...flags: string[]): Promise<string> {
  const base = join(folder(), "half");
  cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
  server = await startServer(["--model_name=half", `--model_base_path=${base}`, "--file_system_poll_wait_seconds=1", ...flags]);
  return base;
}

/** An event stream, read as far as it has come. */
class Events {
  text = "";
  status = "";
  ended = false;

  /** What the latest state says, and the figures so far. */
  get state(): DashboardState | undefined {
    return this.#data<DashboardState>("state").at(-1);
  }

  get figures(): readonly DashboardFigures[] {
    return this.#data<DashboardFigures>("figures");
  }

  #data<T>(event: string): T[] {
    return [...this.text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)]
      .filter(([, name]) => name === event)
      .map(([, , data]) => JSON.parse(data!) as T);
  }

  /** Whether a version is in a state. */
  shows(version: string, state: string): boolean {
    return (
      this.state?.models.some(({ versions }) => versions.some((one) => one.version === version && one.state === state)) === true
    );
  }
}

async function overHttp1(): Promise<Events> {
  const events = new Events();
  const leaving = new AbortController();
  closing.push(() => leaving.abort());
  const response = await fetch(`${server!.url}/dashboard/api/events`, { signal: leaving.signal });
  events.status = `${response.status} ${response.headers.get("content-type")}`;
  void (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body!) events.text += decoder.decode(bytes as Uint8Array, { stream: true });
    events.ended = true;
  })().catch(() => undefined);
  return events;
}

async function overHttp2(): Promise<Events> {
  const events = new Events();
  const session = connectHttp2(server!.url);
  session.on("error", () => undefined);
  closing.push(() => session.destroy());
  const stream = session.request({ ":path": "/dashboard/api/events" });
  stream.on("error", () => undefined);
  stream.setEncoding("utf8").on("data", (text: string) => (events.text += text));
  stream.on("end", () => (events.ended = true));
  await new Promise<void>((resolve) =>
    stream.on("response", (headers) => {
      events.status = `${headers[":status"]} ${headers["content-type"]}`;
      resolve();
    }),
  );
  return events;
}

const get = (path: string, init: RequestInit = {}) => rest(`${server!.url}${path}`, undefined, { redirect: "manual", ...init });
const json = async <T>(path: string) => JSON.parse((await get(path)).text) as T;
const predict = (body: string, path = "half") => rest(`${server!.url}/v1/models/${path}:predict`, body);

/** Requests and errors in figures, by version. */
function totals(figures: readonly DashboardFigures[]): Record<string, readonly [requests: number, errors: number]> {
  const sums: Record<string, readonly [number, number]> = {};
  for (const { versions } of figures) {
    for (const { model, version, requests, errors } of versions) {
      const [before, wrong] = sums[`${model} ${version}`] ?? [0, 0];
      sums[`${model} ${version}`] = [before + requests, wrong + errors];
    }
  }
  return sums;
}

describe.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const)("an event stream over %s", (_, open) => {
  test("tells of versions that come, fail and go, as they do", async () => {
    const base = await start();
    const events = await open();
    expect(events.status).toBe("200 text/event-stream");
    await eventually(() => events.shows("1", "AVAILABLE"));
    expect(events.text).toMatch(/^retry: \d+\n\nevent: state\n/);

    publishVersion(base, 2, HALF_PLUS_TWO);
    await eventually(() => events.shows("2", "AVAILABLE") && events.shows("1", "END"));
    const broken = join(folder(), "model.onnx");
    writeFileSync(broken, "this is no model");
    publishVersion(base, 3, broken);
    await eventually(() => events.shows("3", "END"));
    const [half] = events.state!.models;
    expect(half!.versions.map(({ version }) => version)).toEqual(["3", "2", "1"]);
    expect(half!.versions[0]!.error).toMatchObject({ code: expect.any(String), message: expect.not.stringContaining(base) });
    expect(half!.versions[1]).toMatchObject({ platform: "onnx", loadedAtMs: expect.any(Number), fileBytes: expect.any(Number) });
    removeVersion(base, 3);

    const { events: history } = await json<ModelHistory>("/dashboard/api/models/half/history");
    const of = (version: string) => history.filter((event) => event.version === version).map(({ state }) => state);
    expect(of("2")).toEqual(["AVAILABLE", "LOADING", "START"]);
    expect(of("1")).toEqual(["END", "UNLOADING", "AVAILABLE", "LOADING", "START"]);
    expect(of("3")[0]).toBe("END");
    expect(history.find(({ version }) => version === "3")!.error?.message).toBe(half!.versions[0]!.error!.message);
    expect(history.map(({ atMs }) => atMs)).toEqual(history.map(({ atMs }) => atMs).toSorted((a, b) => b - a));
  });

  test("ends with the server, which does not wait for it", async () => {
    await start();
    const streams = [await open(), await open(), await overHttp1()];
    await eventually(() => streams.every((events) => events.shows("1", "AVAILABLE")));
    const began = Date.now();
    expect(await server!.stop("SIGTERM")).toBe(0);
    expect(Date.now() - began).toBeLessThan(SOON_MS);
    await eventually(() => streams.every(({ ended }) => ended));
  });
});

describe("figures", () => {
  test("add up to what was asked, over REST and gRPC, on every thread, of versions that went too", async () => {
    const base = await start("--threads=2");
    const events = await overHttp1();
    await eventually(() => events.figures.length > 0);
    const grpc = Array.from({ length: 4 }, () => new GrpcClient(server!.port));
    for (const client of grpc) closing.push(() => client.close());

    const asked = [
      ...Array.from({ length: 40 }, () => predict('{"instances": [1.0, 2.0]}')),
      ...Array.from({ length: 7 }, () => predict('{"instances": ["no number"]}')),
      ...Array.from({ length: 3 }, () => predict('{"signature_name": "none", "instances": [1]}')),
      predict("not JSON"),
      predict('{"instances": [1.0]}', "other"),
      predict('{"instances": [1.0]}', "half/versions/9"),
      get("/v1/models/half"),
      get("/v1/models/half/metadata"),
    ];
    expect((await Promise.all(asked)).slice(0, 2).map(({ status }) => status)).toEqual([200, 200]);
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(grpc.map((client) => grpcPredict(client, "half")));
      expect(answers.map(({ status }) => status.code)).toEqual([0, 0, 0, 0]);
    }
    const [bad] = await Promise.all([grpcPredict(grpc[0]!, "half", {}), grpcPredict(grpc[1]!, "other")]);
    expect(bad.status.code).toBe(3);
    publishVersion(base, 2, HALF_PLUS_TWO);
    await eventually(() => events.shows("1", "END"));
    await predict('{"instances": [1.0]}');

    await eventually(() => totals(events.figures)["half 2"] !== undefined);
    const known = await json<FiguresHistory>("/dashboard/api/figures");
    // "not JSON" names a signature of no version yet where the body is read first.
    const [requests, errors] = totals(events.figures)["half 1"]!;
    expect([requests - errors, totals(events.figures)["half 2"]]).toEqual([60, [1, 0]]);
    expect(errors).toBeGreaterThanOrEqual(11);
    expect(errors).toBeLessThanOrEqual(12);
    expect(Object.keys(totals(events.figures))).toEqual(["half 1", "half 2"]);
    expect(totals(known.figures)).toEqual(totals(events.figures));
    const one = events.figures.flatMap(({ versions }) => versions).find(({ p50 }) => p50 !== undefined)!;
    expect(one.p50).toBeGreaterThan(0);
    expect(one.p99).toBeGreaterThanOrEqual(one.p50!);
    const { rssBytes, openConnections } = known.figures.at(-1)!;
    expect([rssBytes > 1e7, openConnections > 0]).toEqual([true, true]);
  });

  test("are the same however slowly somebody reads, and all is well with the others", async () => {
    await start("--threads=1");
    const slow: Socket = connect(server!.restPort, "127.0.0.1");
    closing.push(() => slow.destroy());
    slow.on("error", () => undefined);
    slow.pause();
    slow.write("GET /dashboard/api/events HTTP/1.1\r\nhost: x\r\n\r\n");
    const fast = await overHttp1();
    await eventually(() => fast.figures.length >= 3);
    expect((await predict('{"instances": [1.0]}')).status).toBe(200);
    await eventually(() => totals(fast.figures)["half 1"]?.[0] === 1);
  });

  test("reach 200 who watch, whoever leaves meanwhile", async () => {
    await start("--threads=2");
    const streams = await Promise.all(Array.from({ length: 200 }, overHttp1));
    await eventually(() => streams.every((events) => events.state !== undefined && events.figures.length >= 1));
    const [leaving] = closing.splice(0, 1);
    leaving!();
    const seen = streams.map(({ figures }) => figures.length);
    await eventually(() => streams.every(({ figures }, index) => index === 0 || figures.length > seen[index]!));
  });
});

test("a served version is told with its signatures and a request that it answers", async () => {
  await start();
  const detail = await json<VersionDetail>("/dashboard/api/models/half/versions/1");
  expect(detail.signatures[0]).toMatchObject({ name: "serving_default", inputs: [{ alias: "x", dtype: "float32" }] });
  expect((await predict(detail.example)).status).toBe(200);
  expect((await get("/dashboard/api/models/half/versions/2")).status).toBe(404);
  expect((await get("/dashboard/api/models/none/history")).status).toBe(404);
  expect(await json("/dashboard/api/session")).toEqual({
    grants: { inference: true, admin: true, metrics: true },
    adminApi: false,
  });
});

describe("the page's addresses", () => {
  test.each([
    ["/", "http://proxy/models/here/", "http://proxy/models/here/dashboard/"],
    ["/dashboard", "http://proxy/models/here/dashboard", "http://proxy/models/here/dashboard/"],
    ["/generate_clients", "http://proxy/models/here/generate_clients", "http://proxy/models/here/dashboard/#/clients"],
  ])("%s leads to the page behind any prefix", async (path, seenAs, expected) => {
    await start();
    const response = await fetch(`${server!.url}${path}`, { redirect: "manual" });
    expect(response.status).toBe(302);
    expect(new URL(response.headers.get("location")!, seenAs).href).toBe(expected);
    expect(server!.stderr()).not.toContain("request_failed");
  });

  test("lead to none of the server's own files", async () => {
    await start();
    for (const path of [
      "../cli/main.js",
      "%2e%2e/cli/main.js",
      "..%2fcli%2fmain.js",
      "assets/../../cli/main.js",
      "/etc/passwd",
      "api/../index",
    ]) {
      const socket = connect(server!.restPort, "127.0.0.1");
      closing.push(() => socket.destroy());
      socket.write(`GET /dashboard/${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      let text = "";
      for await (const bytes of socket) text += String(bytes);
      expect(text.split("\r\n")[0]).toBe("HTTP/1.1 404 Not Found");
      expect(text).toContain("content-security-policy: default-src 'none'; script-src 'self'");
    }
  });

  test("lead nowhere when the dashboard is off, and nobody counts for it", async () => {
    await start("--enable_dashboard=false");
    for (const path of ["/", "/dashboard/", "/dashboard/api/state", "/dashboard/api/events"]) {
      expect(await get(path)).toMatchObject({ status: 404, text: expect.stringContaining("--enable_dashboard") });
    }
    expect((await predict('{"instances": [1.0]}')).status).toBe(200);
  });

  test("are printed when the server starts", async () => {
    await start();
    await eventually(() => server!.stdout().includes(`${server!.url}/dashboard/`));
  });
});
