import type { HttpHandler, HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import type { Needed } from "./access-table.ts";

type Headers = HttpResponse["headers"];
type Head = Pick<HttpRequest, "method" | "target" | "header">;

/** Which pages of other origins may call: all, without credentials, or those of the origins listed. */
export interface CorsOptions {
  readonly everyone: boolean;
  /** As browsers send them: scheme, host and perhaps port. */
  readonly origins: readonly string[];
}

/** TensorFlow Serving's headers. They leave `Authorization` out: pages of just any origin bring no credentials. */
const EVERYONE: Headers = [
  ["access-control-allow-origin", "*"],
  ["access-control-allow-methods", "POST, GET"],
  ["access-control-allow-headers", "Content-Type"],
];
const BY_ORIGIN = ["vary", "Origin"] as const;
const NO_BYTES = new Uint8Array(0);
/** Seconds that a browser need not ask again. */
const REMEMBERED = ["access-control-max-age", "600"] as const;

/**
 * What pages of other origins may read and send (Fetch, "CORS protocol"): every route but the admin API's. No answer allows the
 * credentials that a browser adds by itself; a page of a listed origin may send an `Authorization` of its own.
 */
export class Cors {
  readonly #everyone: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #needs: (method: string, target: string) => Needed;

  constructor({ everyone, origins }: CorsOptions, needs: (method: string, target: string) => Needed) {
    this.#everyone = everyone;
    this.#origins = new Set(origins);
    this.#needs = needs;
  }

  /** Whether the request comes from a page whose origin is listed, on a route that such pages may call. */
  lists(head: Head): boolean {
    const origin = head.header("origin");
    return origin !== undefined && this.#origins.has(origin) && this.#covers(head);
  }

  /** The headers of an answer. */
  headers(head: Head): Headers {
    if (!this.#covers(head)) return [];
    if (this.lists(head)) return [["access-control-allow-origin", head.header("origin")!], BY_ORIGIN];
    if (this.#everyone) return this.#origins.size === 0 ? EVERYONE : [...EVERYONE, BY_ORIGIN];
    return [BY_ORIGIN];
  }

  /** The answer to a browser that asks what a page may send; undefined for other requests. */
  preflight(head: Head): HttpResponse | undefined {
    if (head.method !== "OPTIONS" || !this.#covers(head)) return undefined;
    if (this.lists(head)) {
      const allowed: Headers = [
        ["access-control-allow-methods", "GET, HEAD, POST"],
        ["access-control-allow-headers", "Authorization, Content-Type"],
        REMEMBERED,
      ];
      return { status: 200, headers: [...this.headers(head), ...allowed], body: NO_BYTES };
    }
    if (!this.#everyone) return undefined;
    const web = /https?:\/\//.test(head.header("origin") ?? "");
    return { status: web ? 200 : 400, headers: web ? this.headers(head) : [], body: NO_BYTES };
  }

  /** The handler with answers that say which pages may read them. */
  wrap(handler: HttpHandler): HttpHandler {
    return (request) => {
      const preflight = this.preflight(request);
      if (preflight !== undefined) return preflight;
      const headers = this.headers(request);
      if (headers.length === 0) return handler(request);
      const answer = handler(request);
      return answer instanceof Promise ? answer.then((ready) => withHeaders(ready, headers)) : withHeaders(answer, headers);
    };
  }

  #covers({ method, target }: Head): boolean {
    return this.#needs(method, target) !== "admin";
  }
}

function withHeaders(answer: HttpResponse, headers: Headers): HttpResponse {
  return { ...answer, headers: [...answer.headers, ...headers] };
}
