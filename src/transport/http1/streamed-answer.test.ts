import { afterEach, describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { settle } from "../../base/fake-clock.ts";
import type { HttpHandler, HttpResponse } from "../http-exchange.ts";
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

type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

function streamed(body: AsyncIterable<Uint8Array>, headers: HttpResponse["headers"] = []): HttpResponse {
  return { status: 200, headers, body };
}

async function* pieces(...texts: string[]): Pieces {
  for (const text of texts) yield Buffer.from(text);
}

async function* failing(): Pieces {
  yield Buffer.from("half");
  throw new Error("secret");
}

/** Gives what it is told to, and knows when it was closed. */
class ToldBody {
  readonly closed = deferred<void>();
  asked = 0;
  #next: Deferred<string | undefined> = deferred();

  fail(): void {
    this.#next.reject(new Error("secret"));
  }

  tell(piece: string | undefined): void {
    this.#next.resolve(piece);
  }

  async *[Symbol.asyncIterator](): Pieces {
    try {
      for (;;) {
        this.asked++;
        const piece = await this.#next.promise;
        this.#next = deferred();
        if (piece === undefined) return;
        yield Buffer.from(piece);
      }
    } finally {
      this.closed.resolve();
    }
  }
}

/** A body that is never begun: counts how often it was closed. */
function unbegun(): { body: AsyncIterable<Uint8Array>; closed: () => number } {
  let closed = 0;
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => Promise.reject(new Error("begun")),
    return: () => {
      closed++;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return { body: { [Symbol.asyncIterator]: () => iterator }, closed: () => closed };
}

const DATE = /date: [^\r]+\r\n/g;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const TWO_LINES = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

describe("a streamed answer", () => {
  test("is sent in chunks, and the connection goes on", async () => {
    const client = await (await start(() => streamed(pieces("hello", "", "!"), [["x-a", "b"]]))).client();
    for (let round = 0; round < 2; round++) {
      client.received = "";
      await client.send(GET);
      await client.until(({ received }) => received.endsWith("0\r\n\r\n"));
      expect(client.received.replace(DATE, "")).toBe(
        "HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
      );
    }
  });

  test("reaches a real client whole, large and small pieces alike", async () => {
    const sizes = [1, 100_000, 3, 16_384, 1_000_000, 65_536];
    const server = await start(() =>
      streamed(
        (async function* () {
          for (const [index, size] of sizes.entries()) yield Buffer.alloc(size, index);
        })(),
      ),
    );
    const expected = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index)));
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    expect(Buffer.from(await answer.arrayBuffer()).equals(expected)).toBe(true);
  });

  test("without pieces is whole too", async () => {
    const server = await start(() => streamed(pieces()));
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    expect(await answer.text()).toBe("");
  });

  test.each([
    ["", ""],
    ["that would keep the connection", "Connection: keep-alive\r\n"],
  ])("ends with the connection for an HTTP/1.0 peer %s", async (_, header) => {
    const client = await (await start(() => streamed(pieces("a", "b")))).client();
    await client.send(`GET / HTTP/1.0\r\n${header}\r\n`.repeat(2));
    await client.end();
    expect(client.received.replace(DATE, "")).toBe("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab");
  });

  test("sends each piece when it is there", async () => {
    const body = new ToldBody();
    const client = await (await start(() => streamed(body))).client();
    await client.send(GET);
    await client.until(({ received }) => received.replace(DATE, "") === TWO_LINES);
    body.tell("one");
    await client.until(({ received }) => received.endsWith("3\r\none\r\n"));
    body.tell("two");
    await client.until(({ received }) => received.endsWith("3\r\ntwo\r\n"));
    body.tell(undefined);
    await client.until(({ received }) => received.endsWith("0\r\n\r\n"));
  });

  test("keeps its place among pipelined requests", async () => {
    const body = new ToldBody();
    const handler: HttpHandler = ({ target }) =>
      target === "/stream" ? streamed(body) : { status: 200, headers: [], body: Buffer.from(target) };
    const client = await (await start(handler)).client();
    const get = (target: string) => GET.replace("/ ", `${target} `);
    await client.send(get("/1") + get("/stream") + get("/2") + get("/3"));
    expect((await client.answers(1))[0]?.body).toBe("/1");
    body.tell("piece");
    await client.until(({ received }) => received.endsWith("piece\r\n"));
    await settle();
    expect(client.received).not.toContain("/2");
    client.received = "";
    body.tell(undefined);
    await client.until(({ received }) => received.startsWith("0\r\n\r\n"));
    client.received = client.received.slice(5);
    expect((await client.answers(2)).map((answer) => answer.body)).toEqual(["/2", "/3"]);
  });

  test.each([
    ["HEAD", 200, "transfer-encoding: chunked"],
    ["GET", 204, undefined],
    ["GET", 304, undefined],
    ["GET", 205, "content-length: 0"],
  ])("to %s with status %i has no body and is closed unbegun", async (method, status, framing) => {
    const { body, closed } = unbegun();
    const handler: HttpHandler = ({ target }) =>
      target === "/next" ? { status: 200, headers: [], body: Buffer.from("next") } : { status, headers: [], body };
    const client = await (await start(handler)).client();
    await client.send(GET.replace("GET", method) + GET.replace("/ ", "/next "));
    await client.until(({ received }) => received.endsWith("next"));
    const head = client.received.slice(0, client.received.indexOf("\r\n\r\n")).split("\r\n").slice(1);
    expect(head.filter((line) => !line.startsWith("date:"))).toEqual(framing === undefined ? [] : [framing]);
    expect(closed()).toBe(1);
  });

  test("with a header that cannot be sent becomes a 500 and is closed unbegun", async () => {
    const { body, closed } = unbegun();
    const server = await start(() => streamed(body, [["x-a", "b\nc"]]));
    const client = await server.client();
    await client.send(GET);
    expect((await client.answers(1))[0]?.status).toBe(500);
    expect(closed()).toBe(1);
  });

  test("is not compressed", async () => {
    const server = await start(() => streamed(pieces("x".repeat(10_000))), { compressResponses: true });
    const answer = await fetch(`http://127.0.0.1:${server.port}/`, { headers: { "accept-encoding": "gzip" } });
    expect(answer.headers.get("content-encoding")).toBeNull();
    expect(await answer.text()).toBe("x".repeat(10_000));
  });
});

