import { errorBody } from "../codec/json/error-body.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../transport/http-exchange.ts";

/** What the operation routes need to know. */
export interface Operations {
  /** Whether every configured model has an available version and the server takes new requests. */
  isReady(): boolean;
  /** All metrics as Prometheus text. */
  metrics(): Promise<string>;
  /** Where the metrics are. */
  /** Undefined when they are off. */
  readonly metricsPath: string | undefined;
}

const encoder = new TextEncoder();
const TEXT = [["content-type", "text/plain"]] as const;

/**
 * Routes requests by path: `/livez`, `/readyz` and the metrics here, everything below `/v1/` (in any case of letters)
 * to `rest`; other paths are 404.
 */
export function createHttpRouter(operations: Operations, rest: HttpHandler): HttpHandler {
  return (request) => {
    const { target } = request;
    if (isVersion1(target)) return rest(request);
    const query = target.indexOf("?");
    const path = query < 0 ? target : target.slice(0, query);
    switch (path) {
      case operations.metricsPath:
        if (query >= 0) return text(400, `Unexpected path: ${target}. Should be ${operations.metricsPath}`);
        return operations.metrics().then(
          (page) => text(200, page),
          () => text(503, "metrics are not available while the server stops\n"),
        );
      case "/livez":
        return reading(request, text(200, "ok\n"));
      case "/readyz":
        return reading(
          request,
          operations.isReady() ? text(200, "ok\n") : text(503, "not ready: a configured model has no available version\n"),
        );
      default:
        return {
          status: 404,
          headers: [["content-type", "application/json"]],
          body: errorBody(`nothing is served at ${path}; models are below /v1/models/`),
        };
    }
  };
}

function reading(request: HttpRequest, answer: HttpResponse): HttpResponse {
  return request.method === "GET" || request.method === "HEAD"
    ? answer
    : { ...text(405, "only GET is served here\n"), headers: [...TEXT, ["allow", "GET, HEAD"]] };
}

function text(status: number, body: string): HttpResponse {
  return { status, headers: TEXT, body: encoder.encode(body) };
}

const SLASH = 0x2f;
const ONE = 0x31;
const LOWER_CASE = 0x20;
const V = 0x76;

/** Whether a target begins with `/v1/` in either case of letters; a regular expression costs several times as much. */
function isVersion1(target: string): boolean {
  return (
    target.charCodeAt(0) === SLASH &&
    (target.charCodeAt(1) | LOWER_CASE) === V &&
    target.charCodeAt(2) === ONE &&
    target.charCodeAt(3) === SLASH
  );
}
