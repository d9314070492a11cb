import type { HttpResponse } from "../http-exchange.ts";
import type { HeaderFields } from "./hpack-encoder.ts";

const NAME = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** What only the transport may say, or HTTP/2 forbids; a handler's own are dropped. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

let second = -1;
let date = "";

function currentDate(): string {
  const now = Date.now();
  if (Math.floor(now / 1000) !== second) {
    second = Math.floor(now / 1000);
    date = new Date(now).toUTCString();
  }
  return date;
}

/** The header block of an answer, without a length when its body is streamed; undefined when its status or one of its headers cannot be sent. */
export function encodeResponseHead(answer: HttpResponse): HeaderFields | undefined {
  const { status, headers, body } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined;
  const fields: [string, string][] = [[":status", String(status)]];
  for (const [name, value] of headers) {
    if (!NAME.test(name) || !VALUE.test(value)) return undefined;
    if (!FRAMING.has(name)) fields.push([name, value]);
  }
  const length = status === 205 ? 0 : body instanceof Uint8Array ? body.length : -1;
  if (length >= 0 && status !== 204 && status !== 304) fields.push(["content-length", String(length)]);
  fields.push(["date", currentDate()]);
  return fields;
}
