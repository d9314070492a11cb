import { describe, expect, test } from "vitest";
import type { HttpResponse } from "../http-exchange.ts";
import { type AnswerFraming, ResponseWriter } from "./response-writer.ts";

const WHEN = Date.UTC(2026, 0, 2, 3, 4, 5);
const DATE = "date: Fri, 02 Jan 2026 03:04:05 GMT\r\n";

function write(response: Partial<HttpResponse>, framing: Partial<AnswerFraming> = {}) {
  const out: Uint8Array[] = [];
  const sent = new ResponseWriter(() => WHEN).write(
    { status: 200, headers: [], body: Buffer.from("hello"), ...response },
    { minorVersion: 1, headOnly: false, close: false, ...framing },
    out,
  );
  return { sent, pieces: out.length, text: Buffer.concat(out).toString("latin1") };
}

describe("an answer", () => {
  test("of a small body is one buffer: line, headers, length, date, body", () => {
    expect(write({ headers: [["content-type", "text/plain"]] })).toEqual({
      sent: true,
      pieces: 1,
      text: `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n${DATE}\r\nhello`,
    });
  });

  test("of a large body does not copy it", () => {
    const body = Buffer.alloc(100_000);
    const out: Uint8Array[] = [];
    new ResponseWriter().write({ status: 200, headers: [], body }, { minorVersion: 1, headOnly: false, close: false }, out);
    expect(out[1]).toBe(body);
  });

  test.each([
    [{ close: true }, "connection: close"],
    [{ minorVersion: 0 }, "connection: keep-alive"],
    [{ minorVersion: 0, close: true }, "connection: close"],
  ] as const)("to a connection %j says %s", (framing, line) => {
    expect(write({}, framing).text).toContain(`\r\n${line}\r\n\r\nhello`);
  });

  test("to HEAD has the length of the body and not the body", () => {
    const { text } = write({}, { headOnly: true });
    expect(text).toContain("content-length: 5\r\n");
    expect(text.endsWith("\r\n\r\n")).toBe(true);
  });

  test.each([204, 304])("with status %i has neither body nor length", (status) => {
    const { text } = write({ status });
    expect(text).not.toContain("content-length");
    expect(text.endsWith("\r\n\r\n")).toBe(true);
  });

  test("with status 205 has length 0", () => {
    expect(write({ status: 205 }).text).toMatch(/content-length: 0\r\ndate: [^\r]+\r\n\r\n$/);
  });

  test("leaves out framing headers of the handler", () => {
    const headers = [
      ["content-length", "1"],
      ["transfer-encoding", "chunked"],
      ["connection", "x"],
      ["date", "now"],
      ["x-a", "b"],
    ] as const;
    expect(write({ headers }).text).toBe(`HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n${DATE}\r\nhello`);
  });

  test.each([
    ["a line break in a value", "x-a", "b\r\nset-cookie: c"],
    ["a bare line feed in a value", "x-a", "b\nc"],
    ["a null in a value", "x-a", "\0"],
    ["a character beyond Latin-1 that would become a line feed", "x-a", "\u010a"],
    ["a line break in a name", "x\r\na", "b"],
    ["a colon in a name", "x:a", "b"],
    ["an empty name", "", "b"],
    ["capitals in a name", "X-A", "b"],
  ])("with %s becomes a 500 without that header", (_name, name, value) => {
    const { sent, text } = write({ headers: [[name, value]] });
    expect(sent).toBe(false);
    expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\ncontent-type: application\/json\r\n/);
    expect(text).not.toContain("set-cookie");
  });

  test.each([100, 101, 199, 600, 200.5, Number.NaN])("with status %d becomes a 500", (status) => {
    expect(write({ status }).text).toMatch(/^HTTP\/1\.1 500 /);
  });

  test.each([
    [499, "Client Closed Request"],
    [404, "Not Found"],
    [599, "Unknown"],
  ])("with status %i says %s", (status, reason) => {
    expect(write({ status }).text.startsWith(`HTTP/1.1 ${status} ${reason}\r\n`)).toBe(true);
  });

  test("has the date of its second", () => {
    let now = WHEN;
    const writer = new ResponseWriter(() => now);
    const dates = [0, 999, 1000].map((later) => {
      now = WHEN + later;
      const out: Uint8Array[] = [];
      writer.write({ status: 204, headers: [], body: Buffer.alloc(0) }, { minorVersion: 1, headOnly: false, close: false }, out);
      return /GMT/.test(String(out[0])) ? /\d\d GMT/.exec(String(out[0]))?.[0] : undefined;
    });
    expect(dates).toEqual(["05 GMT", "05 GMT", "06 GMT"]);
  });
});
