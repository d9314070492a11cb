import { createServer, type IncomingMessage, METHODS as NODE_METHODS } from "node:http";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RequestFault } from "../../src/transport/http1/request-fault.ts";
import { RequestReader } from "../../src/transport/http1/request-reader.ts";
import { DEFAULT_LIMITS } from "../../src/transport/limits.ts";
import { CONTENT_LENGTHS, TRANSFER_ENCODINGS } from "./http1/body-length.ts";
import { CHUNK_EXTENSIONS, CHUNK_SIZES, TRAILERS } from "./http1/chunks.ts";
import { PERSISTENCE, UPGRADES } from "./http1/connection.ts";
import { FIELDS, HOSTS } from "./http1/fields.ts";
import { LINES, METHODS, TARGETS, VERSIONS } from "./http1/request-line.ts";
import { get, post } from "./http1/row.ts";
import { SMUGGLING } from "./http1/smuggling.ts";

/** One request of a stream as a reader took it. */
interface Taken {
  readonly method: string;
  /** As it stood in the request line. */
  readonly target: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  body: string | undefined;
}

/** Heads that we take and node:http does not, each with its reason: a stream is compared up to the first of these. */
const OURS_ALONE: readonly (readonly [reason: string, holds: (head: string, rest: string) => boolean])[] = [
  ["any token is a method (RFC 9110, 9.1); node:http knows a list", (head) => !NODE_METHODS.includes(head.split(" ", 1)[0]!)],
  ["a higher minor version is served as 1.1 (RFC 9110, 2.5)", (head) => !/^[^\r]+ HTTP\/1\.[01]\r\n/.test(head)],
  [
    "blanks in chunk extensions are skipped (RFC 9110, 5.6.3)",
    (head, rest) => /\r\ntransfer-encoding:/i.test(head) && /(?:^|\r\n)[0-9a-f]+[^\r]*[\t ]/i.test(rest),
  ],
  [
    "trailers that would frame or route are dropped (RFC 9110, 6.5.1); node:http heeds some",
    (head, rest) =>
      /\r\ntransfer-encoding:/i.test(head) &&
      /(?:^|\r\n)0[^\r]*\r\n(?:[^\r]+\r\n)*(?:transfer-encoding|content-length|(?:proxy-)?connection|upgrade):/i.test(rest),
  ],
];

/** Heads that both take alike and behind which node:http reads no further request. */
const THEIR_LAST: readonly (readonly [reason: string, holds: (head: string) => boolean])[] = [
  [
    "an upgrade may be ignored (RFC 9110, 7.8); node:http awaits the other protocol",
    (head) => /\r\nupgrade:/i.test(head) && /\r\n(?:proxy-)?connection:[^\r]*upgrade/i.test(head),
  ],
  ["Proxy-Connection is no field of HTTP; node:http heeds it", (head) => /\r\nproxy-connection:/i.test(head)],
];

/** What our reader takes, up to the last request, a fault, or where node:http parts ways. */
function ours(stream: Buffer): Taken[] {
  const reader = new RequestReader(DEFAULT_LIMITS);
  const requests: Taken[] = [];
  reader.push(stream);
  try {
    for (let head = reader.next(); head !== undefined; head = reader.next()) {
      const { bytes, spans, start, end, method } = head;
      const text = bytes.toString("latin1", start, end);
      const rest = stream.toString("latin1", end);
      if (OURS_ALONE.some(([, holds]) => holds(text, rest))) break;
      const fields: string[] = [];
      for (let at = 0; at < spans.length; at += 2) fields.push(bytes.toString("latin1", spans[at], spans[at + 1]));
      requests.push({ method, target: text.split(" ", 2)[1]!, fields, body: Buffer.from(reader.body).toString("latin1") });
      if (!head.keepAlive || THEIR_LAST.some(([, holds]) => holds(text))) break;
    }
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
  }
  return requests;
}

/** A connection without a network: gives node:http a stream, drops the answers and keeps what was taken. */
class Wire extends Duplex {
  readonly requests: Taken[] = [];
  failed = false;

