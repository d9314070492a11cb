/** What the first bytes of a connection say of its protocol; `undecided` asks for more of them. */
export type SniffedProtocol = "http1" | "http2" | "undecided";

/** The client preface that begins every HTTP/2 connection (RFC 9113, section 3.4). */
export const HTTP2_PREFACE: Uint8Array = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Tells the protocols apart by as few bytes as possible: a method other than PRI differs within three. */
export function sniffProtocol(first: Uint8Array): SniffedProtocol {
  const length = Math.min(first.length, HTTP2_PREFACE.length);
  for (let i = 0; i < length; i++) if (first[i] !== HTTP2_PREFACE[i]) return "http1";
  return length === HTTP2_PREFACE.length ? "http2" : "undecided";
}