describe("a streamed answer that fails", () => {
  test("closes the connection without the last chunk", async () => {
    const server = await start(() => streamed(failing()));
    const client = await server.client();
    await client.send(GET.repeat(2));
    await client.end();
    expect(client.received.replace(DATE, "")).toBe(`${TWO_LINES}4\r\nhalf\r\n`);
    expect(server.reports.filter(([event]) => event === "handler_fault")).toHaveLength(1);
  });

  test("resets the connection of an HTTP/1.0 peer, which would else take it for whole", async () => {
    const body = new ToldBody();
    const client = await (await start(() => streamed(body))).client();
    const reset = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.on("error", resolve));
    await client.send("GET / HTTP/1.0\r\n\r\n");
    body.tell("half");
    await client.until(({ received }) => received.endsWith("half"));
    body.fail();
    expect((await reset).code).toBe("ECONNRESET");
  });

  test("drops the answers behind it", async () => {
    const behind = unbegun();
    const { signal, handler } = withSignal((target) => streamed(target === "/" ? failing() : behind.body));
    const client = await (await start(handler)).client();
    await client.send(GET + GET.replace("/ ", "/2 "));
    await client.end();
    expect(behind.closed()).toBe(1);
    expect(signal("/2").aborted).toBe(true);
  });

  test("is no matter for the process when it is no body at all", async () => {
    const client = await (await start(() => streamed(undefined as never))).client();
    await client.send(GET);
    await client.end();
    expect(client.received.replace(DATE, "")).toBe(TWO_LINES);
  });
});

/** Makes handlers' signals known by their targets. */
function withSignal(answer: (target: string) => HttpResponse | Promise<HttpResponse>) {
  const signals = new Map<string, AbortSignal>();
  const handler: HttpHandler = ({ target, signal }) => {
    signals.set(target, signal);
    return answer(target);
  };
  return { handler, signal: (target: string) => signals.get(target)! };
}

