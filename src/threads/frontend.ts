import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { createAdminHandler } from "../api/admin/admin-handler.ts";
import { isAdminTarget } from "../api/admin/admin-route.ts";
import type { EventStreams } from "../api/dashboard/event-streams.ts";
import { createHttpRouter } from "../api/operation-routes.ts";
import { isProgramTarget, isStfsTarget } from "../api/stfs/stfs-route.ts";
import { CallRecorder } from "../api/tfs-grpc/call-recorder.ts";
import { predictionServiceMethods } from "../api/tfs-grpc/prediction-service.ts";
import { sessionServiceMethods } from "../api/tfs-grpc/session-service.ts";
import { createTfsRestHandler } from "../api/tfs-rest/tfs-rest-handler.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { largeBuffers } from "../base/large-buffers.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { errorBody } from "../codec/json/error-body.ts";
import type { Gauge } from "../metrics/cells.ts";
import { BUFFERED_BYTES, OPEN_CONNECTIONS, REQUESTS_IN_FLIGHT, TLS_HANDSHAKE_FAILURES } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import { pathNeeds } from "../security/access/access-table.ts";
import { Cors } from "../security/access/cors.ts";
import { ownPagesOnly } from "../security/access/cross-site.ts";
import type { Gate } from "../security/access/gate.ts";
import type { Principals } from "../security/access/principals.ts";
import type { ControlCalls } from "../serving/admin.ts";
import type { DashboardCall, DashboardEvents } from "../serving/dashboard-call.ts";
import { Inference } from "../serving/inference.ts";
import { RequestLog, type RequestLogChannel, type RequestLogRule } from "../serving/request-log.ts";
import { RequestMetrics } from "../serving/request-metrics.ts";
import { RunQueue } from "../serving/run-queue.ts";
import type { ServingTable } from "../serving/serving-table.ts";
import { BufferBudget } from "../transport/buffer-budget.ts";
import type { ConnectionContext } from "../transport/connection.ts";
import type { Poller } from "../transport/epoll/poller.ts";
import type { GrpcMethod } from "../transport/grpc/method.ts";
import type { HttpResponse } from "../transport/http-exchange.ts";
import { createHttp1Connection } from "../transport/http1/connection.ts";
import { createHttp2Connection } from "../transport/http2/connection.ts";
import { type BoundEndpoint, type Endpoint, Listener } from "../transport/listener.ts";
import type { TlsMaterial } from "../transport/tls/tls-material.ts";
import type { TlsTerminator } from "../transport/tls/tls-terminator.ts";
import { afterOthers } from "../transport/turn-end.ts";
import { guardedMethod, openGate } from "./access-wiring.ts";
import { countedHandler, countedMethod } from "./in-flight.ts";
import type { StartJsonThread } from "./json-thread-link.ts";
import { JsonThreads } from "./json-threads.ts";
import { lazyHandler } from "./lazy-handler.ts";
import { lazyMethods } from "./lazy-methods.ts";
import { Readiness } from "./readiness.ts";
import type { ServingOptions } from "./serving-options.ts";

const PREDICTION = "/tensorflow.serving.PredictionService/";
const MODEL = "/tensorflow.serving.ModelService/";
const HEALTH = "/grpc.health.v1.Health/";
const REFLECTION = {
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "streaming",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "streaming",
} as const;

/** Milliseconds between two counts of the open connections. */
const SAMPLE_MS = 1000;

/** Streams of events that dashboards of one thread may have open. */
const MOST_EVENT_STREAMS = 2000;

/** Where the build puts the page, seen from this file's own place in it. */
const DASHBOARD_FOLDER = new URL("../dashboard/", import.meta.url);

const NO_DASHBOARD: HttpResponse = {
  status: 404,
  headers: [["content-type", "application/json"]],
  body: errorBody("the dashboard is off; start the server with --enable_dashboard to use it"),
};

/** What a thread's frontend is made of. */
export interface FrontendParts {
  readonly options: ServingOptions;
  /** Serves connections without TLS; undefined: Node does. Closed with the frontend. */
  readonly poller: Poller | undefined;
  readonly table: ServingTable;
  readonly shard: MetricsShard;
  readonly control: ControlCalls;
  readonly clock: Clock;
  readonly log: Log;
  /** Starts the thread that large JSON is read and written on; it is ended with the frontend. */
  readonly startJsonThread: StartJsonThread;
}

/** Answers every gRPC call of an endpoint that is for REST alone. */
const GRPC_ELSEWHERE: GrpcMethod = {
  kind: "unary",
  run() {
    throw new ServingError("permission-denied", "gRPC is served with TLS, on the gRPC port alone; this port takes REST");
  },
};

