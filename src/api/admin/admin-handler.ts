import type { Clock } from "../../base/clock.ts";
import { deferred } from "../../base/deferred.ts";
import { ServingError } from "../../base/serving-error.ts";
import { errorBody } from "../../codec/json/error-body.ts";
import type { AdminAnswer, AdminCall, ChangeTerms } from "../../serving/admin.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import { HTTP_STATUS } from "../http-status.ts";
import { type AdminRoute, parseAdminTarget } from "./admin-route.ts";

/** What the admin API needs of its thread. */
export interface AdminServices {
  /** Off: every request is refused here, and nothing reaches the control thread. */
  readonly enabled: boolean;
  readonly call: (call: AdminCall) => Promise<AdminAnswer>;
  /** Longest that a caller who asked for it waits for a model, in milliseconds; 0 for no limit. */
  readonly longestWaitMs: number;
  readonly clock: Clock;
  /** Told of errors that are nobody's ServingError: bugs, for the log. */
  readonly reportFault: (reason: unknown) => void;
}

/** Largest config of one model: they have some hundreds of bytes, and the control thread does nothing else while it reads one. */
export const LARGEST_CONFIG_BYTES = 64 * 1024;

const STATUS: Readonly<Record<AdminAnswer["kind"], number>> = {
  found: 200,
  created: 201,
  replaced: 200,
  deleted: 200,
  mismatch: 412,
};
/** `no-store`: base paths are nobody else's business. */
const HEADERS = [
  ["content-type", "application/json"],
  ["cache-control", "no-store"],
] as const;
const ALLOWED = { all: "GET, HEAD", one: "GET, HEAD, PUT, DELETE" } as const;
const encoder = new TextEncoder();

/**
 * Reads and changes the configs of models: `/v1/config` has all of them, `/v1/config/models/NAME` one. A change is refused
 * unless it says `application/json`, which a page of another origin may not send without being asked first.
 */
export function createAdminHandler(services: AdminServices): HttpHandler {
  return async (request) => {
    try {
      if (!services.enabled) {
        throw new ServingError("permission-denied", "the admin API is off; start the server with --enable_admin_api to use it");
      }
      const route = parseAdminTarget(request.target);
      const verb = request.method;
      const allowed = route.model === undefined ? ALLOWED.all : ALLOWED.one;
      if (!allowed.split(", ").includes(verb)) return refusal(405, `only ${allowed} can be asked for here`, [["allow", allowed]]);
      if (verb === "PUT" && !isJson(request.header("content-type"))) {
        return refusal(415, "a model's config must be sent with content-type: application/json");
      }
      if (verb === "PUT" && request.body.length > LARGEST_CONFIG_BYTES) {
        return refusal(413, `the config of a model has at most ${LARGEST_CONFIG_BYTES} bytes`);
      }
      return respond(await waitFor(services.call(callOf(verb, route, request)), services, route, request.signal));
    } catch (reason) {
      const error = ServingError.from(reason);
      if (error !== reason) services.reportFault(reason);
      return refusal(HTTP_STATUS[error.code], error.message);
    }
  };
}

function callOf(verb: string, { model, wait, write }: AdminRoute, request: HttpRequest): AdminCall {
  if (model === undefined) return { kind: "list" };
  if (verb === "GET" || verb === "HEAD") return { kind: "get", model };
  const terms: ChangeTerms = {
    ifMatch: tagsOf(request.header("if-match")),
    ifNew: isNewOnly(request.header("if-none-match")),
    wait,
    write,
  };
  return verb === "PUT" ? { kind: "put", model, config: textOf(request.body), terms } : { kind: "delete", model, terms };
}

/** Whether `If-None-Match` lets the change be made to what is not there only. */
function isNewOnly(header: string | undefined): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  throw new ServingError("invalid-argument", "If-None-Match of a change can only be *, for a model that is not there yet");
}

/** The strong tags of an `If-Match` header, without their quotes. A weak one, which nothing may be compared with, is refused. */
function tagsOf(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  return header.split(",").map((part) => {
    const tag = part.trim();
    if (tag === "*") return tag;
    const quoted = /^"([^"]*)"$/.exec(tag)?.[1];
    if (quoted === undefined || quoted === "*") {
      throw new ServingError("invalid-argument", 'If-Match must hold tags as ETag gave them, such as "a1b2", or *');
    }
    return quoted;
  });
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new ServingError("invalid-argument", "the config of the model is not UTF-8", { cause });
  }
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType?.trim() ?? "");
}

function respond(answer: AdminAnswer): HttpResponse {
  const status = STATUS[answer.kind];
  switch (answer.kind) {
    case "mismatch":
      return refusal(status, answer.message);
    case "deleted":
      return { status, headers: HEADERS, body: encoder.encode("{}\n") };
    case "found":
    case "created":
    case "replaced":
      return { status, headers: [...HEADERS, ["etag", `"${answer.tag}"`]], body: encoder.encode(answer.config) };
  }
}

function refusal(status: number, message: string, headers: HttpResponse["headers"] = []): HttpResponse {
  return { status, headers: [...HEADERS, ...headers], body: errorBody(message) };
}

/** A wait for a model may never end: it is given up when the caller has left or the longest wait is over. */
async function waitFor(
  answer: Promise<AdminAnswer>,
  { longestWaitMs, clock }: AdminServices,
  { model, wait }: AdminRoute,
  signal: AbortSignal,
): Promise<AdminAnswer> {
  const given = deferred<never>();
  const leave = () => given.reject(new ServingError("cancelled", "the caller has left"));
  const timer =
    wait && longestWaitMs > 0
      ? clock.after(longestWaitMs, () =>
          given.reject(
            new ServingError(
              "deadline-exceeded",
              `model ${model} has no available version after ${longestWaitMs} ms; its config is in force, and its status tells more`,
            ),
          ),
        )
      : undefined;
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave);
  try {
    return await Promise.race([answer, given.promise]);
  } finally {
    timer?.cancel();
    signal.removeEventListener("abort", leave);
  }
}
