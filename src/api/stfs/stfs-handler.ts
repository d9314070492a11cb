import { performance } from "node:perf_hooks";
import { afterSettled } from "../../base/after-settled.ts";
import type { Clock } from "../../base/clock.ts";
import { RefusedError } from "../../base/run-limits.ts";
import { ServingError } from "../../base/serving-error.ts";
import { errorBody } from "../../codec/json/error-body.ts";
import type { RunContext } from "../../model/servable.ts";
import type { RequestMetrics } from "../../serving/request-metrics.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import { HTTP_STATUS } from "../http-status.ts";
import { RunDeadline } from "../run-deadline.ts";
import { type ClientServices, clientAnswer, exampleAnswer } from "./client-answers.ts";
import { modelDetail, modelDetails } from "./model-detail.ts";
import { type Found, inferJson, type StfsInferenceServices } from "./stfs-inference.ts";
import { isProgramTarget, parseStfsTarget } from "./stfs-route.ts";

/** What Simple TensorFlow Serving's API needs of its thread. */
export interface StfsServices extends StfsInferenceServices, ClientServices {
  readonly metrics: RequestMetrics;
  /** Longest model run, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Told of errors that are nobody's ServingError: bugs, for the log. */
  readonly reportFault: (reason: unknown) => void;
}

type Headers = HttpResponse["headers"];

/** What a request is answered with when it goes well. */
export interface StfsAnswer {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const JSON_HEADERS: Headers = [["content-type", "application/json"]];
/** A second later the queue is another one. */
const RETRY_LATER = ["retry-after", "1"] as const;

const encoder = new TextEncoder();

/** Simple TensorFlow Serving's API: what is posted to `/`, and of what is below `/v1/` the targets of {@link isStfsTarget}, and what is posted to those of {@link isProgramTarget}. */
export function createStfsHandler(services: StfsServices): HttpHandler {
  return (request) => {
    const start = performance.now();
    const { method } = request;
    if (method !== "POST" && method !== "GET" && method !== "HEAD") return NOT_ALLOWED;
    const posted = method === "POST" && !isProgramTarget(request.target);
    let model = "";
    const finish = ({ headers, body }: StfsAnswer, error?: ServingError): HttpResponse => {
      const microseconds = (performance.now() - start) * 1000;
      services.metrics.finished(model, posted ? "predict" : "", "REST", error?.code ?? "ok", microseconds);
      return { status: error === undefined ? 200 : HTTP_STATUS[error.code], headers, body };
    };
    const fail = (reason: unknown): HttpResponse => {
      const error = ServingError.from(reason);
      if (error !== reason) services.reportFault(reason);
      const headers = error instanceof RefusedError ? [...JSON_HEADERS, RETRY_LATER] : JSON_HEADERS;
      return finish({ headers, body: errorBody(error.message) }, error);
    };
    services.metrics.begin(start);
    try {
      const answer = posted
        ? predicted(services, request, (found) => {
            model = found;
          })
        : described(services, request);
      if (!(answer instanceof Promise)) return finish(answer);
      services.metrics.leave();
      return answer.then(finish, fail);
    } catch (reason) {
      return fail(reason);
    }
  };
}

function predicted(services: StfsServices, request: HttpRequest, found: Found): StfsAnswer | Promise<StfsAnswer> {
  const isForm = checkContentType(request);
  const body = bounded(services, request, (context) =>
    isForm ? inferLazily(services, request, found, context) : inferJson(services, request.body, found, context),
  );
  return body instanceof Promise ? body.then(inJson) : inJson(body);
}

/** Forms are rare, and what decodes images is large. */
async function inferLazily(services: StfsServices, request: HttpRequest, found: Found, context: RunContext): Promise<Uint8Array> {
  const { inferForm } = await import("./image-form.ts");
  return await inferForm(services, request, found, context);
}

/** Whether the body is a form; else it is JSON, as without a content type. @throws ServingError invalid-argument for another type. */
function checkContentType(request: HttpRequest): boolean {
  const type = (request.header("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type === "multipart/form-data") return true;
  if (type === "" || type.includes("json")) return false;
  const expected = "expected application/json or multipart/form-data";
  throw new ServingError(
    "invalid-argument",
    `Error, unsupported content type ${JSON.stringify(type.slice(0, 100))}, ${expected}`,
  );
}

function described(services: StfsServices, request: HttpRequest): StfsAnswer | Promise<StfsAnswer> {
  const { table } = services;
  const route = parseStfsTarget(request.target);
  switch (route.kind) {
    case "models":
      return inJson(modelDetails(table));
    case "detail":
      return inJson(modelDetail(table, route.model));
    case "gen_json":
      return exampleAnswer(services, route.model, route.query);
    case "gen_client":
      return clientAnswer(services, request, route.model, route.query);
  }
}

function inJson(value: unknown): StfsAnswer {
  return { headers: JSON_HEADERS, body: value instanceof Uint8Array ? value : encoder.encode(`${JSON.stringify(value)}\n`) };
}

/** Runs within the time limit. */
function bounded<Result>(
  { timeoutMs, clock }: StfsServices,
  request: HttpRequest,
  run: (context: RunContext) => Result | Promise<Result>,
): Result | Promise<Result> {
  const deadline = new RunDeadline(request, timeoutMs, clock);
  const result = run(deadline);
  return result instanceof Promise ? afterSettled(result, () => deadline.end()) : result;
}

const NOT_ALLOWED: HttpResponse = {
  status: 405,
  headers: [...JSON_HEADERS, ["allow", "GET, HEAD"]],
  body: errorBody("only GET is served here"),
};
