import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHUNKED, parseRequestHead, type RequestHead } from "./head-parser.ts";
import { startServer, type TestServer } from "./raw-client.ts";
import { RequestFault } from "./request-fault.ts";

const LIMITS = { maxHeaderBytes: 1024, maxHeaderCount: 16 };

function parse(text: string, limits = LIMITS): RequestHead | undefined {
  const bytes = Buffer.from(text, "latin1");
  return parseRequestHead(bytes, 0, bytes.length, limits);
}

function statusOf(text: string): number {
  try {
    return parse(text) === undefined ? 0 : 200;
  } catch (reason) {
    if (reason instanceof RequestFault) return reason.status;
    throw reason;
  }
}

const GET = "GET / HTTP/1.1\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\n";
const HOST = "Host: a\r\n";

/** Raw requests and the status they get from a handler that answers everything with 200. Bodies are there where one is due. */
const CASES: readonly (readonly [name: string, request: string, status: number])[] = [
  ["a plain request", `${GET}${HOST}\r\n`, 200],
  ["two empty lines before the request", `\r\n\r\n${GET}${HOST}\r\n`, 400],
  ["a bare line feed before the request", `\n${GET}${HOST}\r\n`, 400],
  ["a bare carriage return before the request", `\r${GET}${HOST}\r\n`, 400],
  ["HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", 200],
  ["HTTP/1.0 with a host", `GET / HTTP/1.0\r\n${HOST}\r\n`, 200],
  ["an extension method", `PURGE-IT / HTTP/1.1\r\n${HOST}\r\n`, 200],
  ["no method", ` / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a method with a separator in it", `GE(T / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a method with a control character", `G\x01T / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a tab after the method", `GET\t/ HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["two spaces after the method", `GET  / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["two spaces before the version", `GET /  HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a space after the version", `GET / HTTP/1.1 \r\n${HOST}\r\n`, 400],
  ["no target", `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["no version (HTTP/0.9)", "GET /\r\n\r\n", 400],
  ["a target with a query", `GET /a?b=c&d HTTP/1.1\r\n${HOST}\r\n`, 200],
  ["a target with a fragment", `GET /a#b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a target with a byte above ASCII", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a target with a null", `GET /\0 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a target with a delete character", `GET /\x7f HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a target without a slash", `GET a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an absolute target", `GET http://a/b HTTP/1.1\r\n${HOST}\r\n`, 200],
  ["an absolute target without a host", `GET http:///b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an absolute target with a user", `GET http://u@a/b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an absolute target of another scheme", `GET ftp://a/b HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an asterisk with OPTIONS", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 200],
  ["an asterisk with GET", `GET * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["CONNECT", `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`, 501],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${HOST}\r\n`, 200],
  ["HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
  ["HTTP/0.9", `GET / HTTP/0.9\r\n${HOST}\r\n`, 505],
  ["HTTP/11.1", `GET / HTTP/11.1\r\n${HOST}\r\n`, 400],
  ["HTTP/1", `GET / HTTP/1\r\n${HOST}\r\n`, 400],
  ["http/1.1 in lower case", `GET / http/1.1\r\n${HOST}\r\n`, 400],
  ["a bare line feed after the request line", `GET / HTTP/1.1\n${HOST}\r\n`, 400],
  ["a bare line feed after a header", `${GET}Host: a\n\r\n`, 400],
  ["a bare carriage return after a header", `${GET}Host: a\rb: c\r\n\r\n`, 400],
  ["a bare carriage return at the end of the headers", `${GET}${HOST}\rx`, 400],
  ["a bare line feed at the end of the headers", `${GET}${HOST}\n`, 400],
  ["a folded header", `${GET}${HOST}A: b\r\n c\r\n\r\n`, 400],
  ["a header folded by a tab", `${GET}${HOST}A: b\r\n\tc\r\n\r\n`, 400],
  ["a first header that begins with a space", `${GET} ${HOST}\r\n`, 400],
  ["a space before the colon", `${GET}${HOST}A : b\r\n\r\n`, 400],
  ["a tab before the colon", `${GET}${HOST}A\t: b\r\n\r\n`, 400],
  ["a header without a colon", `${GET}${HOST}A\r\n\r\n`, 400],
  ["a header without a name", `${GET}${HOST}: b\r\n\r\n`, 400],
  ["a header name above ASCII", `${GET}${HOST}\xe9: b\r\n\r\n`, 400],
  ["a header name with a null", `${GET}${HOST}A\0: b\r\n\r\n`, 400],
  ["a header value with a null", `${GET}${HOST}A: b\0\r\n\r\n`, 400],
  ["a header value with an escape", `${GET}${HOST}A: \x1b\r\n\r\n`, 400],
  ["a header value with a delete character", `${GET}${HOST}A: \x7f\r\n\r\n`, 400],
  ["a header value above ASCII", `${GET}${HOST}A: \xe9\r\n\r\n`, 200],
  ["an empty header value", `${GET}${HOST}A:\r\n\r\n`, 200],
  ["a header without a blank after the colon", `${GET}Host:a\r\n\r\n`, 200],
  ["a header with tabs and blanks around the value", `${GET}Host: \t a \t \r\n\r\n`, 200],
  ["no host", `${GET}\r\n`, 400],
  ["an empty host", `${GET}Host:\r\n\r\n`, 200],
  ["two hosts", `${GET}${HOST}${HOST}\r\n`, 400],
  ["two hosts on HTTP/1.0", `GET / HTTP/1.0\r\n${HOST}host: b\r\n\r\n`, 400],
  ["a host with a blank", `${GET}Host: a b\r\n\r\n`, 400],
  ["a host with a slash", `${GET}Host: a/b\r\n\r\n`, 400],
  ["a host with a user", `${GET}Host: u@a\r\n\r\n`, 400],
  ["a list of hosts", `${GET}Host: a,b\r\n\r\n`, 400],
  ["a host of IPv6", `${GET}Host: [::1]:80\r\n\r\n`, 200],
  ["a body of known length", `${POST}Content-Length: 3\r\n\r\nabc`, 200],
  ["a body of length 0", `${POST}Content-Length: 0\r\n\r\n`, 200],
  ["a length with zeros before it", `${POST}Content-Length: 0003\r\n\r\nabc`, 200],
  ["an empty length", `${POST}Content-Length:\r\n\r\n`, 400],
  ["a negative length", `${POST}Content-Length: -1\r\n\r\n`, 400],
  ["a length with a plus", `${POST}Content-Length: +3\r\n\r\nabc`, 400],
  ["a length in hex", `${POST}Content-Length: 0x3\r\n\r\nabc`, 400],
  ["a length with a fraction", `${POST}Content-Length: 3.0\r\n\r\nabc`, 400],
  ["a length with a blank inside", `${POST}Content-Length: 3 3\r\n\r\nabc`, 400],
  ["a list of equal lengths", `${POST}Content-Length: 3, 3\r\n\r\nabc`, 400],
  ["the same length twice", `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, 400],
  ["two lengths that differ", `${POST}Content-Length: 3\r\ncontent-length: 4\r\n\r\nabc`, 400],
  ["a length beyond 2^64", `${POST}Content-Length: 99999999999999999999\r\n\r\n`, 413],
  ["a chunked body", `${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, 200],
  ["chunked in capitals", `${POST}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n`, 200],
  ["chunked and a length", `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["chunked before a length", `${POST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`, 400],
  ["chunked twice in one header", `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400],
  ["chunked in two headers", `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  [
    "chunked hidden by identity in a second header",
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["the coding identity", `${POST}Transfer-Encoding: identity\r\n\r\n`, 400],
  ["the coding gzip alone", `${POST}Transfer-Encoding: gzip\r\n\r\n`, 400],
  ["gzip under chunked", `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
  ["chunked under gzip", `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, 400],
  ["chunked with a letter before it", `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
  ["chunked with a vertical tab before it", `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`, 400],
  ["chunked with a parameter", `${POST}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`, 400],
  ["an empty coding", `${POST}Transfer-Encoding:\r\n\r\n`, 400],
  ["chunked with a space before the colon", `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400],
  ["chunked with a null in the name", `${POST}Transfer\0-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["chunked on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  ["an expectation that is known", `${POST}Expect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc`, 200],
  ["an expectation that is not", `${POST}Expect: 200-ok\r\n\r\n`, 417],
  ["a body in an unknown coding", `${POST}Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc`, 415],
  ["an unknown coding of no body", `${POST}Content-Encoding: br\r\n\r\n`, 200],
  ["a request line as long as may be", `GET /${"a".repeat(1024 - 14 - HOST.length - 4)} HTTP/1.1\r\n${HOST}\r\n`, 200],
  ["a request line that leaves no room", `GET /${"a".repeat(1024 - 16)} HTTP/1.1\r\n${HOST}\r\n`, 431],
  ["a request line too long", `GET /${"a".repeat(1024)} HTTP/1.1\r\n${HOST}\r\n`, 414],
  ["a method without end", `${"A".repeat(2000)}`, 414],
  ["a header too long", `${GET}${HOST}A: ${"b".repeat(1024)}\r\n\r\n`, 431],
  ["a header name without end", `${GET}${HOST}${"A".repeat(2000)}`, 431],
  ["as many headers as may be", `${GET}${HOST}${"A: b\r\n".repeat(15)}\r\n`, 200],
  ["one header too many", `${GET}${HOST}${"A: b\r\n".repeat(16)}\r\n`, 431],
];

describe("the head of a request", () => {
  const bodyFaults = new Set([413, 415]);
  test.each(CASES)("%s", (_name, request, status) => {
    expect(statusOf(request)).toBe(bodyFaults.has(status) ? 200 : status);
  });

  test("gives the same outcome however it is cut", () => {
    for (const [name, request] of CASES) {
      const whole = statusOf(request);
      const bytes = Buffer.from(request, "latin1");
      for (let cut = 0; cut < Math.min(bytes.length, 200); cut++) {
        let early = 0;
        try {
          early = parseRequestHead(bytes, 0, cut, LIMITS) === undefined ? 0 : 200;
        } catch (reason) {
          early = (reason as RequestFault).status;
        }
        expect([0, whole], `${name}, cut at ${cut}`).toContain(early);
      }
    }
  });
});

describe("over a socket", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(() => ({ status: 200, headers: [], body: Buffer.from("ok") }), { limits: LIMITS });
  });
  afterAll(() => server.close());

  test.each(CASES)("%s", async (_name, request, status) => {
    const client = await server.client();
    await client.send(request);
    const [answer] = await client.answers(1);
    expect(answer?.status).toBe(status);
    if (status === 200) return;
    expect(answer?.headers.get("connection")).toBe("close");
    expect(answer?.headers.get("content-type")).toBe("application/json");
    expect(answer?.body).toMatch(/^{\n {4}"error": ".+"\n}$/);
    await client.end();
    expect(client.received).toBe("");
    client.socket.destroy();
  });
});

describe("a parsed head", () => {
  test("gives header values by their name, joined when repeated, trimmed and in Latin-1", () => {
    const head = parse(`${GET}${HOST}X-A: 1\r\nx-a: \t2 2 \r\nX-B: \xe9\r\n__proto__: p\r\n\r\n`)!;
    expect(head.header("x-a")).toBe("1, 2 2");
    expect(head.header("x-b")).toBe("é");
    expect(head.header("__proto__")).toBe("p");
    expect(head.header("x-c")).toBeUndefined();
    expect(head.header("constructor")).toBeUndefined();
  });

  test.each([
    ["GET http://b:1/x?y HTTP/1.1", "/x?y", "b:1"],
    ["GET HTTPS://b HTTP/1.1", "/", "b"],
    ["GET http://b?y HTTP/1.1", "/?y", "b"],
    ["OPTIONS http://b HTTP/1.1", "*", "b"],
    ["GET //b/c HTTP/1.1", "//b/c", "a"],
    ["GET /%2F%zz HTTP/1.1", "/%2F%zz", "a"],
  ])("of %s has the target %s for the host %s", (line, target, host) => {
    const head = parse(`${line}\r\n${HOST}\r\n`)!;
    expect([head.target, head.header("host")]).toEqual([target, host]);
  });

  test.each([
    ["1.1", "", true],
    ["1.1", "close", false],
    ["1.1", "Keep-Alive, Close", false],
    ["1.1", "upgrade", true],
    ["1.0", "", false],
    ["1.0", "keep-alive", true],
    ["1.0", "x, Keep-Alive", true],
    ["1.0", "keep-alive, close", false],
  ])("of HTTP/%s with Connection: %s keeps the connection: %s", (version, option, keepAlive) => {
    expect(parse(`GET / HTTP/${version}\r\n${HOST}Connection: ${option}\r\n\r\n`)!.keepAlive).toBe(keepAlive);
  });

  test("says how the body is framed and where it begins", () => {
    const known = `${POST}Content-Length: 12\r\n\r\n`;
    expect(parse(`${known}rest`)).toMatchObject({ bodyLength: 12, end: known.length, method: "POST", minorVersion: 1 });
    expect(parse(`${POST}Transfer-Encoding: chunked\r\n\r\n`)!.bodyLength).toBe(CHUNKED);
    expect(parse(`${POST}Content-Length: ${"9".repeat(400)}\r\n\r\n`)!.bodyLength).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("may begin anywhere in the bytes", () => {
    const bytes = Buffer.from(`garbage${GET}${HOST}\r\nrest`);
    const head = parseRequestHead(bytes, 7, bytes.length, LIMITS)!;
    expect(head).toMatchObject({ target: "/", start: 7, end: bytes.length - 4 });
    expect(head.header("host")).toBe("a");
  });

  test("tells the spans of its fields, blanks aside", () => {
    const head = parse(`${GET}Host:a\r\nB: \t b c\t\r\nC:\r\nD: \r\n\r\n`)!;
    const parts: string[] = [];
    for (let at = 0; at < head.spans.length; at += 2) {
      parts.push(head.bytes.toString("latin1", head.spans[at], head.spans[at + 1]));
    }
    expect(parts).toEqual(["Host", "a", "B", "b c", "C", "", "D", ""]);
  });
});
