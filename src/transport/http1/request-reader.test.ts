import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../limits.ts";
import { RequestFault } from "./request-fault.ts";
import { RequestReader } from "./request-reader.ts";

/** What a reader makes of a stream that arrives in these pieces. */
function read(pieces: readonly string[], maxBodyBytes = 64): string[] {
  const reader = new RequestReader({ ...DEFAULT_LIMITS, maxBodyBytes });
  const seen: string[] = [];
  try {
    for (const piece of pieces) {
      if (piece === "") continue;
      reader.push(Buffer.from(piece, "latin1"));
      for (let head = reader.next(); head !== undefined; head = reader.next()) {
        seen.push(`${head.method} ${head.target} ${head.header("host")} ${Buffer.from(reader.body).toString("latin1")}`);
      }
    }
    seen.push(reader.unfinished ?? (reader.atBoundary ? "boundary" : "unread"));
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
    seen.push(`${reason.status}`);
  }
  return seen;
}

const REQUESTS = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: i\r\nContent-Length: 4\r\n\r\nbody";
const CHUNKS = "\r\nPOST /c HTTP/1.1\r\nHost: j\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n2;x\r\ntw\r\n0\r\nT: u\r\n\r\n";
const STREAM = `${REQUESTS}${CHUNKS}`;
const SEEN = ["GET /a h ", "POST /b i body", "POST /c j onetw"];

test.each([
  ["whole requests", STREAM, [...SEEN, "boundary"]],
  ["an unfinished head", `${STREAM}GET / HT`, [...SEEN, "head"]],
  ["an unfinished body", `${STREAM}${REQUESTS.slice(0, -1)}`, [...SEEN, "GET /a h ", "body"]],
  ["a fault", `${REQUESTS}GET / HTTP/1.1\r\nHost : a\r\n\r\n`, [...SEEN.slice(0, 2), "400"]],
  [
    "a body that is too large",
    `${REQUESTS}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65\r\n\r\n`,
    [...SEEN.slice(0, 2), "413"],
  ],
])("reads %s alike at every two cuts", (_name, stream, seen) => {
  expect(read([stream])).toEqual(seen);
  for (let first = 0; first < stream.length; first += 3) {
    for (let second = first; second <= stream.length; second++) {
      const got = read([stream.slice(0, first), stream.slice(first, second), stream.slice(second)]);
      if (got.join() !== seen.join()) expect(got, `cut at ${first} and ${second}`).toEqual(seen);
    }
  }
});

test("reads byte by byte", () => {
  expect(read(STREAM.split(""))).toEqual([...SEEN, "boundary"]);
});

test("gives a body that came with its head as a view", () => {
  const reader = new RequestReader(DEFAULT_LIMITS);
  const bytes = Buffer.from(REQUESTS);
  reader.push(bytes);
  reader.next();
  reader.next();
  expect(reader.body.buffer).toBe(bytes.buffer);
});
