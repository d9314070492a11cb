import type { Socket } from "node:net";
import { createAdminHandler } from "../api/admin/admin-handler.ts";
import { isAdminTarget } from "../api/admin/admin-route.ts";
import { createHttpRouter } from "../api/operation-routes.ts";
import { isStfsTarget } from "../api/stfs/stfs-route.ts";
import { CallRecorder } from "../api/tfs-grpc/call-recorder.ts";
import { predictionServiceMethods } from "../api/tfs-grpc/prediction-service.ts";
import { sessionServiceMethods } from "../api/tfs-grpc/session-service.ts";
import { createTfsRestHandler } from "../api/tfs-rest/tfs-rest-handler.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { largeBuffers } from "../base/large-buffers.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Gauge } from "../metrics/cells.ts";
import { BUFFERED_BYTES, OPEN_CONNECTIONS, REQUESTS_IN_FLIGHT, TLS_HANDSHAKE_FAILURES } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { ControlCalls } from "../serving/admin.ts";
import { Inference } from "../serving/inference.ts";
import { RequestLog, type RequestLogChannel, type RequestLogRule } from "../serving/request-log.ts";
import { RequestMetrics } from "../serving/request-metrics.ts";
import { RunQueue } from "../serving/run-queue.ts";
import type { ServingTable } from "../serving/serving-table.ts";
import { BufferBudget } from "../transport/buffer-budget.ts";
import type { ConnectionContext } from "../transport/connection.ts";
import type { Poller } from "../transport/epoll/poller.ts";
import type { GrpcMethod } from "../transport/grpc/method.ts";
import { createHttp1Connection } from "../transport/http1/connection.ts";
import { createHttp2Connection } from "../transport/http2/connection.ts";
import { type BoundEndpoint, type Endpoint, Listener } from "../transport/listener.ts";
import type { TlsMaterial } from "../transport/tls/tls-material.ts";
import type { TlsTerminator } from "../transport/tls/tls-terminator.ts";
import { afterOthers } from "../transport/turn-end.ts";
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
      cors: options.cors,
      reportFault,
      ...(log.debugging && { logRequest: (fields) => log.debug("rest_request", fields) }),
    });
    const admin = createAdminHandler({
      enabled: options.adminApi,
      call: (call) => control.admin(call),
      longestWaitMs: options.restTimeoutMs,
      clock,
      reportFault,
    });
    const stfs = lazyHandler(async () =>
      (await import("../api/stfs/stfs-handler.ts")).createStfsHandler({
        table,
        inference,
        metrics,
        timeoutMs: options.restTimeoutMs,
        clock,
        reportFault,
      }),
    );
    const dashboard = lazyHandler(async () => (await import("../api/dashboard/dashboard-handler.ts")).createDashboardHandler());
    const openapi = lazyHandler(async () => (await import("../api/openapi/openapi-handler.ts")).createOpenApiHandler({ table }));
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
          return request.method !== "POST" && isStfsTarget(request.target) ? stfs(request) : rest(request);
        },
        stfs,
        dashboard,
        openapi,
      },
    );
    const counted = new Map([...methods].map(([path, method]) => [path, countedMethod(method, inFlight("grpc"))]));
    const services = new Set([...counted.keys()].map((path) => path.slice(1, path.lastIndexOf("/"))));
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
      http: countedHandler(router, inFlight("http")),
      grpc: Object.assign((path: string) => counted.get(path), { hasService: (name: string) => services.has(name) }),
      limits: options.limits,
      clock,
      buffers: this.#buffers,
      compressResponses: options.compressResponses,
      ...(poller !== undefined && { adopt: (socket: Socket) => poller.adopt(socket) }),
      report: (event, detail) => (event === "handler_fault" ? log.error(event, { err: detail }) : log.debug(event, { detail })),
    };
  }

  /** Opens one more endpoint. Rejects with a ServingError when it cannot be had. */
  async listen(endpoint: Endpoint): Promise<BoundEndpoint> {
    const { tls = false, grpc = true } = endpoint.kind === "unix" ? {} : endpoint;
    const context = grpc ? this.#context : { ...this.#context, grpc: () => GRPC_ELSEWHERE };
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

  /** Takes no new connections or requests, answers those in flight, and resolves when all are closed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#readiness.setReady(false);
    this.#sampling.cancel();
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
