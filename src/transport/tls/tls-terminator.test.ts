import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectPlain, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { FakeClock, settle } from "../../base/fake-clock.ts";
import type { ConnectionContext } from "../connection.ts";
import { createHttp1Connection } from "../http1/connection.ts";
import { createHttp2Connection } from "../http2/connection.ts";
import { DEFAULT_LIMITS, type TransportLimits } from "../limits.ts";
import { Listener } from "../listener.ts";
import { HTTP2_PREFACE } from "../protocol-sniffer.ts";
import type { TlsMaterial } from "./tls-material.ts";
import { TlsTerminator } from "./tls-terminator.ts";

const pem = (name: string) => readFileSync(new URL(`../../../test/fixtures/tls/${name}.pem`, import.meta.url), "utf8");
const TRUSTED: ConnectionOptions = { ca: pem("authority"), servername: "localhost" };
const CLIENT: ConnectionOptions = { ...TRUSTED, cert: pem("client"), key: pem("client-key") };
const STRANGER: ConnectionOptions = { ...TRUSTED, cert: pem("stranger"), key: pem("stranger-key") };
const MATERIAL: TlsMaterial = {
  certificate: pem("server"),
  key: pem("server-key"),
  clientAuthorities: undefined,
  clientCertificate: "none",
  minVersion: "TLSv1.2",
  ticketKeys: new Uint8Array(48).fill(7),
};
const LARGE = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
const REQUEST = "GET /small HTTP/1.1\r\nhost: h\r\n\r\n";

const listeners: Listener[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

/** A server with TLS that echoes a body, and answers `/large` with a large one. */
async function serve(material: Partial<TlsMaterial> = {}, limits: Partial<TransportLimits> = {}) {
  const clock = new FakeClock();
  const reports: unknown[] = [];
  const failures: string[] = [];
  const context: ConnectionContext = {
    http: ({ target, body }) => ({
      status: 200,
      headers: [["content-type", "text/plain"]],
      body: target === "/large" ? LARGE : body.length > 0 ? body.slice() : Buffer.from("small"),
    }),
    grpc: () => undefined,
    limits: { ...DEFAULT_LIMITS, ...limits },
    clock,
    compressResponses: false,
    report: (event, detail) => void reports.push([event, detail]),
  };
  const terminator = new TlsTerminator({ ...MATERIAL, ...material }, (reason) => void failures.push(reason));
  const listener = new Listener(context, { http1: createHttp1Connection, http2: createHttp2Connection }, terminator);
  listeners.push(listener);
  const { port = 0 } = await listener.listen({ kind: "tcp", host: "127.0.0.1", port: 0, tls: true });
  return { listener, terminator, clock, reports, failures, port };
}

function kept<Kind extends Socket>(socket: Kind): Kind {
  sockets.push(socket);
  socket.on("error", () => undefined);
  return socket;
}

async function plainClient(port: number): Promise<Socket> {
  const socket = kept(connectPlain(port, "127.0.0.1"));
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

async function client(port: number, options: ConnectionOptions = TRUSTED): Promise<TLSSocket> {
  const socket = kept(connect(port, "127.0.0.1", options));
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket;
}

/** Everything until the server closes its side, or until there are `bytes`. */
async function received(socket: Socket, bytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  await new Promise<void>((resolve) => {
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length >= bytes) resolve();
    });
    socket.on("end", resolve).on("close", resolve);
  });
  return Buffer.concat(parts);
}