  override _read(): void {}

  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

const server = createServer({ keepAliveTimeout: 0, insecureHTTPParser: false });
server.on("request", (request: IncomingMessage, response) => {
  const { method = "", url = "", rawHeaders } = request;
  const wire = request.socket as unknown as Wire;
  const taken: Taken = { method, target: url, fields: rawHeaders, body: undefined };
  wire.requests.push(taken);
  let body = "";
  request.on("error", () => undefined);
  request.on("data", (piece: Buffer) => (body += piece.toString("latin1")));
  request.on("end", () => {
    taken.body = body;
    response.end();
  });
});
server.on("checkContinue", (request, response) => server.emit("request", request, response));
// What came before the fault is still on its way to the listeners: the wire is destroyed by who made it.
server.on("clientError", (_reason, socket) => {
  (socket as unknown as Wire).failed = true;
});

/** What node:http's strict parser takes, at least the first `count` requests if it takes as many. */
async function nodes(stream: Buffer, count: number): Promise<Taken[]> {
  const wire = new Wire();
  wire.on("error", () => undefined);
  server.emit("connection", wire);
  wire.push(stream);
  for (let turn = 0; turn < (wire.failed ? 20 : 200); turn++) {
    const done = wire.requests.filter(({ body }) => body !== undefined).length;
    if (done >= count) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  wire.destroy();
  return wire.requests;
}

/** Fails when we take a request that node:http does not take or takes otherwise. Gives how many were compared. */
async function compare(stream: Buffer): Promise<number> {
  const requests = ours(stream);
  if (requests.length === 0) return 0;
  const theirs = await nodes(stream, requests.length);
  expect(requests, JSON.stringify(stream.toString("latin1"))).toEqual(theirs.slice(0, requests.length));
  return requests.length;
}

const SEEDS = [METHODS, LINES, VERSIONS, TARGETS, FIELDS, HOSTS, CONTENT_LENGTHS, TRANSFER_ENCODINGS]
  .concat([CHUNK_SIZES, CHUNK_EXTENSIONS, TRAILERS, PERSISTENCE, UPGRADES, SMUGGLING])
  .flatMap((rows) => rows.map(({ send }) => send.join("")).filter((stream) => stream.length < 600));

/** What mutations put in, besides any byte. */
const WORDS = '\r\n|\n|\r| |\t|:|,|;|\0|\x0b|\x7f|\xa0|0|1|+|-|0x|_|"|=|\\|chunked|abc| x\r\n| HTTP/1.0\r\n'
  .split("|")
  .concat(["Transfer-Encoding: chunked\r\n", "Content-Length: 3\r\n", "Content-Length: 0\r\n", "Host: b\r\n"])
  .concat(["Connection: close\r\n", "Connection: keep-alive\r\n", "0\r\n\r\n", "3\r\nabc\r\n", "3;a=b\r\nabc\r\n", get("/in")]);

test("what we take of every row, node:http takes alike", async () => {
  let compared = 0;
  for (const seed of SEEDS) compared += await compare(Buffer.from(seed + get("/probe"), "latin1"));
  expect(compared).toBeGreaterThan(200);
});

test("what we take of 3,000 mutated streams, node:http takes alike", async () => {
  const word = fc.oneof(
    fc.constantFrom(...WORDS),
    fc.nat(255).map((byte) => String.fromCharCode(byte)),
  );
  const edit = fc.tuple(fc.nat(), fc.nat(3), word);
  const stream = fc.tuple(fc.constantFrom(...SEEDS), fc.array(edit, { minLength: 1, maxLength: 3 })).map(([seed, edits]) =>
    edits.reduce(
      (text, [at, removed, inserted]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + inserted + text.slice(place + removed);
      },
      post(["Content-Length: 3"], "abc") + seed + get("/probe"),
    ),
  );
  await fc.assert(
    fc.asyncProperty(stream, async (text) => {
      await compare(Buffer.from(text, "latin1"));
    }),
    { numRuns: Number(process.env.HTTP1_DIFFERENTIAL_RUNS ?? 3000) },
  );
});
