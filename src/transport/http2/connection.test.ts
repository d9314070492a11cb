import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../base/deferred.ts";
import type { HttpRequest, HttpResponse } from "../http-exchange.ts";
import { type ContextChanges, type LoopbackServer, serveLoopback } from "./test-peer.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(changes: ContextChanges): Promise<LoopbackServer> {
  const server = await serveLoopback(changes);
  closing.push(() => server.close());
  return server;
}

function client(server: LoopbackServer, settings = {}): ClientHttp2Session {
  const session = connect(server.url, { settings });
  session.on("error", () => undefined);
  closing.push(() => session.destroy());
  return session;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Uint8Array | readonly Uint8Array[] = [],
  options: { readonly trailers?: OutgoingHttpHeaders; readonly readSlowly?: boolean } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: false, waitForTrailers: options.trailers !== undefined });
    const chunks: Buffer[] = [];
    let answered: IncomingHttpHeaders = {};
    stream.on("wantTrailers", () => stream.sendTrailers(options.trailers!));
    stream.on("response", (received) => {
      answered = received;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => resolve({ status: Number(answered[":status"]), headers: answered, body: Buffer.concat(chunks) }));
    stream.on("error", reject);
    for (const chunk of body instanceof Uint8Array ? [body] : body) stream.write(chunk);
    stream.end();
  });
}

function echo(request: HttpRequest): HttpResponse {
  return {
    status: 200,
    headers: [
      ["content-type", "application/octet-stream"],
      ["x-seen", `${request.method} ${request.target} ${request.header("x-a") ?? "-"} ${request.header("host") ?? "-"}`],
    ],
    body: request.body,
  };
}

function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
}

test("a request reaches the handler and its answer comes back", async () => {
  const server = await serve({ http: echo });
  const answer = await request(client(server), { ":method": "POST", ":path": "/a?b=c", "x-a": "1" }, Buffer.from("hello"));
  expect(answer.status).toBe(200);
  expect(answer.body.toString()).toBe("hello");
  expect(answer.headers).toMatchObject({
    "content-length": "5",
    "content-type": "application/octet-stream",
    "x-seen": `POST /a?b=c 1 127.0.0.1:${server.port}`,
  });
  expect(answer.headers.date).toMatch(/GMT$/);
});

test("large bodies pass both ways, beside many small ones", async () => {
  const server = await serve({ http: async (incoming) => echo(incoming) });
  const session = client(server);
  const large = pattern(5_000_000);
  const answers = await Promise.all([
    request(session, { ":method": "POST", ":path": "/", "content-length": large.length }, large),
    request(session, { ":method": "POST", ":path": "/" }, [large.subarray(0, 70_000), large.subarray(70_000)]),
    ...Array.from({ length: 300 }, (_, index) =>
      request(session, { ":method": "POST", ":path": `/${index}` }, Buffer.from(String(index))),
    ),
  ]);
  expect(answers[0]!.body.equals(large)).toBe(true);
  expect(answers[1]!.body.equals(large)).toBe(true);
  expect(answers.slice(2).map(({ body }) => body.toString())).toEqual(Array.from({ length: 300 }, (_, index) => String(index)));
});

test.each([1, 100, 16_383])("an answer fits through a window of %i bytes", async (initialWindowSize) => {
  const server = await serve({ http: echo });
  const body = pattern(initialWindowSize === 1 ? 300 : 40_000);
  const session = client(server, { initialWindowSize });
  const answers = await Promise.all([1, 2, 3].map(() => request(session, { ":method": "POST", ":path": "/" }, body)));
  for (const answer of answers) expect(answer.body.equals(body)).toBe(true);
});

test("a client without a header table is answered in literals", async () => {
  const server = await serve({ http: echo });
  const session = client(server, { headerTableSize: 0 });
  for (let round = 0; round < 3; round++) {
    const answer = await request(session, { ":method": "POST", ":path": "/" }, Buffer.from("x"));
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
  }
});

test("trailers end a request", async () => {
  const server = await serve({ http: echo });
  const answer = await request(client(server), { ":method": "POST", ":path": "/" }, Buffer.from("body"), {
    trailers: { "x-checksum": "1" },
  });
  expect(answer.body.toString()).toBe("body");
});

test("HEAD and 204 are answered without a body", async () => {
  const server = await serve({
    http: ({ method }) => ({ status: method === "HEAD" ? 200 : 204, headers: [], body: Buffer.from("four") }),
  });
  const session = client(server);
  const head = await request(session, { ":method": "HEAD", ":path": "/" });
  expect([head.headers["content-length"], head.body.length]).toEqual(["4", 0]);
  const empty = await request(session, { ":method": "DELETE", ":path": "/" });
  expect([empty.status, empty.headers["content-length"], empty.body.length]).toEqual([204, undefined, 0]);
});

describe("content codings", () => {
  const headers = { ":method": "POST", ":path": "/", "content-encoding": "gzip" };

  test("a gzip body is inflated, a broken one is empty, another coding is refused", async () => {
    const session = client(await serve({ http: echo }));
    expect((await request(session, headers, gzipSync("plain text"))).body.toString()).toBe("plain text");
    const broken = await request(session, headers, Buffer.from("not gzip"));
    expect([broken.status, broken.body.length]).toEqual([200, 0]);
    expect((await request(session, { ...headers, "content-encoding": "br" }, Buffer.from("x"))).status).toBe(415);
  });

  test("a gzip bomb is refused", async () => {
    const session = client(await serve({ http: echo, limits: { maxBodyBytes: 100_000 } }));
    expect((await request(session, headers, gzipSync(Buffer.alloc(10_000_000)))).status).toBe(413);
  });

  test("an answer is compressed for a client that accepts it", async () => {
    const session = client(await serve({ http: echo, compressResponses: true }));
    const body = Buffer.alloc(5000, "a");
    const accepting = { ":method": "POST", ":path": "/", "accept-encoding": "gzip" };
    const answer = await request(session, accepting, body);
    expect(answer.headers).toMatchObject({ "content-encoding": "gzip", vary: "accept-encoding" });
    expect(gunzipSync(answer.body).equals(body)).toBe(true);
    const plain = await request(session, { ":method": "POST", ":path": "/" }, body);
    expect(plain.headers["content-encoding"]).toBeUndefined();
  });
});

