import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { settle } from "../../base/fake-clock.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../http-exchange.ts";
import { startServer, type TestServer } from "./raw-client.ts";

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(http: HttpHandler, options: Parameters<typeof startServer>[1] = {}): Promise<TestServer> {
  const server = await startServer(http, options);
  servers.push(server);
  return server;
}

function ok(text: string | Uint8Array, headers: HttpResponse["headers"] = []): HttpResponse {
  return { status: 200, headers, body: Buffer.from(text) };
}

/** Says what it was asked. */
const echo: HttpHandler = (request) => ok(`${request.method} ${request.target} ${Buffer.from(request.body).toString("latin1")}`);

/** Answers when told to, by the request's target. */
function told(): { handler: HttpHandler; answers: Map<string, Deferred<HttpResponse>>; requests: HttpRequest[] } {
  const answers = new Map<string, Deferred<HttpResponse>>();
  const requests: HttpRequest[] = [];
  const handler: HttpHandler = (request) => {
    requests.push(request);
    const answer = deferred<HttpResponse>();
    answers.set(request.target, answer);
    return answer.promise;
  };
  return { handler, answers, requests };
}

function get(target: string, ...headers: string[]): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n`;
}

function post(target: string, body: string, ...headers: string[]): string {
  return get(target, `Content-Length: ${body.length}`, ...headers).replace("GET", "POST") + body;
}

function chunked(target: string, ...chunks: string[]): string {
  const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
  return `${get(target, "Transfer-Encoding: chunked").replace("GET", "POST")}${body}0\r\n\r\n`;
}

describe("a persistent connection", () => {
  test("answers request after request", async () => {
    const client = await (await start(echo)).client();
    for (const target of ["/1", "/2", "/3"]) {
      await client.send(post(target, "body"));
      expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: `POST ${target} body` });
    }
  });

  test("gives the same answers however a stream of pipelined requests is cut", async () => {
    const server = await start(echo);
    const stream = `${get("/a")}${post("/b", "hello")}\r\n${chunked("/c", "one", "two")}${get("/d", "Connection: close")}`;
    const expected = ["GET /a ", "POST /b hello", "POST /c onetwo", "GET /d "];
    for (let cut = 0; cut < stream.length; cut++) {
      const client = await server.client();
      await client.send(stream.slice(0, cut));
      await client.send(stream.slice(cut));
      expect((await client.answers(4)).map(({ body }) => body)).toEqual(expected);
      client.socket.destroy();
    }
  });

  test("gives the same answers to a stream cut at random", async () => {
    const server = await start(echo);
    const stream = `${chunked("/a", "x", "yz")}${post("/b", "0123456789")}${chunked("/c")}${get("/d")}`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(stream.length), { maxLength: 8 }), async (at) => {
        const client = await server.client();
        const cuts = [0, ...at.sort((a, b) => a - b), stream.length];
        for (let i = 1; i < cuts.length; i++) await client.send(stream.slice(cuts[i - 1], cuts[i]));
        expect((await client.answers(4)).map(({ body }) => body)).toEqual([
          "POST /a xyz",
          "POST /b 0123456789",
          "POST /c ",
          "GET /d ",
        ]);
        client.socket.destroy();
      }),
      { numRuns: 60 },
    );
  });

  test("gives a body that came in many pieces as a whole", async () => {
    const server = await start((request) => ok(String(Buffer.from(request.body).every((byte, i) => byte === (i * 7) % 251))));
    const client = await server.client();
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251));
    await client.send(get("/", `Content-Length: ${body.length}`).replace("GET", "POST"));
    for (let at = 0; at < body.length; at += 37_000) await client.send(body.subarray(at, at + 37_000));
    expect((await client.answers(1))[0]?.body).toBe("true");
  });

  test("answers with a part of a large body as that came", async () => {
    const server = await start((request) => ({ status: 200, headers: [], body: request.body.subarray(10, 40) }));
    const client = await server.client();
    const body = "abcdefghij".repeat(6000);
    await client.send(get("/", `Content-Length: ${body.length}`).replace("GET", "POST"));
    await client.send(body);
    expect((await client.answers(1))[0]?.body).toBe("abcdefghij".repeat(3));
  });

  test("answers in the order of the requests, whichever is ready first", async () => {
    const { handler, answers } = told();
    const client = await (await start(handler)).client();
    await client.send(get("/1") + get("/2") + get("/3"));
    answers.get("/3")?.resolve(ok("three"));
    answers.get("/2")?.resolve(ok("two"));
    await settle();
    expect(client.received).toBe("");
    answers.get("/1")?.resolve(ok("one"));
    expect((await client.answers(3)).map(({ body }) => body)).toEqual(["one", "two", "three"]);
  });

  test("starts no more requests than may wait at once, and the rest later", async () => {
    const { handler, answers, requests } = told();
    const client = await (await start(handler, { limits: { maxPipelined: 2 } })).client();
    await client.send(get("/1") + get("/2") + get("/3") + get("/4"));
    expect(requests).toHaveLength(2);
    answers.get("/1")?.resolve(ok("1"));
    await client.answers(1);
    await settle();
    expect(requests).toHaveLength(3);
    answers.get("/2")?.resolve(ok("2"));
    answers.get("/3")?.resolve(ok("3"));
    await client.answers(2);
    await settle();
    answers.get("/4")?.resolve(ok("4"));
    expect((await client.answers(1))[0]?.body).toBe("4");
  });

  test("answers hundreds of pipelined requests", async () => {
    const client = await (await start(echo)).client();
    await client.send(Array.from({ length: 500 }, (_, i) => post(`/${i}`, "x".repeat(i))).join(""));
    const answers = await client.answers(500);
    expect(answers.every(({ body }, i) => body === `POST /${i} ${"x".repeat(i)}`)).toBe(true);
  });

  test("drops what follows the last request", async () => {
    const client = await (await start(echo)).client();
    await client.send(get("/1", "Connection: close") + get("/2"));
    expect((await client.answers(1))[0]?.headers.get("connection")).toBe("close");
    await client.end();
    expect(client.received).toBe("");
  });

  test("of HTTP/1.0 closes unless asked to stay", async () => {
    const client = await (await start(echo)).client();
    await client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect((await client.answers(1))[0]?.headers.get("connection")).toBe("keep-alive");
    await client.send("GET /2 HTTP/1.0\r\n\r\n");
    expect((await client.answers(1))[0]?.headers.get("connection")).toBe("close");
    await client.end();
  });

  test("answers a peer that has closed its side", async () => {
    const { handler, answers, requests } = told();
    const client = await (await start(handler)).client();
    client.socket.end(get("/1") + get("/2"));
    while (requests.length < 2) await settle();
    await settle();
    expect(requests[0]?.signal.aborted).toBe(false);
    answers.get("/1")?.resolve(ok("1"));
    answers.get("/2")?.resolve(ok("2"));
    expect((await client.answers(2)).map(({ body }) => body)).toEqual(["1", "2"]);
    await client.end();
  });

  test.each([
    ["a head", "GET / HTTP/1.1\r\nHos"],
    ["a body", get("/", "Content-Length: 9")],
    ["chunks", `${get("/", "Transfer-Encoding: chunked")}5\r\nab`],
  ])("refuses %s that ends early", async (_name, part) => {
    const client = await (await start(echo)).client();
    client.socket.end(part);
    expect((await client.answers(1))[0]?.status).toBe(400);
    await client.end();
  });
});

describe("a refused request", () => {
  test("is answered after those before it, and nothing after it is read", async () => {
    const { handler, answers, requests } = told();
    const server = await start(handler);
    const client = await server.client();
    await client.send(`${get("/1")}GET / HTTP/1.1\r\n\r\n${get("/2")}`);
    expect(client.received).toBe("");
    expect(server.reports).toEqual([["request_refused", 400]]);
    answers.get("/1")?.resolve(ok("1"));
    const [first, second] = await client.answers(2);
    expect([first?.status, second?.status, requests.length]).toEqual([200, 400, 1]);
    expect(second?.body).toBe('{\n    "error": "missing Host header"\n}');
    await client.end();
  });

  test("of a body over the limit is refused before the body comes", async () => {
    const client = await (await start(echo, { limits: { maxBodyBytes: 10 } })).client();
    await client.send(post("/", "0123456789"));
    expect((await client.answers(1))[0]?.status).toBe(200);
    await client.send(get("/", "Content-Length: 11", "Expect: 100-continue"));
    expect((await client.answers(1))[0]?.status).toBe(413);
    await client.end();
  });

  test("of chunks over the limit is refused at the chunk that exceeds it", async () => {
    const client = await (await start(echo, { limits: { maxBodyBytes: 10 } })).client();
    await client.send(`${get("/", "Transfer-Encoding: chunked")}8\r\n12345678\r\n3\r\n`);
    expect((await client.answers(1))[0]?.status).toBe(413);
    await client.end();
  });

  test("does not become two because of a second, hidden one in its body", async () => {
    const { handler, requests } = told();
    const client = await (await start(handler)).client();
    await client.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get("/admin")}`,
    );
    expect((await client.answers(1))[0]?.status).toBe(400);
    await client.end();
    expect(requests).toHaveLength(0);
  });
});

