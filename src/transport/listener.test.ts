import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ConnectionContext, ConnectionFactory } from "./connection.ts";
import { duplicateDescriptor } from "./descriptor.ts";
import { testAdoption } from "./epoll/test-adoption.ts";
import { DEFAULT_LIMITS, type TransportLimits } from "./limits.ts";
import { type Endpoint, Listener } from "./listener.ts";
import type { PeerSocket } from "./peer-socket.ts";
import { HTTP2_PREFACE } from "./protocol-sniffer.ts";

const PREFACE = Buffer.from(HTTP2_PREFACE).toString();

interface Started {
  readonly protocol: string;
  readonly first: string;
  readonly socket: PeerSocket;
  drained: boolean;
}

/** A listener whose protocols only note that they were started. */
function listenerOf(limits: Partial<TransportLimits> = {}) {
  const clock = new FakeClock();
  const started: Started[] = [];
  const reports: unknown[] = [];
  const factory =
    (protocol: string): ConnectionFactory =>
    (socket, first) => {
      const note: Started = { protocol, first: first.toString("latin1"), socket, drained: false };
      started.push(note);
      socket.on("data", () => undefined);
      socket.on("error", () => undefined);
      socket.on("end", () => socket.end());
      return {
        drain() {
          note.drained = true;
        },
        destroy: () => socket.destroy(),
      };
    };
  const context: ConnectionContext = {
    http: () => ({ status: 200, headers: [], body: new Uint8Array(0) }),
    grpc: () => undefined,
    limits: { ...DEFAULT_LIMITS, ...limits },
    clock,
    compressResponses: false,
    ...testAdoption(),
    report: (event, detail) => void reports.push([event, detail]),
  };
  const listener = new Listener(context, { http1: factory("http1"), http2: factory("http2") });
  listeners.push(listener);
  return { listener, clock, started, reports };
}

const listeners: Listener[] = [];
const sockets: Socket[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "listener-"));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  rmSync(folder, { recursive: true, force: true });
});

const LOOPBACK: Endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 };

async function client(where: { port?: number; path?: string }): Promise<Socket> {
  const socket = where.path === undefined ? connect(where.port ?? 0, "127.0.0.1") : connect(where.path);
  sockets.push(socket);
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

/** Writes and waits until the other side has had a chance to read. */
async function send(socket: Socket, text: string): Promise<void> {
  await new Promise<void>((resolve) => void socket.write(text, "latin1", () => resolve()));
  await settle();
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    expect(reason.message).not.toContain(folder);
    return `${reason.code}: ${reason.message}`;
  }
}