/** Everything of one serving thread that faces the network: every API, on every port, over both versions of HTTP. */
export class Frontend {
  readonly #context: ConnectionContext;
  /** Undefined when nobody is asked who calls. */
  readonly #gate: Promise<Gate> | undefined;
  readonly #log: Log;
  readonly #shard: MetricsShard;
  readonly #poller: Poller | undefined;
  readonly #readiness: Readiness;
  readonly #clock: Clock;
  readonly #openConnections: Gauge;
  readonly #bufferedBytes: Gauge;
  readonly #buffers: BufferBudget;
  readonly #json: JsonThreads;
  readonly #inference: Inference;
  readonly #requestLog: RequestLog;
  readonly #listeners: Listener[] = [];
  /** Undefined until somebody has asked for the dashboard. */
  #dashboards: EventStreams | undefined;
  #draining = false;
  #sampling: Timer;
  #tls: TlsMaterial | undefined;
  #terminator: TlsTerminator | undefined;

  constructor({ options, poller, table, shard, control, clock, log, startJsonThread }: FrontendParts) {
    const metrics = new RequestMetrics(shard);
    this.#json = new JsonThreads({ start: startJsonThread, clock, log });
    const inference = new Inference(table, metrics, {
      queue: new RunQueue(options.runLimits, afterOthers),
      signatureMethodNameCheck: options.signatureMethodNameCheck,
    });
    const readiness = new Readiness(table);
    const reportFault = (reason: unknown) => log.error("request_failed", { err: reason });
    const recorder = new CallRecorder(
      metrics,
      reportFault,
      log.debugging ? (fields) => log.debug("grpc_request", fields) : undefined,
    );
    const rest = createTfsRestHandler({
      table,
      inference,
      metrics,
      timeoutMs: options.restTimeoutMs,
      clock,
      json: this.#json,
      reportFault,
      ...(log.debugging && { logRequest: (fields) => log.debug("rest_request", fields) }),
    });
    const admin = ownPagesOnly(
      createAdminHandler({
        enabled: options.adminApi,
        call: (call) => control.admin(call),
        longestWaitMs: options.restTimeoutMs,
        clock,
        reportFault,
      }),
    );
    const stfs = lazyHandler(async () =>
      (await import("../api/stfs/stfs-handler.ts")).createStfsHandler({
        table,
        inference,
        metrics,
        json: this.#json,
        timeoutMs: options.restTimeoutMs,
        clock,
        reportFault,
      }),
    );
    const dashboard = options.dashboard
      ? lazyHandler(async () => {
          const [{ createDashboardHandler }, { EventStreams: Streams }] = await Promise.all([
            import("../api/dashboard/dashboard-handler.ts"),
            import("../api/dashboard/event-streams.ts"),
          ]);
          const call = (asked: DashboardCall) => control.dashboard(asked);
          const counted = (all: number, figures: number) =>
            void call({ kind: "watchers", all, figures }).catch((reason) => log.debug("dashboard_not_told", { err: reason }));
          const streams = new Streams({ clock, counted, most: MOST_EVENT_STREAMS });
          this.#dashboards = streams;
          if (this.#draining) streams.close();
          return createDashboardHandler({
            table,
            streams,
            call,
            adminApi: options.adminApi,
            folder: fileURLToPath(DASHBOARD_FOLDER),
            reportFault,
          });
        })
      : () => NO_DASHBOARD;
    const openapi = lazyHandler(async () =>
      (await import("../api/openapi/openapi-handler.ts")).createOpenApiHandler({
        table,
        serverVersion: options.serverVersion,
        authenticated: options.authenticated,
        adminApi: options.adminApi,
        metricsPath: options.metricsPath,
        checksMethodNames: options.signatureMethodNameCheck,
        reportFault,
      }),
    );
    const calls = {
      inference,
      recorder,
      asTensorContent: options.tensorContent,
      maxRequestBytes: options.limits.maxBodyBytes,
    };
    const methods = new Map<string, GrpcMethod>([
      ...predictionServiceMethods(calls),
      ...(options.sessionService ? sessionServiceMethods({ ...calls, clock }) : []),
      ...lazyMethods({ [`${PREDICTION}GetModelMetadata`]: "unary" }, async () =>
        (await import("../api/tfs-grpc/metadata-method.ts")).metadataMethods(table),
      ),
      ...lazyMethods({ [`${MODEL}GetModelStatus`]: "unary", [`${MODEL}HandleReloadConfigRequest`]: "unary" }, async () =>
        (await import("../api/tfs-grpc/model-service.ts")).modelServiceMethods(table, control),
      ),
      ...lazyMethods({ [`${HEALTH}Check`]: "unary", [`${HEALTH}List`]: "unary", [`${HEALTH}Watch`]: "streaming" }, async () =>
        (await import("../api/health/health-methods.ts")).healthMethods(readiness),
      ),
      ...lazyMethods(REFLECTION, async () =>
        (await import("../api/reflection/reflected-services.ts")).reflectedServices(options),
      ),
    ]);
    const inFlight = (protocol: string) => shard.gauge(REQUESTS_IN_FLIGHT, protocol);
    const router = createHttpRouter(
      { isReady: () => readiness.ready, metrics: (style) => control.metrics(style), metricsPath: options.metricsPath },
      {
        rest: (request) => {
          if (isAdminTarget(request.target)) return admin(request);
          const isStfs = request.method === "POST" ? isProgramTarget : isStfsTarget;
          return isStfs(request.target) ? stfs(request) : rest(request);
        },
        stfs,
        dashboard,
        openapi,
      },
    );
    const needs = pathNeeds(options.metricsPath);
    const { everyone, origins } = options.cors;
    const cors = everyone || origins.length > 0 ? new Cors(options.cors, needs) : undefined;
    const counted = new Map(
      [...methods].map(([path, method]) => [path, countedMethod(guardedMethod(path, method), inFlight("grpc"))]),
    );
    const services = new Set([...counted.keys()].map((path) => path.slice(1, path.lastIndexOf("/"))));
    this.#gate = options.authenticated ? openGate({ shard, clock, log, needs, cors }) : undefined;
    this.#inference = inference;
    this.#requestLog = new RequestLog({ shard, clock });
    this.#log = log;
    this.#shard = shard;
    this.#poller = poller;
    this.#readiness = readiness;
    this.#clock = clock;
    this.#openConnections = shard.gauge(OPEN_CONNECTIONS);
    this.#bufferedBytes = shard.gauge(BUFFERED_BYTES);
    this.#buffers = new BufferBudget(options.limits.maxBufferedBytes);
    this.#sampling = this.#sample();
    this.#context = {
      http: countedHandler(cors?.wrap(router) ?? router, inFlight("http")),
      grpc: Object.assign((path: string) => counted.get(path), { hasService: (name: string) => services.has(name) }),
      limits: options.limits,
      clock,
      buffers: this.#buffers,
      compressResponses: options.compressResponses,
      ...(poller !== undefined && { adopt: (socket: Socket, address?: string) => poller.adopt(socket, address) }),
      report: (event, detail) => (event === "handler_fault" ? log.error(event, { err: detail }) : log.debug(event, { detail })),
    };
  }