describe("100 Continue", () => {
  test("is sent when the body is waited for, before the answer", async () => {
    const client = await (await start(echo)).client();
    await client.send(get("/", "Content-Length: 2", "Expect: 100-continue"));
    await client.until(({ received }) => received === "HTTP/1.1 100 Continue\r\n\r\n");
    client.received = "";
    await client.send("hi");
    expect((await client.answers(1))[0]?.body).toBe("GET / hi");
  });

  test("is sent also when the head came in two pieces", async () => {
    const client = await (await start(echo)).client();
    const head = get("/", "Content-Length: 2", "Expect: 100-continue");
    await client.send(head.slice(0, 30));
    await client.send(head.slice(30));
    await client.until(({ received }) => received === "HTTP/1.1 100 Continue\r\n\r\n");
  });

  test("is not sent when the body is there", async () => {
    const client = await (await start(echo)).client();
    await client.send(post("/", "hi", "Expect: 100-continue"));
    expect((await client.answers(1))[0]?.status).toBe(200);
  });

  test("waits for the answers before it", async () => {
    const { handler, answers } = told();
    const client = await (await start(handler)).client();
    await client.send(get("/1") + get("/2", "Content-Length: 2", "Expect: 100-continue"));
    expect(client.received).toBe("");
    answers.get("/1")?.resolve(ok("1"));
    expect((await client.answers(1))[0]?.body).toBe("1");
    await client.until(({ received }) => received === "HTTP/1.1 100 Continue\r\n\r\n");
  });
});