describe("the first bytes of a connection", () => {
  test.each([
    ["the HTTP/2 preface", PREFACE, "http2"],
    ["the preface and more", `${PREFACE}\0\0\0\x04`, "http2"],
    ["a GET", "GET / HTTP/1.1\r\n", "http1"],
    ["a POST", "P", undefined],
    ["a POST of two bytes", "PO", "http1"],
    ["a PRI that is no preface", "PRI * HTTP/2.0\r\n\r\nXX", "http1"],
    ["a part of the preface", PREFACE.slice(0, 23), undefined],
    ["an empty line before a request", "\r\nGET / HTTP/1.1\r\n", "http1"],
    ["a request without a version", "GET /\r\n", "http1"],
  ])("%s", async (_name, bytes, protocol) => {
    const { listener, started } = listenerOf();
    const socket = await client(await listener.listen(LOOPBACK));
    await send(socket, bytes);
    if (protocol !== undefined) while (started.length === 0) await settle();
    expect(started.map((note) => [note.protocol, note.first])).toEqual(protocol === undefined ? [] : [[protocol, bytes]]);
  });

  test.each([
    ["a broken HTTP/2 preface", "INVALID CONNECTION PREFACE\r\n\r\n", "neither HTTP/1 nor HTTP/2"],
    ["another protocol's greeting", "SSH-2.0-client\r\n", "neither HTTP/1 nor HTTP/2"],
    ["a TLS hello", "\x16\x03\x01", "TLS on a port without TLS"],
  ])("that are %s end the connection without an answer", async (_name, bytes, why) => {
    const { listener, started, reports } = listenerOf();
    const socket = await client(await listener.listen(LOOPBACK));
    await send(socket, bytes);
    await closed(socket);
    expect([started.length, socket.bytesRead, reports]).toEqual([0, 0, [["connection_refused", why]]]);
  });

  test("tell HTTP/2 at any cut, with no byte lost", async () => {
    const { listener, started } = listenerOf();
    const bound = await listener.listen(LOOPBACK);
    for (let cut = 1; cut < PREFACE.length; cut++) {
      const socket = await client(bound);
      await send(socket, PREFACE.slice(0, cut));
      await send(socket, `${PREFACE.slice(cut)}rest`);
      while (started.length < cut) await settle();
      expect(started.at(-1)).toMatchObject({ protocol: "http2", first: `${PREFACE}rest` });
      socket.destroy();
    }
  });

  test("are waited for no longer than a head, once they have begun", async () => {
    const { listener, clock } = listenerOf({ headersTimeoutMs: 5000, keepAliveTimeoutMs: 20_000 });
    const bound = await listener.listen(LOOPBACK);
    const [silent, slow] = [await client(bound), await client(bound)];
    await send(slow, "PRI");
    await clock.advance(7000);
    await closed(slow);
    expect(listener.connectionCount).toBe(1);
    await clock.advance(15_000);
    await closed(silent);
    expect(listener.connectionCount).toBe(0);
  });

  test("may never come", async () => {
    const { listener, started } = listenerOf();
    const socket = await client(await listener.listen(LOOPBACK));
    socket.end("PR");
    await closed(socket);
    expect(started).toEqual([]);
  });
});

describe("an endpoint", () => {
  test("of TCP says its address and the port that was chosen", async () => {
    const { listener } = listenerOf();
    const bound = await listener.listen(LOOPBACK);
    expect(bound).toMatchObject({ host: "127.0.0.1", port: expect.any(Number), fd: expect.any(Number) });
    expect(bound.port).toBeGreaterThan(0);
  });

  test("whose port is in use is refused by name", async () => {
    const { port = 0 } = await listenerOf().listener.listen(LOOPBACK);
    const second = listenerOf().listener.listen({ kind: "tcp", host: "127.0.0.1", port });
    expect(await codeOf(second)).toMatch(`already-exists: 127.0.0.1:${port} is in use`);
  });

  test("of an address that is not this machine's is refused", async () => {
    expect(await codeOf(listenerOf().listener.listen({ kind: "tcp", host: "192.0.2.1", port: 0 }))).toMatch(
      /^invalid-argument: .*192\.0\.2\.1:0/,
    );
  });

  test("of a Unix socket takes connections and is gone after", async () => {
    const path = join(folder, "a.sock");
    const { listener, started } = listenerOf();
    expect(await listener.listen({ kind: "unix", path })).toMatchObject({ path });
    await send(await client({ path }), "GET");
    while (started.length === 0) await settle();
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  test("of a Unix socket that a dead server left is taken over", async () => {
    const path = join(folder, "dead.sock");
    const script = `const { writeFileSync, linkSync } = require("fs"); const s = require("net").createServer();
      s.listen(${JSON.stringify(`${path}.live`)}, () => { linkSync(${JSON.stringify(`${path}.live`)}, ${JSON.stringify(path)}); s.close(); });`;
    await new Promise((resolve) => new Worker(script, { eval: true }).once("exit", resolve));
    expect(existsSync(path)).toBe(true);
    expect(await codeOf(listenerOf().listener.listen({ kind: "unix", path }))).toBe("ok");
  });

  test("of a Unix socket that a live server has is refused, and the server keeps it", async () => {
    const path = join(folder, "live.sock");
    await listenerOf().listener.listen({ kind: "unix", path });
    expect(await codeOf(listenerOf().listener.listen({ kind: "unix", path }))).toMatch(
      /^already-exists: socket file "live.sock"/,
    );
    await client({ path });
  });

  test("of a path that is another file is refused, and the file stays", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "precious");
    expect(await codeOf(listenerOf().listener.listen({ kind: "unix", path }))).toMatch(/^already-exists: .*not a socket/);
    expect(existsSync(path)).toBe(true);
  });

  test("of a folder that is not there is refused", async () => {
    expect(await codeOf(listenerOf().listener.listen({ kind: "unix", path: join(folder, "no", "a.sock") }))).toMatch(
      /^(not-found|permission-denied): /,
    );
  });

  test.runIf(process.platform !== "win32")("of a duplicated descriptor goes on when the first listener has closed", async () => {
    const first = listenerOf();
    const bound = await first.listener.listen(LOOPBACK);
    const second = listenerOf();
    const inherited = await second.listener.listen({ kind: "descriptor", fd: duplicateDescriptor(bound.fd!) });
    expect(inherited.port).toBe(bound.port);
    expect(inherited.fd).not.toBe(bound.fd);
    await first.listener.close();
    await send(await client(bound), "GET");
    while (second.started.length === 0) await settle();
    expect(second.started[0]?.first).toBe("GET");
  });

  test.runIf(process.platform !== "win32")("of a descriptor that is not open is refused", async () => {
    expect(() => duplicateDescriptor(999_999)).toThrow("cannot duplicate descriptor 999999: EBADF");
  });
});