/** What a request over HTTP/1.1 ends in: the body of the answer, or nothing where the connection is refused. */
async function asked(port: number, options: ConnectionOptions): Promise<string> {
  const socket = kept(connect(port, "127.0.0.1", options));
  socket.write(REQUEST.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
  return (await received(socket)).toString().split("\r\n\r\n")[1] ?? "";
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}

describe("a secured connection", () => {
  test.each([
    [["http/1.1"], "small"],
    [undefined, "small"],
  ] as const)("speaks HTTP/1.1 when ALPN %j was offered", async (offered, body) => {
    const { port } = await serve();
    const answer = await asked(port, { ...TRUSTED, ...(offered && { ALPNProtocols: [...offered] }) });
    expect(answer).toBe(body);
  });

  test("speaks HTTP/2 to a client that offers h2, and to one that sends the preface without ALPN", async () => {
    const { port } = await serve();
    for (const ALPNProtocols of [["h2"], undefined]) {
      const socket = await client(port, { ...TRUSTED, ...(ALPNProtocols && { ALPNProtocols }) });
      const session = connectHttp2("https://localhost", { createConnection: () => socket });
      const stream = session.request({ ":path": "/large" });
      let length = 0;
      stream.on("data", (part: Buffer) => (length += part.length));
      await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
      expect(length).toBe(LARGE.length);
      await new Promise<void>((resolve) => session.close(resolve));
    }
  });

  test("carries large bodies both ways", async () => {
    const { port } = await serve();
    const socket = await client(port);
    socket.write(`POST /echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: ${LARGE.length}\r\n\r\n`);
    socket.write(LARGE);
    const answer = await received(socket);
    expect(answer.subarray(answer.indexOf("\r\n\r\n") + 4).equals(LARGE)).toBe(true);
  });

  test("answers a peer that has closed its side", async () => {
    const { port } = await serve();
    // Node's types leave out what its documentation has.
    const halfOpen: ConnectionOptions & { allowHalfOpen: boolean } = { port, host: "127.0.0.1", allowHalfOpen: true, ...TRUSTED };
    const socket = kept(connect(halfOpen));
    socket.end(REQUEST);
    expect((await received(socket)).toString()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*small$/);
  });

  test("is closed when the peer does not read its answer", async () => {
    const { port, clock, reports, listener } = await serve({}, { writeTimeoutMs: 5000 });
    const socket = await client(port);
    socket.pause();
    socket.write("GET /large HTTP/1.1\r\nhost: h\r\n\r\n");
    await until(() => listener.connectionCount === 1);
    for (let second = 0; second < 20 && reports.length === 0; second++) await clock.advance(1000);
    expect(reports).toEqual([["write_timeout", undefined]]);
    await until(() => listener.connectionCount === 0);
  });

  test("cannot be renegotiated", async () => {
    const { port } = await serve();
    const socket = await client(port, { ...TRUSTED, maxVersion: "TLSv1.2" });
    const refused = new Promise<string | undefined>((resolve) => {
      socket.once("error", (reason: NodeJS.ErrnoException) => resolve(reason.code));
      socket.renegotiate({}, (reason: (Error & { code?: string }) | null) => resolve(reason?.code));
    });
    expect(await refused).toBe("ERR_SSL_NO_RENEGOTIATION");
  });

  test("has a cipher suite that HTTP/2 allows, or is not made", async () => {
    const { port, failures } = await serve();
    const socket = await client(port, { ...TRUSTED, maxVersion: "TLSv1.2" });
    expect(socket.getCipher().standardName).toMatch(/^TLS_ECDHE_ECDSA_WITH_(AES_\d+_GCM|CHACHA20_POLY1305)_SHA\d+$/);
    const weak: ConnectionOptions = { ...TRUSTED, maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" };
    await expect(client(port, weak)).rejects.toThrow("handshake failure");
    await expect(client(port, { ...TRUSTED, ALPNProtocols: ["spdy/3"] })).rejects.toThrow("no application protocol");
    await until(() => failures.length === 2);
    expect(failures).toEqual(["ERR_SSL_NO_SHARED_CIPHER", "ERR_SSL_NO_APPLICATION_PROTOCOL"]);
  });
});

describe("a handshake", () => {
  test.each([
    ["that stops after a byte", "\x16"],
    ["that stops in the middle of the hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ])("%s is closed in the time of a request's head", async (_name, bytes) => {
    const { port, clock, listener, failures } = await serve({}, { headersTimeoutMs: 5000 });
    const socket = await plainClient(port);
    socket.write(bytes, "latin1");
    await until(() => listener.connectionCount === 1);
    await settle();
    await clock.advance(4000);
    expect(listener.connectionCount).toBe(1);
    // A byte now and then does not prolong it.
    socket.write("\0");
    await settle();
    await clock.advance(2000);
    await until(() => listener.connectionCount === 0);
    expect(failures).toEqual(["ERR_TLS_HANDSHAKE_TIMEOUT"]);
  });

  test("may come in pieces", async () => {
    const { port } = await serve();
    const inner = await plainClient(port);
    const write = inner.write.bind(inner);
    let first = true;
    // The hello leaves byte by byte, everything after it as it is.
    inner.write = ((bytes: Buffer, ...rest: never[]) => {
      if (!first) return write(bytes, ...rest);
      first = false;
      for (const byte of bytes.subarray(0, -1)) write(Buffer.of(byte));
      return write(bytes.subarray(-1), ...rest);
    }) as typeof inner.write;
    inner.setNoDelay(true);
    const pipe = new Duplex({
      read() {},
      write: (bytes: Buffer, _encoding, done) => void inner.write(bytes, () => done()),
    });
    inner.on("data", (bytes: Buffer) => pipe.push(bytes));
    const socket = kept(connect({ socket: pipe, ...TRUSTED }));
    socket.write(REQUEST);
    expect((await received(socket, 10)).toString()).toContain("200 OK");
  });

  test("counts as a connection, and is cut off by a drain", async () => {
    const { port, listener, reports } = await serve({}, { maxConnections: 2 });
    const stalled = [await plainClient(port), await plainClient(port)];
    for (const socket of stalled) socket.write("\x16\x03\x01");
    await until(() => listener.connectionCount === 2);
    await received(await plainClient(port));
    expect(reports).toContainEqual(["connection_refused", "too many connections"]);
    await listener.drain(60_000);
    await until(() => listener.connectionCount === 0);
  });

  test("of bytes that are no hello fails without an answer in plain text", async () => {
    const { port, failures } = await serve();
    const socket = await plainClient(port);
    socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 4]), Buffer.from("GET ")]));
    const answer = await received(socket);
    // One alert record, which is type 21.
    expect([answer[0], answer.length]).toEqual([21, 7]);
    expect(failures).toHaveLength(1);
  });

  test("ends when the peer closes its side in the middle of it", async () => {
    const { port, failures, listener } = await serve();
    const socket = kept(connectPlain({ port, host: "127.0.0.1", allowHalfOpen: true }));
    socket.end("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "latin1");
    await received(socket);
    await until(() => listener.connectionCount === 0);
    expect(failures).toEqual(["ECONNRESET"]);
  });

  test("is not awaited from a peer that leaves without a byte", async () => {
    const { port, failures, listener } = await serve();
    const socket = await plainClient(port);
    await until(() => listener.connectionCount === 1);
    socket.end();
    await received(socket);
    expect(failures).toEqual([]);
  });
});