describe("requests over the limits are answered", () => {
  test("a body, announced or not: 413", async () => {
    const session = client(await serve({ http: echo, limits: { maxBodyBytes: 100_000 } }));
    const tooLarge = pattern(100_001);
    const announced = { ":method": "POST", ":path": "/", "content-length": 100_001 };
    expect((await request(session, announced, tooLarge)).status).toBe(413);
    const answer = await request(session, { ":method": "POST", ":path": "/" }, tooLarge);
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body.toString())).toEqual({ error: "the request body is larger than the limit of 100000 bytes" });
    expect((await request(session, { ":method": "POST", ":path": "/" }, pattern(100_000))).status).toBe(200);
  });

  test("headers: 431", async () => {
    const session = client(await serve({ http: echo, limits: { maxHeaderCount: 20 } }));
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, "1"]));
    expect((await request(session, { ":method": "GET", ":path": "/", ...many })).status).toBe(431);
  });

  test("a header block longer than the limit costs its request and not the connection", async () => {
    const session = client(await serve({ http: echo, limits: { maxHeaderBytes: 4096 } }));
    const long = { "x-long": "~".repeat(6000) };
    expect((await request(session, { ":method": "GET", ":path": "/", ...long })).status).toBe(431);
    expect((await request(session, { ":method": "POST", ":path": "/" }, pattern(10))).status).toBe(200);
    expect((await request(session, { ":method": "GET", ":path": "/" })).status).toBe(200);
  });
});

test("100-continue is granted", async () => {
  const session = client(await serve({ http: echo }));
  const stream = session.request({ ":method": "POST", ":path": "/", expect: "100-continue" }, { endStream: false });
  await new Promise<void>((resolve) => stream.once("continue", resolve));
  stream.end("body");
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe("body");
});

test.each<[string, () => HttpResponse | Promise<HttpResponse>]>([
  [
    "throws",
    () => {
      throw new Error("secret");
    },
  ],
  ["rejects", () => Promise.reject(new Error("secret"))],
  ["answers with a broken header", () => ({ status: 200, headers: [["x", "a\nb"]], body: Buffer.alloc(0) })],
  ["answers with no status", () => ({ status: 99, headers: [], body: Buffer.alloc(0) })],
])("a handler that %s is answered 500", async (_, http) => {
  const answer = await request(client(await serve({ http })), { ":method": "GET", ":path": "/" });
  expect([answer.status, answer.body.toString()]).toEqual([500, '{\n    "error": "internal error"\n}']);
});

test("a reset aborts the request's signal, and so does a lost connection", async () => {
  const reasons: string[] = [];
  const aborted = [deferred<void>(), deferred<void>()];
  const started = [deferred<void>(), deferred<void>()];
  const server = await serve({
    http({ signal, target }) {
      const index = Number(target.slice(1));
      signal.addEventListener("abort", () => {
        reasons[index] = (signal.reason as Error).message;
        aborted[index]!.resolve();
      });
      started[index]!.resolve();
      return new Promise<HttpResponse>(() => undefined);
    },
  });
  const session = client(server);
  const first = session.request({ ":path": "/0" });
  session.request({ ":path": "/1" }).on("error", () => undefined);
  first.on("error", () => undefined);
  await Promise.all(started.map(({ promise }) => promise));
  first.close(8);
  await aborted[0]!.promise;
  session.destroy();
  await aborted[1]!.promise;
  expect(reasons).toEqual(["the client cancelled the request", "the client closed the connection"]);
});

describe("draining", () => {
  test("answers what is in flight, then closes", async () => {
    const gate = deferred<void>();
    const started = deferred<void>();
    const server = await serve({
      async http(incoming) {
        started.resolve();
        await gate.promise;
        return echo(incoming);
      },
    });
    const session = client(server);
    const answer = request(session, { ":method": "POST", ":path": "/" }, Buffer.from("x"));
    await started.promise;
    const closed = new Promise((resolve) => session.on("close", resolve));
    server.connections[0]!.drain();
    await new Promise((resolve) => session.on("goaway", resolve));
    gate.resolve();
    expect((await answer).status).toBe(200);
    await closed;
  });

  test("closes an idle connection", async () => {
    const server = await serve({ http: echo });
    const session = client(server);
    await request(session, { ":method": "GET", ":path": "/" });
    const closed = new Promise((resolve) => session.on("close", resolve));
    server.connections[0]!.drain();
    await closed;
  });

  test("destroy closes at once", async () => {
    const server = await serve({ http: () => new Promise<HttpResponse>(() => undefined) });
    const session = client(server);
    const failed = request(session, { ":method": "GET", ":path": "/" }).catch((reason: unknown) => reason);
    await new Promise((resolve) => session.on("remoteSettings", resolve));
    server.connections[0]!.destroy();
    await new Promise((resolve) => session.on("close", resolve));
    await failed;
  });
});
