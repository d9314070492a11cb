import { Buffer } from "node:buffer";
import { GRANTS, type Grant } from "../../base/grant.ts";
import { ServingError } from "../../base/serving-error.ts";
import { errorBody } from "../../codec/json/error-body.ts";
import type { DashboardCall } from "../../serving/dashboard-call.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import { HTTP_STATUS } from "../http-status.ts";
import type { DashboardSession } from "./dashboard-messages.ts";
import { type DashboardRoute, parseDashboardPath } from "./dashboard-route.ts";
import type { EventStreams } from "./event-streams.ts";
import { StaticFiles } from "./static-files.ts";
import { versionDetail } from "./version-detail.ts";

/** What the dashboard needs of its thread. */
export interface DashboardServices {
  readonly table: ServingTable;
  readonly streams: EventStreams;
  /** Asks the control thread. */
  readonly call: (call: DashboardCall) => Promise<Uint8Array | undefined>;
  /** Whether models can be changed by HTTP. */
  readonly adminApi: boolean;
  /** The folder that the page is built to; read at the first request for a file. */
  readonly folder: string;
  /** Told of errors that are nobody's ServingError: bugs, for the log. */
  readonly reportFault: (reason: unknown) => void;
}

type Headers = HttpResponse["headers"];

/** The page is its own files and nothing else, and nobody's frame. */
const PAGE_HEADERS: Headers = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; " +
      "base-uri 'none'; frame-ancestors 'none'",
  ],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
];

const NO_STORE = ["cache-control", "no-store"] as const;
const JSON_TYPE = ["content-type", "application/json"] as const;
/** `x-accel-buffering` keeps a proxy from holding events back. */
const EVENT_HEADERS: Headers = [["content-type", "text/event-stream"], NO_STORE, ["x-accel-buffering", "no"], ...PAGE_HEADERS];

const BUSY = "too many dashboards are open; try again later";
const RETRY_AFTER_SECONDS = "10";
const EMPTY = new Uint8Array(0);

/** The dashboard's files and figures: what is below `/dashboard`, and the redirections that lead there. */
export function createDashboardHandler(services: DashboardServices): HttpHandler {
  let files: Promise<StaticFiles> | undefined;
  const readFiles = (): Promise<StaticFiles> => {
    files ??= StaticFiles.read(services.folder).catch((reason: unknown) => {
      // It may be built by the next request.
      files = undefined;
      throw reason;
    });
    return files;
  };
  return async (request) => {
    try {
      const { method, target } = request;
      if (method !== "GET" && method !== "HEAD") return refusal(405, "only GET is served here", [["allow", "GET, HEAD"]]);
      const query = target.indexOf("?");
      const route = parseDashboardPath(query < 0 ? target : target.slice(0, query));
      return await answer(route, request, services, readFiles);
    } catch (reason) {
      const error = ServingError.from(reason);
      if (error !== reason) services.reportFault(reason);
      return refusal(error.code === "failed-precondition" ? 404 : HTTP_STATUS[error.code], error.message);
    }
  };
}

async function answer(
  route: DashboardRoute,
  request: HttpRequest,
  services: DashboardServices,
  readFiles: () => Promise<StaticFiles>,
): Promise<HttpResponse> {
  switch (route.kind) {
    case "redirect":
      return { status: 302, headers: [["location", route.location], NO_STORE, ...PAGE_HEADERS], body: EMPTY };
    case "file": {
      const found = (await readFiles()).answer(route.name, request);
      if (found === undefined) throw new ServingError("not-found", "the dashboard has no such file");
      return { ...found, headers: [...found.headers, ...PAGE_HEADERS] };
    }
    case "session":
      return json(session(request, services.adminApi));
    case "state":
      return jsonBytes(await services.call({ kind: "state" }));
    case "figures":
      if (!may(request, "metrics")) throw new ServingError("permission-denied", "figures need the grant metrics");
      return jsonBytes(await services.call({ kind: "figures" }));
    case "history": {
      const history = await services.call({ kind: "history", model: route.model });
      if (history === undefined) throw new ServingError("not-found", `nothing is known of a model ${route.model}`);
      return jsonBytes(history);
    }
    case "version":
      return json(versionDetail(services.table, route.model, route.version));
    case "events": {
      // A stream that nobody reads would count as a watcher.
      if (request.method === "HEAD") return { status: 200, headers: EVENT_HEADERS, body: EMPTY };
      const events = services.streams.open(may(request, "metrics"));
      if (events === undefined) return refusal(503, BUSY, [["retry-after", RETRY_AFTER_SECONDS]]);
      return { status: 200, headers: EVENT_HEADERS, body: events };
    }
  }
}

/** Where nobody is asked who they are, everybody may do everything. */
function may({ principal }: HttpRequest, grant: Grant): boolean {
  return principal === undefined || principal.grants.has(grant);
}

function session(request: HttpRequest, adminApi: boolean): DashboardSession {
  const [inference, admin, metrics] = GRANTS.map((grant) => may(request, grant)) as [boolean, boolean, boolean];
  const { principal } = request;
  return { ...(principal && { name: principal.name }), grants: { inference, admin, metrics }, adminApi };
}

function json(value: unknown): HttpResponse {
  return jsonBytes(Buffer.from(JSON.stringify(value)));
}

function jsonBytes(body: Uint8Array = EMPTY): HttpResponse {
  return { status: 200, headers: [JSON_TYPE, NO_STORE, ...PAGE_HEADERS], body };
}

function refusal(status: number, message: string, headers: Headers = []): HttpResponse {
  return { status, headers: [JSON_TYPE, NO_STORE, ...headers, ...PAGE_HEADERS], body: errorBody(message) };
}
