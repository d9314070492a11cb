import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BodyCollector } from "./body-collector.ts";
import { ChunkedParser } from "./chunked-parser.ts";
import { RequestFault } from "./request-fault.ts";

const LIMITS = { maxBodyBytes: 64, maxChunks: 8, maxHeaderBytes: 40, maxHeaderCount: 2 };

/** The status, the body and the rest of a stream fed in pieces that end at `cuts`. */
function decode(text: string, cuts: readonly number[] = []): { status: number; body: string; rest: string } {
  const bytes = Buffer.from(text, "latin1");
  const sink = new BodyCollector(LIMITS.maxBodyBytes);
  const parser = new ChunkedParser(LIMITS, sink);
  let at = 0;
  try {
    for (const end of [...cuts, bytes.length]) {
      at = parser.push(bytes, at, end);
      if (parser.done) break;
    }
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
    return { status: reason.status, body: "", rest: "" };
  }
  const body = Buffer.from(sink.take()).toString("latin1");
  return { status: parser.done ? 200 : 0, body, rest: bytes.toString("latin1", at) };
}

const CASES: readonly (readonly [name: string, stream: string, status: number, body?: string, rest?: string])[] = [
  ["two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, "abcde"],
  ["no chunk", "0\r\n\r\n", 200, ""],
  ["bytes after the end", "1\r\na\r\n0\r\n\r\nGET", 200, "a", "GET"],
  ["sizes in hex of either case", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 200, "01234567890123456789"],
  ["zeros before a size", "0003\r\nabc\r\n000\r\n\r\n", 200, "abc"],
  ["line ends inside a chunk", "4\r\n\r\n\r\n\r\n0\r\n\r\n", 200, "\r\n\r\n"],
  ["an extension", '3;a=b;c="d"\r\nabc\r\n0;x\r\n\r\n', 200, "abc"],
  ["blanks before an extension", "3 \t;a\r\nabc\r\n0\r\n\r\n", 200, "abc"],
  ["an extension in quotes", '3;a="b;\\"c\\\\" ; d\r\nabc\r\n0\r\n\r\n', 200, "abc"],
  ["trailers", "1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n", 200, "a"],
  ["nothing", "", 0],
  ["a stream cut in a size", "1", 0],
  ["a stream cut in a chunk", "5\r\nabc", 0, "abc"],
  ["a stream cut before the last line end", "0\r\n\r", 0],
  ["no size", "\r\nabc\r\n0\r\n\r\n", 400],
  ["an extension without a size", ";a\r\n\r\n", 400],
  ["a size that is not hex", "g\r\n", 400],
  ["a size with 0x", "0x3\r\nabc\r\n", 400],
  ["a negative size", "-1\r\n", 400],
  ["a size with a plus", "+1\r\na\r\n", 400],
  ["a blank before the size", " 3\r\nabc\r\n", 400],
  ["a blank after the size", "3 \r\nabc\r\n", 400],
  ["a size with too many digits", "00000000000000003\r\nabc\r\n", 400],
  ["a bare line feed after the size", "3\nabc\r\n", 400],
  ["a bare carriage return after the size", "3\rabc\r\n", 400],
  ["a bare line feed in an extension", "3;a\nabc\r\n", 400],
  ["an extension without a name", "3;\r\nabc\r\n", 400],
  ["an extension without a value", "3;a=\r\nabc\r\n", 400],
  ["an extension with a line end in quotes", '3;a="\r\nabc\r\n0\r\n\r\n', 400],
  ["a blank after an extension", "3;a \r\nabc\r\n", 400],
  ["a control character in an extension", "3;\x00\r\nabc\r\n", 400],
  ["a chunk longer than its size", "3\r\nabcd\r\n0\r\n\r\n", 400],
  ["a chunk shorter than its size", "3\r\nab\r\n0\r\n\r\n", 400],
  ["a bare line feed after a chunk", "3\r\nabc\n0\r\n\r\n", 400],
  ["a bare carriage return after a chunk", "3\r\nabc\r0\r\n\r\n", 400],
  ["a bare line feed at the end", "0\r\n\n", 400],
  ["a bare carriage return at the end", "0\r\n\rx", 400],
  ["a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", 400],
  ["a trailer without a colon", "0\r\nA\r\n\r\n", 400],
  ["a trailer with a space before the colon", "0\r\nA : b\r\n\r\n", 400],
  ["a trailer with a null", "0\r\nA: \0\r\n\r\n", 400],
  ["a trailer ended by a bare line feed", "0\r\nA: b\n\r\n", 400],
  ["a body as large as may be", `40\r\n${"a".repeat(64)}\r\n0\r\n\r\n`, 200, "a".repeat(64)],
  ["a size over the limit", "41\r\n", 413],
  ["a size beyond 2^53", "ffffffffffffffff\r\n", 413],
  ["chunks over the limit together", `20\r\n${"a".repeat(32)}\r\n21\r\n`, 413],
  ["as many chunks as may be", `${"1\r\na\r\n".repeat(8)}0\r\n\r\n`, 200, "aaaaaaaa"],
  ["a chunk too many", `${"1\r\na\r\n".repeat(9)}0\r\n\r\n`, 413],
  ["an extension too long", `1;${"x".repeat(60)}\r\na\r\n`, 413],
  ["extensions too long together", `${"1;xxxxxxxxx\r\na\r\n".repeat(6)}0\r\n\r\n`, 413],
  ["trailers too long", `0\r\nA: ${"b".repeat(60)}\r\n\r\n`, 431],
  ["too many trailers", "0\r\nA:\r\nB:\r\nC:\r\n\r\n", 431],
];

describe("a chunked body with", () => {
  test.each(CASES.map(([name, stream, status, body = "", rest = ""]) => ({ name, stream, status, body, rest })))(
    "$name",
    ({ stream, status, body, rest }) => {
      expect(decode(stream)).toEqual({ status, body, rest });
    },
  );

  test("any cut reads as if it had come in one piece", () => {
    for (const [name, stream] of CASES) {
      for (let cut = 0; cut <= stream.length; cut++) expect(decode(stream, [cut]), name).toEqual(decode(stream));
    }
  });

  test("random chunks and cuts gives the bytes that were put in", () => {
    const pieces = fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 8 }), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(200), { maxLength: 12 }), (chunks, at) => {
        const coded = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
        const stream = `${coded}0\r\n\r\nrest`;
        const cuts = at.filter((cut) => cut < stream.length).sort((a, b) => a - b);
        expect(decode(stream, cuts)).toMatchObject({ status: 200, body: chunks.join("") });
        expect(decode(stream).rest).toBe("rest");
      }),
      { numRuns: 2000 },
    );
  });
});

test("a collected body takes memory in proportion to what arrived, whatever was announced", () => {
  const collector = new BodyCollector(2 ** 40);
  collector.append(Buffer.alloc(100_000), 0, 100_000);
  expect(collector.take().buffer.byteLength).toBeLessThanOrEqual(250_000);
});

test("a collected body is gathered in order and never outgrows its bound", () => {
  const collector = new BodyCollector(10_000);
  const source = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
  for (let at = 0; at < 10_000; at += 7) collector.append(source, at, Math.min(at + 7, 10_000));
  const body = collector.take();
  expect(source.equals(body)).toBe(true);
  expect(body.buffer.byteLength).toBe(10_000);
});