describe("a peer that goes away", () => {
  test("ends the body that it was sent", async () => {
    const body = new ToldBody();
    const { handler, signal } = withSignal(() => streamed(body));
    const client = await (await start(handler)).client();
    await client.send(GET);
    body.tell("one");
    await client.until(({ received }) => received.endsWith("one\r\n"));
    const aborted = new Promise((resolve) => signal("/").addEventListener("abort", resolve));
    client.socket.resetAndDestroy();
    await aborted;
    body.tell("never seen");
    await body.closed.promise;
    expect(body.asked).toBe(2);
  });

  test("ends bodies that it has not been sent yet, and those that come later", async () => {
    const [first, second, late] = [new ToldBody(), unbegun(), unbegun()];
    const answer = deferred<HttpResponse>();
    const { handler, signal } = withSignal((target) =>
      target === "/late" ? answer.promise : streamed(target === "/" ? first : second.body),
    );
    const client = await (await start(handler)).client();
    await client.send(GET + GET.replace("/ ", "/2 ") + GET.replace("/ ", "/late "));
    const aborted = new Promise((resolve) => signal("/late").addEventListener("abort", resolve));
    client.socket.resetAndDestroy();
    await aborted;
    expect([second.closed(), late.closed()]).toEqual([1, 0]);
    answer.resolve(streamed(late.body));
    await settle();
    expect(late.closed()).toBe(1);
  });

  test("without reading makes the body wait, then is closed, and the body with it", async () => {
    let given = 0;
    let closed = false;
    async function* endless(): Pieces {
      try {
        for (;;) {
          given++;
          yield Buffer.alloc(64 * 1024);
        }
      } finally {
        closed = true;
      }
    }
    const server = await start(() => streamed(endless()), { limits: { writeTimeoutMs: 5000 } });
    const client = await server.client();
    client.socket.pause();
    await client.send(GET);
    for (let before = -1; before !== given; ) {
      before = given;
      await server.clock.advance(100);
    }
    // What the two sockets' buffers in the system take, at most a few megabytes each.
    expect(given).toBeLessThan(400);
    expect(closed).toBe(false);
    await server.clock.advance(10_000);
    expect(server.reports).toContainEqual(["write_timeout", undefined]);
    expect(closed).toBe(true);
    expect(server.listener.connectionCount).toBe(0);
  });

  test("that reads again has the body go on", async () => {
    const server = await start(() =>
      streamed(
        (async function* () {
          for (let index = 0; index < 300; index++) yield Buffer.alloc(64 * 1024);
        })(),
      ),
    );
    const client = await server.client();
    client.socket.pause();
    await client.send(GET);
    await settle();
    client.socket.resume();
    const framed = 300 * ("10000\r\n\r\n".length + 64 * 1024) + "0\r\n\r\n".length;
    await client.until(({ received }) => received.includes("\r\n\r\n"));
    const head = client.received.indexOf("\r\n\r\n") + 4;
    await client.until(({ received }) => received.length >= head + framed);
    expect(client.received.endsWith("\r\n0\r\n\r\n")).toBe(true);
  });
});

describe("drain", () => {
  test("waits for a streamed answer, then closes", async () => {
    const body = new ToldBody();
    const server = await start(() => streamed(body));
    const client = await server.client();
    await client.send(GET);
    await client.until(({ received }) => received.length > 0);
    const drained = server.listener.drain(60_000);
    body.tell("more");
    await client.until(({ received }) => received.endsWith("more\r\n"));
    expect(client.ended).toBe(false);
    body.tell(undefined);
    await client.end();
    expect(client.received.endsWith("more\r\n0\r\n\r\n")).toBe(true);
    client.socket.end();
    await drained;
  });

  test("says in the head of a streamed answer that it is the last", async () => {
    const answer = deferred<HttpResponse>();
    const server = await start(() => answer.promise);
    const client = await server.client();
    await client.send(GET);
    const drained = server.listener.drain(60_000);
    answer.resolve(streamed(pieces("a")));
    await client.end();
    expect(client.received.replace(DATE, "")).toBe(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n",
    );
    client.socket.end();
    await drained;
  });
});
