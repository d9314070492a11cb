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
}

/** The answer to an {@link HttpRequest}. */
export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. Length, date, connection and coding headers are the transport's business. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** Answers requests. Must not throw or reject: an error is turned into a response before it gets here. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
