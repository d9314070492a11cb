/** A protocol that the first bytes of a connection can announce; `tls` is a TLS handshake, whatever is spoken inside it. */
export type AnnouncedProtocol = "http1" | "http2" | "tls";

/** What the first bytes of a connection say of its protocol; `undecided` asks for more of them, `neither` is none of them. */
export type SniffedProtocol = AnnouncedProtocol | "neither" | "undecided";

/** The client preface that begins every HTTP/2 connection (RFC 9113, section 3.4). */
export const HTTP2_PREFACE: Uint8Array = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const LF = 0x0a;

/** The content type of a handshake record, with which every TLS connection begins (RFC 8446, section 5.1). */
const TLS_HANDSHAKE = 0x16;

/** Tells the protocols apart by as few bytes as possible: a method other than PRI differs within three. */
export function sniffProtocol(first: Buffer): SniffedProtocol {
  if (first[0] === TLS_HANDSHAKE) return "tls";
  const length = Math.min(first.length, HTTP2_PREFACE.length);
  for (let i = 0; i < length; i++) if (first[i] !== HTTP2_PREFACE[i]) return mayBeRequest(first) ? "http1" : "neither";
  return length === HTTP2_PREFACE.length ? "http2" : "undecided";
}

/**
 * Whether the first line can be meant as a request of HTTP/1: it names a path or HTTP. To a peer that speaks something else (a
 * broken HTTP/2 preface, for one) an answer in HTTP/1 says nothing. A line that is not all there is left to the parser.
 */
function mayBeRequest(first: Buffer): boolean {
  const end = first.indexOf(LF);
  if (end <= 1) return true;
  const line = first.toString("latin1", 0, end);
  return line.includes(" /") || line.includes(" HTTP/");
}
