import type { Grant } from "../base/grant.ts";

/** Who asks, where a server knows its callers. */
export interface Principal {
  /** As the file of principals has it; no secret. */
  readonly name: string;
  readonly grants: ReadonlySet<Grant>;
}

/** One HTTP request, whole, whichever version of HTTP carried it. */
export interface HttpRequest {
  /** Upper-case, as sent. */
  readonly method: string;
  /** Path and query in origin form, as sent, percent escapes untouched; never empty. */
  readonly target: string;
  /** A header's value by its lower-case name; repeated ones joined by `, `; undefined when absent. */
  header(name: string): string | undefined;
  /** The body with transfer and content codings undone; empty when there is none. A view: copy what outlives the call. */
  readonly body: Uint8Array;
  /** Aborts when the peer goes away or resets the request. */
  readonly signal: AbortSignal;
  /** Whether it came over TLS. */
  readonly secure?: boolean;
  /** Who asks; undefined when nobody was asked who they are: without authentication, and on public routes. */
  readonly principal?: Principal | undefined;
}

/**
 * What an answer says after its head: all of it at once, or a stream of pieces whose length is not known beforehand.
 *
 * Bytes given to the transport, whole or in pieces, are kept by reference until the socket has taken them: they must not be
 * written to again.
 *
 * A stream is asked for its next piece only when the peer has room for it, and each piece is sent soon after it is given; it is
 * never compressed, because a compressor would hold pieces back. An iterator that throws ends the answer abruptly (the
 * connection is closed, or the HTTP/2 stream reset), so that the peer does not take it for whole: what can fail should fail
 * before the response is given. When the peer goes away, or the answer turns out to have no body (to HEAD, with status 204),
 * the transport calls the iterator's `return()`, possibly before its first `next()`, when a generator's `finally` does not run;
 * one that is busy in `next()` hears of it at once only by {@link HttpRequest.signal}.
 */
export type ResponseBody = Uint8Array | AsyncIterable<Uint8Array>;

/** The answer to an {@link HttpRequest}. */
export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. Length, date, connection and coding headers are the transport's business. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: ResponseBody;
}

/** An answer whose body is all there. */
export interface WholeResponse extends HttpResponse {
  readonly body: Uint8Array;
}

/** Whether an answer's body is all there. */
export function isWhole(response: HttpResponse): response is WholeResponse {
  return response.body instanceof Uint8Array;
}

/** Answers requests. Must not throw or reject: an error is turned into a response before it gets here. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
