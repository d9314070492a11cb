import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../limits.ts";
import type { RequestHead } from "./head-parser.ts";
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

describe("a head that repeats", () => {
  function headsOf(streams: readonly string[]): RequestHead[] {
    const reader = new RequestReader(DEFAULT_LIMITS);
    return streams.map((stream) => {
      reader.push(Buffer.from(stream, "latin1"));
      return reader.next()!;
    });
  }
  const request = (target: string, body = "") =>
    `POST ${target} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  test("is recognized from the third time on, without the bytes that brought it", () => {
    const [first, second, third, fourth] = headsOf([request("/a"), request("/a"), request("/a"), request("/a")]);
    expect(third).not.toBe(second);
    expect(third).toBe(fourth);
    expect(third?.bytes).toHaveLength(request("/a").length);
    expect({ target: third?.target, host: third?.header("host") }).toEqual({ target: "/a", host: "h" });
    expect(first?.target).toBe("/a");
  });

  test("is told from one that differs in any byte", () => {
    const known = request("/abc");
    for (let at = 0; at < known.length; at++) {
      for (const byte of ["\0", "X", "1", " ", "\n"]) {
        const other = known.slice(0, at) + byte + known.slice(at + 1);
        expect(read([known, known, known, other]).slice(3), `byte ${at}`).toEqual(read([other]));
      }
    }
  });

  test("is told from one that goes on", () => {
    const reader = new RequestReader(DEFAULT_LIMITS);
    const longer = "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n";
    const shorter = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const heads = [shorter, shorter, shorter, longer, shorter].map((stream) => {
      reader.push(Buffer.from(stream));
      return reader.next()!.header("x");
    });
    expect(heads).toEqual([undefined, undefined, undefined, "y", undefined]);
  });

  test("brings its own body and is followed by what follows", () => {
    const stream = Array.from({ length: 9 }, (_, i) => request("/a", `${i}`)).join("");
    expect(read([stream])).toEqual([...Array.from({ length: 9 }, (_, i) => `POST /a h ${i}`), "boundary"]);
    expect(read(stream.split(""))).toEqual(read([stream]));
  });

  test("is no longer looked for on a connection that never repeats itself", () => {
    const many = Array.from({ length: 12 }, (_, i) => request(`/${i}`));
    const heads = headsOf([...many, request("/a"), request("/a"), request("/a")]);
    expect(heads.at(-1)).not.toBe(heads.at(-2));
    expect(heads.map(({ target }) => target)).toEqual([...many.map((_, i) => `/${i}`), "/a", "/a", "/a"]);
  });
});

describe("the line end that some clients send behind a body", () => {
  test.each([["\r\n"], ["\r", "\n"]])("is no part of a next request", (...pieces) => {
    expect(read([REQUESTS, ...pieces])).toEqual([...SEEN.slice(0, 2), "boundary"]);
  });

  test("may be followed by a request, and by no second one", () => {
    expect(read(["\r\n", REQUESTS])).toEqual([...SEEN.slice(0, 2), "boundary"]);
    expect(read(["\r\n", "\r\n", REQUESTS])).toEqual(["400"]);
    expect(read(["\r\n", "\r", "\n"])).toEqual(["400"]);
  });

  test("that is none is refused and does not stop the reader", () => {
    expect(read(["\rG"])).toEqual(["400"]);
  });
});
