import { errorBody } from "../codec/json/error-body.ts";
import type { PageStyle } from "../metrics/spelling.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../transport/http-exchange.ts";

/** What the operation routes need to know. */
export interface Operations {
  /** Whether every configured model has an available version and the server takes new requests. */
  isReady(): boolean;
  /** A page of all metrics, in pieces of UTF-8 text. */
  metrics(style: PageStyle): Promise<readonly Uint8Array[]>;
  /** Where the metrics are as TensorFlow Serving has them; undefined when both pages of them are off. */
  readonly metricsPath: string | undefined;
}

const encoder = new TextEncoder();
const TEXT = [["content-type", "text/plain"]] as const;
const PROMETHEUS_TEXT = [["content-type", "text/plain; version=0.0.4; charset=utf-8"]] as const;

/** Where Prometheus looks for metrics unless told otherwise: those of its own conventions. */
const PROMETHEUS_PATH = "/metrics";

/** Who answers the other paths. */
export interface HttpRoutes {
  /** Everything below `/v1/`, in any case of letters. */
  readonly rest: HttpHandler;
  /** What is posted to `/`. */
  readonly stfs: HttpHandler;
  /** Everything below `/dashboard`, and the paths that lead there: `/` and the pages of Simple TensorFlow Serving. */
  readonly dashboard: HttpHandler;
  /** `/openapi.json`. */
  readonly openapi: HttpHandler;
}

/**
 * Routes requests by path: `/livez`, `/readyz`, `/health` and the metrics here, the others to who answers them; unknown paths are 404.
 * Of equal paths TensorFlow Serving's metrics win.
 */
export function createHttpRouter(operations: Operations, { rest, stfs, dashboard, openapi }: HttpRoutes): HttpHandler {
  const { metricsPath } = operations;
  const hidesRest = metricsPath !== undefined && isVersion1(metricsPath);
  return (request) => {
    const { target } = request;
    if (isVersion1(target) && !(hidesRest && target.startsWith(metricsPath))) return rest(request);
    const query = target.indexOf("?");
    const path = query < 0 ? target : target.slice(0, query);
    switch (path) {
      case metricsPath:
        if (query >= 0) return text(400, `Unexpected path: ${target}. Should be ${metricsPath}`);
        return page(operations, "tensorflow-serving", TEXT);
      case "/":
        return request.method === "POST" ? stfs(request) : dashboard(request);
      case "/openapi.json":
        return openapi(request);
      case "/health":
        return reading(request, text(200, "healthy"));
      case "/livez":
        return reading(request, text(200, "ok\n"));
      case "/readyz":
        return reading(
          request,
          operations.isReady() ? text(200, "ok\n") : text(503, "not ready: a configured model has no available version\n"),
        );
      default:
        if (path === PROMETHEUS_PATH && metricsPath !== undefined) {
          return isReading(request) ? page(operations, "prometheus", PROMETHEUS_TEXT) : NOT_ALLOWED;
        }
        if (isVersion1(path)) return rest(request);
        if (isDashboardPath(path)) return dashboard(request);
        return {
          status: 404,
          headers: [["content-type", "application/json"]],
          body: errorBody(`nothing is served at ${path}; models are below /v1/models/`),
        };
    }
  };
}

/** Pages of Simple TensorFlow Serving whose place the dashboard takes. */
const OLD_PAGES: ReadonlySet<string> = new Set(["/json_inference", "/image_inference", "/generate_clients"]);

function isDashboardPath(path: string): boolean {
  return path === "/dashboard" || path.startsWith("/dashboard/") || OLD_PAGES.has(path);
}

function reading(request: HttpRequest, answer: HttpResponse): HttpResponse {
  return isReading(request) ? answer : NOT_ALLOWED;
}

function isReading({ method }: HttpRequest): boolean {
  return method === "GET" || method === "HEAD";
}

async function page(operations: Operations, style: PageStyle, headers: HttpResponse["headers"]): Promise<HttpResponse> {
  let pieces: readonly Uint8Array[];
  try {
    pieces = await operations.metrics(style);
  } catch {
    return text(503, "metrics are not available while the server stops\n");
  }
  return { status: 200, headers, body: Buffer.concat(pieces) };
}

function text(status: number, body: string): HttpResponse {
  return { status, headers: TEXT, body: encoder.encode(body) };
}

const NOT_ALLOWED: HttpResponse = { ...text(405, "only GET is served here\n"), headers: [...TEXT, ["allow", "GET, HEAD"]] };

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