describe("a listener", () => {
  test("closes connections over its limit at once and says so", async () => {
    const { listener, reports } = listenerOf({ maxConnections: 2 });
    const bound = await listener.listen(LOOPBACK);
    await client(bound);
    await client(bound);
    while (listener.connectionCount < 2) await settle();
    await closed(await client(bound));
    expect(listener.connectionCount).toBe(2);
    expect(reports).toContainEqual(["connection_refused", "too many connections"]);
  });

  test("drains: refuses the new, closes the silent, asks the others, destroys what is left at the end", async () => {
    const { listener, started, clock } = listenerOf();
    const bound = await listener.listen(LOOPBACK);
    const [silent, busy] = [await client(bound), await client(bound)];
    await send(busy, "GET");
    while (started.length < 1 || listener.connectionCount < 2) await settle();
    let done = false;
    const drained = listener.drain(5000).then(() => {
      done = true;
    });
    await closed(silent);
    expect(started[0]?.drained).toBe(true);
    const late = connect(bound.port ?? 0, "127.0.0.1");
    expect(await new Promise((resolve) => late.once("error", (reason: NodeJS.ErrnoException) => resolve(reason.code)))).toBe(
      "ECONNREFUSED",
    );
    await clock.advance(4999);
    expect(done).toBe(false);
    await clock.advance(1);
    await closed(busy);
    await drained;
    expect(listener.connectionCount).toBe(0);
  });

  test("drains a connection whose protocol shows only then", async () => {
    const { listener, started } = listenerOf();
    const socket = await client(await listener.listen(LOOPBACK));
    await send(socket, "PRI");
    while (listener.connectionCount === 0) await settle();
    const drained = listener.drain(60_000);
    await send(socket, "M");
    while (started.length === 0) await settle();
    expect(started[0]?.drained).toBe(true);
    socket.end();
    await closed(socket);
    await drained;
  });

  test("that never listened closes", async () => {
    await listenerOf().listener.close();
  });

  test("that could not listen closes", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, "127.0.0.1", () => resolve()));
    const { listener } = listenerOf();
    const { port } = taken.address() as { port: number };
    expect(await codeOf(listener.listen({ kind: "tcp", host: "127.0.0.1", port }))).toMatch(/^already-exists/);
    await listener.drain(1000);
    await new Promise((resolve) => taken.close(resolve));
  });
});
