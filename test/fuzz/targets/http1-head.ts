import { parseRequestHead, type RequestHead } from "../../../src/transport/http1/head-parser.ts";
import { RequestFault } from "../../../src/transport/http1/request-fault.ts";
import { plainHead } from "../plain/http1.ts";
import { agree, type FuzzTarget, type Outcome, piecesOf, plain } from "../target.ts";

const LIMITS = { maxHeaderBytes: 1024, maxHeaderCount: 16 };

/** Words of HTTP/1 heads and bodies. */
export const HTTP1_WORDS = [
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  ": ",
  ",",
  ";",
  "/",
  "*",
  "?",
  "#",
  "\0",
  "\x7f",
  "\xff",
  "GET ",
  "POST ",
  "HEAD ",
  "OPTIONS * ",
  "CONNECT a:1 ",
  " HTTP/1.1\r\n",
  " HTTP/1.0\r\n",
  " HTTP/2.0\r\n",
  "http://b:1/x?y",
  "PRI * HTTP/2.0",
  "Host: a\r\n",
  "host:\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Expect: 100-continue\r\n",
  "Content-Encoding: gzip\r\n",
  "Accept-Encoding: gzip;q=0\r\n",
  "__proto__: p\r\n",
  " folded\r\n",
  "0\r\n\r\n",
  "5\r\nabcde\r\n",
  "5;x=y\r\nabcde\r\n",
  "FFFFFFFFFFFFFFFF\r\n",
  "0\r\nT: u\r\n\r\n",
  "3\r\n",
  "abc",
] as const;

interface Reading {
  readonly head?: RequestHead;
  /** The fault, or that the head is not all there. */
  readonly other?: string;
}

function read(input: Buffer, end = input.length): Reading {
  try {
    const head = parseRequestHead(input, 0, end, LIMITS);
    return head === undefined ? { other: "unfinished" } : { head };
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
    return { other: `${reason.status} ${reason.message}` };
  }
}

function check(input: Buffer, head: RequestHead): void {
  const { end } = head;
  const text = input.toString("latin1", 0, end);
  if (!text.endsWith("\r\n\r\n")) throw new Error("a head does not end in an empty line");
  const expected = plainHead(text.slice(text.startsWith("\r\n") ? 2 : 0, -4));
  agree(head.method, expected.method, "method");
  if (head.authority === undefined) agree(head.target, expected.target, "target");
  else if (!expected.target.includes(head.authority)) throw new Error("the authority is not the target's");
  if (!/^(?:\/|\*$)/.test(head.target)) throw new Error(`accepted the target ${head.target}`);
  agree(head.minorVersion, expected.minorVersion, "minor version");
  agree(head.bodyLength, expected.bodyLength, "body length");
  agree(head.keepAlive, expected.keepAlive, "keep-alive");
  for (const name of new Set(expected.fields.map(([each]) => each))) {
    if (name === "host" && head.authority !== undefined) continue;
    const values = expected.fields.filter(([each]) => each === name).map(([, value]) => value);
    agree(head.header(name), values.join(", "), `the field ${name}`);
  }
}

/** A request's line and header fields, against a reading line by line; and the same for every beginning of the input. */
export const http1Head: FuzzTarget = {
  name: "http1-head",
  dictionary: HTTP1_WORDS,
  longest: 1100,
  run(input): Outcome {
    const whole = read(input);
    let end = 0;
    for (const piece of piecesOf(input)) {
      end += piece.length;
      const early = read(input, end);
      if (early.other === "unfinished") continue;
      if (early.head !== undefined) agree(early.head.end, whole.head?.end, `the end of the head in the first ${end} bytes`);
      else agree(early.other, whole.other, `the fault in the first ${end} bytes`);
    }
    if (whole.head === undefined) return { accepted: false, shape: plain(whole.other!) };
    check(input, whole.head);
    const { method, minorVersion, keepAlive, expectsContinue, hasContentEncoding, bodyLength } = whole.head;
    const flags = [minorVersion, keepAlive, expectsContinue, hasContentEncoding, Math.sign(bodyLength)].join();
    return { accepted: true, shape: `${method.length} ${flags}` };
  },
};