  /** Opens one more endpoint. Rejects with a ServingError when it cannot be had. */
  async listen(endpoint: Endpoint): Promise<BoundEndpoint> {
    const { tls = false, grpc = true } = endpoint.kind === "unix" ? {} : endpoint;
    const gate = await this.#gate;
    const gated = gate === undefined ? this.#context : { ...this.#context, gate };
    const context = grpc ? gated : { ...gated, grpc: () => GRPC_ELSEWHERE };
    const factories = { http1: createHttp1Connection, http2: createHttp2Connection };
    const listener = new Listener(context, factories, tls ? await this.#terminate() : undefined);
    const bound = await listener.listen(endpoint);
    this.#listeners.push(listener);
    return bound;
  }

  /** What TLS handshakes use from now on; what is secured already stays as it is. */
  setTls(material: TlsMaterial): void {
    this.#tls = material;
    this.#terminator?.update(material);
  }

  /** Who may call from now on. */
  setPrincipals(principals: Principals): void {
    void this.#gate?.then((gate) => gate.setPrincipals(principals));
  }

  /** What `/readyz` and the health service say of the whole server. */
  setReady(ready: boolean): void {
    this.#readiness.setReady(ready);
  }

  /** Which requests are logged from now on, by model, and where their records go. */
  setRequestLogs(rules: ReadonlyMap<string, RequestLogRule>, channel: RequestLogChannel): void {
    this.#requestLog.configure(rules, channel);
    this.#inference.setRequestLog(rules.size > 0 ? this.#requestLog : undefined);
  }

  /** Tells health watchers that a model's versions have changed state. */
  statusesChanged(): void {
    this.#readiness.notify();
  }

  /** Passes events on to the dashboards that are open. */
  tellDashboards(events: DashboardEvents): void {
    this.#dashboards?.send(events);
  }

  /** Takes no new connections or requests, answers those in flight, and resolves when all are closed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#readiness.setReady(false);
    this.#sampling.cancel();
    this.#draining = true;
    this.#dashboards?.close();
    await Promise.all(this.#listeners.map((listener) => listener.drain(timeoutMs)));
    this.#requestLog.flush();
    this.#poller?.close();
    this.#json.close();
  }

  async #terminate(): Promise<TlsTerminator> {
    // Loaded when first needed: a server without TLS does without all of node:tls.
    const { TlsTerminator: Terminator } = await import("../transport/tls/tls-terminator.ts");
    if (this.#tls === undefined)
      throw new ServingError("internal", "an endpoint with TLS was opened before there was a certificate");
    const failures = this.#shard.counter(TLS_HANDSHAKE_FAILURES);
    this.#terminator ??= new Terminator(this.#tls, (detail) => {
      failures.add();
      this.#log.debug("tls_handshake_failed", { detail });
    });
    return this.#terminator;
  }

  /** Closes every socket now, those that listen too; for a thread that is about to die. */
  abandon(): void {
    for (const listener of this.#listeners) void listener.close();
    this.#json.close();
  }

  /** Notes how many connections are open and what they keep, now and every second. */
  #sample(): Timer {
    this.#bufferedBytes.set(this.#buffers.held);
    this.#openConnections.set(this.#listeners.reduce((sum, listener) => sum + listener.connectionCount, 0));
    largeBuffers.trim();
    return this.#clock.after(SAMPLE_MS, () => {
      this.#sampling = this.#sample();
    });
  }
}