describe("a drain", () => {
  test("closes an idle secured connection and answers on a busy one", async () => {
    const { port, listener } = await serve();
    const [idle, busy] = [await client(port), await client(port)];
    busy.write("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbo");
    await until(() => listener.connectionCount === 2);
    idle.write(REQUEST);
    expect((await received(idle, 10)).toString()).toContain("200 OK");
    const drained = listener.drain(60_000);
    busy.write("dy");
    expect((await received(busy)).toString()).toMatch(/body$/);
    idle.destroy();
    await drained;
  });
});

describe("a peer without TLS", () => {
  test("that speaks HTTP/1 is told so", async () => {
    const { port, listener, reports } = await serve();
    const socket = await plainClient(port);
    socket.write(REQUEST);
    expect((await received(socket)).toString()).toMatch(/^HTTP\/1\.1 400 [\s\S]*with TLS only/);
    expect(reports).toEqual([["connection_refused", "no TLS on a port with TLS"]]);
    socket.destroy();
    await until(() => listener.connectionCount === 0);
  });

  test("that speaks HTTP/2 is told so", async () => {
    const { port } = await serve();
    const socket = await plainClient(port);
    socket.write(HTTP2_PREFACE);
    const answer = await received(socket);
    // An empty SETTINGS frame, then GOAWAY.
    expect([answer[3], answer[9 + 3], answer[9 + 9 + 7]]).toEqual([4, 7, 12]);
    expect(answer.toString("latin1")).toContain("with TLS only");
  });

  test("and does not leave is closed", async () => {
    const { port, listener, clock } = await serve();
    const socket = kept(connectPlain({ port, host: "127.0.0.1", allowHalfOpen: true }));
    socket.write(REQUEST);
    await received(socket);
    expect(listener.connectionCount).toBe(1);
    await clock.advance(3000);
    await until(() => listener.connectionCount === 0);
  });
});