describe("the handler", () => {
  test("answers HEAD with a length and no body", async () => {
    const client = await (await start(echo)).client();
    await client.send(get("/x").replace("GET", "HEAD") + get("/y"));
    await client.until(({ received }) => received.endsWith("GET /y "));
    expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\ncontent-length: 8\r\ndate: [^\r]+\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ] as const)("that %s is answered 500 without its words", async (_name, handler) => {
    const server = await start(handler as HttpHandler);
    const client = await server.client();
    await client.send(get("/"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 500, body: '{\n    "error": "internal error"\n}' });
    expect(server.reports[0]?.[0]).toBe("handler_fault");
  });

  test("that sets a header with a line break is answered 500", async () => {
    const server = await start(() => ok("", [["x-a", "b\r\nx-c: d"]]));
    const client = await server.client();
    await client.send(get("/"));
    const [answer] = await client.answers(1);
    expect(answer?.status).toBe(500);
    expect(answer?.headers.has("x-c")).toBe(false);
    expect(server.reports).toEqual([["invalid_answer", "GET"]]);
  });

  test("learns that the peer has gone, also when it asks late", async () => {
    const { handler, requests, answers } = told();
    const server = await start(handler);
    const client = await server.client();
    await client.send(get("/1") + get("/2"));
    const signal = requests[0]!.signal;
    expect(signal.aborted).toBe(false);
    const gone = new Promise((resolve) => signal.addEventListener("abort", resolve));
    client.socket.resetAndDestroy();
    await gone;
    expect(signal.reason).toMatchObject({ code: "cancelled" });
    expect(requests[1]!.signal.aborted).toBe(true);
    answers.get("/1")?.resolve(ok("late"));
    await settle();
    expect(server.listener.connectionCount).toBe(0);
  });

  test("sees no abort of a request that was answered", async () => {
    const { handler, requests, answers } = told();
    const client = await (await start(handler)).client();
    await client.send(get("/1"));
    const { signal } = requests[0]!;
    answers.get("/1")?.resolve(ok(""));
    await client.answers(1);
    client.socket.resetAndDestroy();
    await settle();
    expect(signal.aborted).toBe(false);
  });
});

