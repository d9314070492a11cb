import { performance } from "node:perf_hooks";
import { afterSettled } from "../../base/after-settled.ts";
import type { Clock } from "../../base/clock.ts";
import { RefusedError } from "../../base/run-limits.ts";
import { ServingError, type StatusCode } from "../../base/serving-error.ts";
import { scanDocument, signatureName } from "../../codec/json/document.ts";
import { errorBody } from "../../codec/json/error-body.ts";
import { readExamples } from "../../codec/json/examples.ts";
import { writeClassifyResponse, writeRegressResponse } from "../../codec/json/results.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";
import { isMultipart } from "../../codec/multipart/multipart-framing.ts";
import type { RunContext } from "../../model/servable.ts";
import type { Inference } from "../../serving/inference.ts";
import type { RequestMetrics } from "../../serving/request-metrics.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import { withServable } from "../../serving/with-servable.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../../transport/http-exchange.ts";
import { HTTP_STATUS } from "../http-status.ts";
import { RunDeadline } from "../run-deadline.ts";
import type { JsonWorker } from "./json-worker.ts";
import { answerLargeBody, LARGE_BODY_BYTES } from "./large-json.ts";
import { RestPredict } from "./rest-predict.ts";
import { type RestRoute, RouteTable } from "./route.ts";
import { statusJson } from "./status-json.ts";

/** What the REST API needs of its thread. */
export interface TfsRestServices {
  readonly table: ServingTable;
  readonly inference: Inference;
  readonly metrics: RequestMetrics;
  /** Longest model run, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Reads large bodies and writes large answers; without it the caller's thread does. */
  readonly json?: JsonWorker;
  /** Told of errors that are nobody's ServingError: bugs, for the log. */
  readonly reportFault: (reason: unknown) => void;
  /** Told of each finished request when the log is at debug level. */
  readonly logRequest?: (fields: {
    method: string;
    target: string;
    status: number;
    microseconds: number;
    error?: unknown;
  }) => void;
}

type Headers = readonly (readonly [string, string])[];

const JSON_HEADERS: Headers = [["content-type", "application/json"]];
/** A second later the queue is another one. */
const RETRY_LATER = ["retry-after", "1"] as const;
const EMPTY = new Uint8Array(0);

/** Names of the REST calls in the latency metric; plain GETs have none. */
const API_NAMES: Readonly<Record<RestRoute["kind"], string>> = {
  predict: "predict",
  classify: "classify",
  regress: "regress",
  status: "",
  metadata: "",
};

/** TensorFlow Serving's REST API: answers every path below `/v1/`, in any case of letters. */
export function createTfsRestHandler(services: TfsRestServices): HttpHandler {
  const routes = new RouteTable();
  return (request) => {
    const start = performance.now();
    if (request.method === "OPTIONS") return preflight(request);
    let route: RestRoute | undefined;
    const finish = (body: Uint8Array, error?: ServingError): HttpResponse => {
      const microseconds = (performance.now() - start) * 1000;
      const code: StatusCode | "ok" = error?.code ?? "ok";
      const status = error === undefined ? 200 : HTTP_STATUS[error.code];
      services.metrics.finished(route?.model ?? "", route === undefined ? "" : API_NAMES[route.kind], "REST", code, microseconds);
      services.logRequest?.({
        method: request.method,
        target: request.target,
        status,
        microseconds,
        ...(error && { err: error }),
      });
      return { status, headers: error instanceof RefusedError ? [...JSON_HEADERS, RETRY_LATER] : JSON_HEADERS, body };
    };
    const fail = (reason: unknown): HttpResponse => {
      const error = ServingError.from(reason);
      if (error !== reason) services.reportFault(reason);
      return finish(errorBody(error.message), error);
    };
    services.metrics.begin(start);
    try {
      route = routes.find(request.method, request.target);
      const body = answer(services, route, request);
      if (!(body instanceof Promise)) return finish(body);
      services.metrics.leave();
      return body.then(finish, fail);
    } catch (reason) {
      return fail(reason);
    }
  };
}

function answer(services: TfsRestServices, route: RestRoute, request: HttpRequest): Uint8Array | Promise<Uint8Array> {
  const { json, inference } = services;
  if (route.kind !== "status" && route.kind !== "metadata") inference.admit(route.model, request.body.length);
  if (route.kind === "predict" && mayBeForm(request.body[0]) && isMultipart(request.header("content-type"))) {
    return bounded(services, request, async (context) => {
      const { answerForm } = await import("./predict-form.ts");
      return answerForm({ json, inference }, request, (signature) => modelSpec(route, signature), context);
    });
  }
  if (json !== undefined && request.body.length >= LARGE_BODY_BYTES && route.kind !== "status" && route.kind !== "metadata") {
    const { kind } = route;
    const specOf = (signature: string) => modelSpec(route, signature);
    return bounded(services, request, (context) => answerLargeBody({ json, inference }, kind, request, specOf, context));
  }
  switch (route.kind) {
    case "predict": {
      const document = scanDocument(request.body);
      const spec = modelSpec(route, signatureName(document));
      return bounded(services, request, (context) =>
        inference.predict(spec, new RestPredict(document, request.target, json, context), context),
      );
    }
    case "classify":
    case "regress": {
      const document = scanDocument(request.body);
      const spec = modelSpec(route, signatureName(document));
      const call = { spec, examples: readExamples(document, route.kind) };
      return bounded(services, request, async (context) =>
        route.kind === "classify"
          ? writeClassifyResponse((await services.inference.classify(call, context)).rows)
          : writeRegressResponse((await services.inference.regress(call, context)).values),
      );
    }
    case "status":
      return statusJson(services.table.statuses(route.model, route.version));
    case "metadata":
      return metadata(services.table, route);
  }
}

/** Whether the first byte of a body can be that of a form: no JSON that is taken begins with a dash, or with half a line break. */
function mayBeForm(firstByte: number | undefined): boolean {
  return firstByte === 0x2d || firstByte === 0x0d;
}

/** Runs within the time limit; a run that is over at once costs no more than the object. */
function bounded<Result>(
  { timeoutMs, clock }: TfsRestServices,
  request: HttpRequest,
  run: (context: RunContext) => Result | Promise<Result>,
): Result | Promise<Result> {
  const deadline = new RunDeadline(request, timeoutMs, clock);
  const result = run(deadline);
  return result instanceof Promise ? afterSettled(result, () => deadline.end()) : result;
}

/** What describes generated messages is loaded when it is first asked for: it would double the time a thread takes to start. */
async function metadata(table: ServingTable, route: RestRoute): Promise<Uint8Array> {
  return await withServable(table, modelSpec(route, ""), async ({ id, servable }) => {
    const { metadataJson } = await import("./metadata-json.ts");
    return metadataJson(route.model, id.version, servable.signatures);
  });
}

function modelSpec(route: RestRoute, signature: string): ModelSpec {
  return { name: route.model, version: route.version, versionLabel: route.label, signatureName: signature };
}

/** A browser that asks what it may send is told nothing here: who allows it that answers it before. */
function preflight(request: HttpRequest): HttpResponse {
  const origin = request.header("origin") ?? "";
  if (!/https?:\/\//.test(origin)) return { status: 400, headers: [], body: EMPTY };
  return { status: 200, headers: [], body: EMPTY };
}