describe("a client's certificate", () => {
  const authorities = { clientAuthorities: pem("authority") };

  test.each([
    ["require", "accepted", CLIENT, "small"],
    ["require", "missing", TRUSTED, ""],
    ["require", "a stranger's", STRANGER, ""],
    ["request", "accepted", CLIENT, "small"],
    ["request", "missing", TRUSTED, "small"],
    ["request", "a stranger's", STRANGER, ""],
  ] as const)("%s: %s", async (clientCertificate, _what, options, body) => {
    const { port, failures } = await serve({ ...authorities, clientCertificate });
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) expect(await asked(port, { ...options, maxVersion })).toBe(body);
    expect(failures).toHaveLength(body === "" ? 2 : 0);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "cannot be gone round with a session of before it was asked for (%s)",
    async (version) => {
      const { port, terminator, failures } = await serve();
      const options: ConnectionOptions = { ...TRUSTED, maxVersion: version };
      const before = kept(connect(port, "127.0.0.1", options));
      const session = await new Promise<Buffer>((resolve) => {
        before.once("session", resolve);
        before.write(REQUEST);
      });
      expect(await asked(port, { ...options, session })).toBe("small");
      terminator.update({ ...MATERIAL, ...authorities, clientCertificate: "require", ticketKeys: new Uint8Array(48).fill(8) });
      expect(await asked(port, { ...options, session })).toBe("");
      expect(failures).toEqual(["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE"]);
    },
  );
});

describe("another material", () => {
  test("is used by new connections, and old ones go on", async () => {
    const { port, terminator } = await serve();
    const old = await client(port);
    terminator.update({ ...MATERIAL, certificate: pem("next-server"), key: pem("next-server-key") });
    const fresh = await client(port);
    expect([old, fresh].map((socket) => socket.getPeerCertificate().subject.CN)).toEqual([
      "modelport test server",
      "the next modelport test server",
    ]);
    for (const socket of [old, fresh]) {
      socket.write(REQUEST);
      expect((await received(socket, 10)).toString()).toContain("200 OK");
    }
  });

  test("ends the sessions that were made with other ticket keys", async () => {
    const { port, terminator } = await serve();
    const options: ConnectionOptions = { ...TRUSTED, maxVersion: "TLSv1.2" };
    const first = kept(connect(port, "127.0.0.1", options));
    const session = await new Promise<Buffer>((resolve) => first.once("session", resolve));
    expect((await client(port, { ...options, session })).isSessionReused()).toBe(true);
    terminator.update({ ...MATERIAL, ticketKeys: new Uint8Array(48).fill(8) });
    expect((await client(port, { ...options, session })).isSessionReused()).toBe(false);
  });
});