describe("content codings", () => {
  test("undoes gzip of a request, in one piece or in chunks", async () => {
    const client = await (await start(echo)).client();
    const coded = gzipSync("plain text").toString("latin1");
    await client.send(post("/1", coded, "Content-Encoding: gzip") + get("/2"));
    await client.send(chunked("/3", coded.slice(0, 9), coded.slice(9)).replace("\r\n\r\n", "\r\nContent-Encoding: GZIP\r\n\r\n"));
    expect((await client.answers(3)).map(({ body }) => body)).toEqual(["POST /1 plain text", "GET /2 ", "POST /3 plain text"]);
  });

  test("gives a broken gzip body as no body", async () => {
    const client = await (await start(echo)).client();
    await client.send(post("/", "not gzip", "Content-Encoding: gzip"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "POST / " });
  });

  test.each([
    ["a small bomb", 1_100_000, 1_000_000],
    ["a bomb of 1:1000", 64_000_000, 1_000_000],
    ["a bomb under a tiny limit", 100_000, 1000],
  ])("refuses %s with 413", async (_name, plain, maxBodyBytes) => {
    const { handler, requests } = told();
    const client = await (await start(handler, { limits: { maxBodyBytes } })).client();
    await client.send(post("/", gzipSync(Buffer.alloc(plain), { level: 9 }).toString("latin1"), "Content-Encoding: gzip"));
    expect((await client.answers(1))[0]?.status).toBe(413);
    await client.end();
    expect(requests).toHaveLength(0);
  });

  test("compresses a large answer for a peer that accepts it, in its turn", async () => {
    const text = "0.125, ".repeat(2000);
    const server = await start((request) => ok(request.target === "/large" ? text : "small"), { compressResponses: true });
    const client = await server.client();
    await client.send(get("/large", "Accept-Encoding: br, gzip;q=0.5") + get("/small", "Accept-Encoding: gzip"));
    const [large, small] = await client.answers(2);
    expect(large?.headers.get("content-encoding")).toBe("gzip");
    expect(large?.headers.get("vary")).toBe("accept-encoding");
    expect(gunzipSync(Buffer.from(large!.body, "latin1")).toString()).toBe(text);
    expect(small).toMatchObject({ body: "small" });
    expect(small?.headers.has("content-encoding")).toBe(false);
  });

  test.each([
    ["it is not asked for", true, get("/")],
    ["it is refused", true, get("/", "Accept-Encoding: gzip;q=0")],
    ["it is turned off", false, get("/", "Accept-Encoding: gzip")],
  ])("does not compress when %s", async (_name, compressResponses, request) => {
    const client = await (await start(() => ok("x".repeat(5000)), { compressResponses })).client();
    await client.send(request);
    expect((await client.answers(1))[0]?.body).toBe("x".repeat(5000));
  });
});

describe("time limits", () => {
  const LIMITS = { headersTimeoutMs: 10_000, requestTimeoutMs: 20_000, keepAliveTimeoutMs: 30_000, writeTimeoutMs: 5000 };

  test.each([
    ["a head", "GET / HT", 12_000],
    ["a body", get("/", "Content-Length: 2"), 22_000],
    ["chunks", `${get("/", "Transfer-Encoding: chunked")}5\r\na`, 22_000],
  ])("answers 408 to %s that does not end", async (_name, part, within) => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    await client.send(part);
    await server.clock.advance(within - 4000);
    expect(client.ended).toBe(false);
    await server.clock.advance(4000);
    expect((await client.answers(1))[0]?.status).toBe(408);
    await client.end();
  });

  test("are not put off by one byte at a time", async () => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    for (const byte of "GET /slow HTT") {
      await client.send(byte);
      await server.clock.advance(1000);
    }
    expect((await client.answers(1))[0]?.status).toBe(408);
  });

  test("close a connection without requests, silently", async () => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    await client.send(get("/"));
    await client.answers(1);
    await server.clock.advance(29_000);
    expect(client.ended).toBe(false);
    await server.clock.advance(4000);
    await client.end();
    expect(client.received).toBe("");
  });

  test("leave a connection alone that is busy with short requests, however often it is looked at between them", async () => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    for (let second = 0; second < 100; second++) {
      await client.send(get("/"));
      expect((await client.answers(1))[0]?.status).toBe(200);
      await server.clock.advance(1000);
    }
    expect(client.ended).toBe(false);
  });

  test("leave a connection alone whose handler takes its time", async () => {
    const { handler, answers } = told();
    const server = await start(handler, { limits: LIMITS });
    const client = await server.client();
    await client.send(get("/1"));
    await server.clock.advance(600_000);
    answers.get("/1")?.resolve(ok("done"));
    expect((await client.answers(1))[0]?.body).toBe("done");
  });

  test("close a connection whose peer does not read, and hold no more answers than one for it", async () => {
    let served = 0;
    const body = Buffer.alloc(8 * 1024 * 1024);
    const server = await start(
      () => {
        served++;
        return { status: 200, headers: [], body };
      },
      { limits: LIMITS },
    );
    const client = await server.client();
    client.socket.pause();
    await client.send(get("/").repeat(50));
    while (served === 0) await settle();
    await server.clock.advance(3000);
    expect(served).toBeLessThan(3);
    expect(server.listener.connectionCount).toBe(1);
    await server.clock.advance(6000);
    expect(server.reports).toContainEqual(["write_timeout", undefined]);
    expect(server.listener.connectionCount).toBe(0);
  });

  test("let a slow reader have everything as long as it reads", async () => {
    const body = Buffer.alloc(1024 * 1024, "x");
    const server = await start(() => ({ status: 200, headers: [], body }), { limits: LIMITS });
    const client = await server.client();
    client.socket.pause();
    await client.send(get("/").repeat(10));
    await server.clock.advance(2000);
    client.socket.resume();
    expect(await client.answers(10)).toHaveLength(10);
  });

  test("let a peer that goes on sending after the last answer finish, for half a minute at most", async () => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    await client.send(get("/idle"));
    await server.clock.advance(20_000);
    await client.send(get("/", "Content-Length: 99999999999"));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([200, 413]);
    await client.end();
    for (let second = 0; second < 25; second++) {
      await client.send("a");
      await server.clock.advance(1000);
      expect(server.listener.connectionCount).toBe(1);
    }
    for (let second = 0; second < 8; second++) {
      await client.send("a");
      await server.clock.advance(1000);
    }
    expect(server.listener.connectionCount).toBe(0);
  });

  test("take an empty line behind a request for no request", async () => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    await client.send(`${post("/", "body")}\r`);
    await client.send("\n");
    await client.answers(1);
    await server.clock.advance(25_000);
    expect(client.ended).toBe(false);
    client.socket.end();
    await client.end();
    expect(client.received).toBe("");
  });

  test("end a connection that stays open on the peer's side after the last answer", async () => {
    const server = await start(echo, { limits: LIMITS });
    const client = await server.client();
    await client.send(get("/", "Connection: close"));
    await client.answers(1);
    await client.end();
    expect(server.listener.connectionCount).toBe(1);
    await server.clock.advance(4000);
    expect(server.listener.connectionCount).toBe(0);
  });
});

describe("drain", () => {
  test("closes an idle connection at once", async () => {
    const server = await start(echo);
    const client = await server.client();
    await client.send(get("/"));
    await client.answers(1);
    await server.listener.drain(1000);
    await client.end();
    expect(client.received).toBe("");
  });

  test("answers what is in flight and says that it was the last", async () => {
    const { handler, answers } = told();
    const server = await start(handler);
    const client = await server.client();
    await client.send(get("/1") + get("/2"));
    const drained = server.listener.drain(60_000);
    answers.get("/1")?.resolve(ok("1"));
    answers.get("/2")?.resolve(ok("2"));
    const [first, second] = await client.answers(2);
    expect([first?.headers.get("connection"), second?.headers.get("connection")]).toEqual([undefined, "close"]);
    await client.end();
    client.socket.end();
    await drained;
  });

  test("lets a request that has begun arrive", async () => {
    const server = await start(echo);
    const client = await server.client();
    await client.send(get("/", "Content-Length: 4").slice(0, 20));
    const drained = server.listener.drain(60_000);
    await client.send(`${get("/", "Content-Length: 4").slice(20)}bo`);
    await client.send("dy");
    expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "GET / body" });
    await client.end();
    client.socket.end();
    await drained;
  });
});
