import { closeSync, existsSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { type ServableId, servableKey } from "../core/servable-id.ts";
import type { Publisher } from "../core/serving-map.ts";
import type { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { SERVING_THREAD_RESTARTS, SERVING_THREADS } from "../metrics/process-definitions.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { Principals } from "../security/access/principals.ts";
import type { ControlCalls } from "../serving/admin.ts";
import type { DashboardCall, DashboardEvents } from "../serving/dashboard-call.ts";
import { NO_TRAFFIC_SPLITS, type TrafficSplits } from "../serving/traffic-split.ts";
import type { VersionStatus } from "../serving/version-status.ts";
import { duplicateDescriptor } from "../transport/descriptor.ts";
import type { BoundEndpoint, Endpoint, EndpointUse } from "../transport/listener.ts";
import type { TlsMaterial } from "../transport/tls/tls-material.ts";
import type { ControlRequest, PublishedModel, ThreadNotice, ThreadRequest } from "./messages.ts";
import { PublishedFigures, type VersionReading } from "./published-figures.ts";
import type { StartRequestLogThread } from "./request-log-thread-link.ts";
import { RequestLogs } from "./request-logs.ts";
import type { ServingOptions } from "./serving-options.ts";
import { type ServingThreadLink, type StartThread, ThreadLink } from "./thread-link.ts";

/** What a thread pool needs of the control thread. */
export interface ThreadPoolParts {
  readonly threads: number;
  readonly options: ServingOptions;
  readonly control: Omit<ControlCalls, "dashboard">;
  readonly catalog: MetricsCatalog;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: a worker thread of this process. */
  readonly startThread?: StartThread;
  /** Default: the same. */
  readonly startRequestLogThread?: StartRequestLogThread;
}

/** What answers the dashboards that serving threads have open. */
export interface DashboardSide {
  /** @param thread the one that asks. JSON, or nothing. */
  answer(call: DashboardCall, thread: number): Uint8Array | undefined;
  /** A thread has ended, and its streams with it. */
  forget(thread: number): void;
}

/** A thread that ends sooner than this after its start is replaced only after the same time has passed. */
const STEADY_MS = 1000;

interface Member {
  /** For the log and for metrics: that of one that ended is given again, so that there are never more. */
  readonly number: number;
  readonly link: ServingThreadLink;
  readonly ended: Deferred<void>;
}

/** A listening socket that the threads share. */
interface SharedSocket {
  readonly endpoint: Endpoint;
  /** The pool's own duplicate, which outlives every thread. */
  descriptor: number;
  binding: boolean;
}

/**
 * The serving threads, as the control thread sees them. All of them know the same models, labels and states, and accept
 * connections on the same sockets; one that dies is replaced and told everything again.
 */
export class ThreadPool implements Publisher<SharedModel> {
  readonly #parts: ThreadPoolParts;
  readonly #members = new Map<number, Member>();
  /** Threads that have failed and not ended: runs that they have begun may still be using a model. */
  readonly #dying = new Set<Promise<void>>();
  readonly #published = new Map<string, { readonly id: ServableId; readonly model: SharedModel }>();
  readonly #statuses = new Map<string, readonly VersionStatus[]>();
  readonly #sockets: SharedSocket[] = [];
  readonly #requestLogs: RequestLogs;
  /** Undefined where nobody looks at them. */
  readonly #figures: PublishedFigures | undefined;
  #dashboards: DashboardSide | undefined;
  #labels: ReadonlyMap<string, ReadonlyMap<string, bigint>> = new Map();
  #splits: TrafficSplits = NO_TRAFFIC_SPLITS;
  #ready = false;
  #tls: TlsMaterial | undefined;
  #principals: Principals | undefined;
  #nextIndex = 0;
  #draining = false;
  #lost = 0;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
    parts.catalog.addCollector(() => [
      { definition: SERVING_THREADS, labelValues: [], value: this.#members.size },
      { definition: SERVING_THREAD_RESTARTS, labelValues: [], value: this.#lost },
    ]);
    const { options, catalog, clock, log, startRequestLogThread } = parts;
    if (options.dashboard) this.#figures = new PublishedFigures(parts.threads);
    this.#requestLogs = new RequestLogs({
      limits: options.requestLogFiles,
      logLevel: options.logLevel,
      catalog,
      clock,
      log,
      ...(startRequestLogThread !== undefined && { startThread: startRequestLogThread }),
      changed: () => {
        for (const { link } of this.#members.values()) this.#tellRequestLogs(link);
      },
    });
    for (let i = 0; i < parts.threads; i++) this.#start();
  }

  /**
   * Opens an endpoint on every thread: the first binds it, the others accept on the same socket. A TCP port of 0 is chosen
   * by the system; the answer has it. Rejects with a ServingError when the endpoint cannot be had.
   */
  async listen(endpoint: Endpoint): Promise<BoundEndpoint> {
    const [first] = this.#members.keys();
    const bound = await this.#bind(first, endpoint);
    if (bound.fd !== undefined && this.#canShare()) {
      const descriptor = duplicateDescriptor(bound.fd);
      const socket = { endpoint, descriptor, binding: false };
      this.#sockets.push(socket);
      await this.#share(socket, first);
    }
    return bound;
  }

  async publish(id: ServableId, model: SharedModel): Promise<void> {
    this.#published.set(servableKey(id), { id, model });
    try {
      await this.#askAll({ kind: "publish", ...this.#counted(id, model) });
    } catch (reason) {
      await this.retire(id);
      throw reason;
    }
  }

  async retire(id: ServableId): Promise<void> {
    this.#published.delete(servableKey(id));
    try {
      await this.#askAll({ kind: "retire", id });
    } finally {
      // Looked at only now: one that failed while it was asked is among them.
      await Promise.all(this.#dying);
      this.#figures?.retire(id);
    }
  }

  /**
   * Puts another content in the place of a published version. Resolves once every thread answers with it and what was in
   * flight on the old one is answered. When it rejects, the threads have gone back to the old one.
   */
  async replace(id: ServableId, model: SharedModel): Promise<void> {
    const key = servableKey(id);
    const before = this.#published.get(key);
    if (before === undefined) throw new ServingError("failed-precondition", "a version that is not published cannot be replaced");
    this.#published.set(key, { id, model });
    try {
      await this.#askAll({ kind: "replace", ...this.#counted(id, model) });
    } catch (reason) {
      this.#published.set(key, before);
      await this.#askAll({ kind: "replace", ...this.#counted(id, before.model) });
      throw reason;
    } finally {
      await Promise.all(this.#dying);
    }
  }

  /** Replaces the labels of every model, and how requests that name no version are split. */
  setLabels(labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>, splits: TrafficSplits = NO_TRAFFIC_SPLITS): void {
    this.#labels = labels;
    this.#splits = splits;
    this.#tellAll({ kind: "labels", labels, splits });
  }

  /** Replaces what is known of one model's versions. */
  setStatuses(model: string, statuses: readonly VersionStatus[]): void {
    this.#statuses.set(model, statuses);
    this.#tellAll({ kind: "statuses", model, statuses });
  }

  /** Replaces what is logged, by model. */
  setRequestLogs(loggings: ReadonlyMap<string, RequestLogging>): void {
    this.#requestLogs.configure(loggings);
  }

  /** What `/readyz` says; without effect once the threads drain, which are not ready any more whatever becomes of their models. */
  setReady(ready: boolean): void {
    if (this.#draining) return;
    this.#ready = ready;
    this.#tellAll({ kind: "ready", ready });
  }

  /** What TLS handshakes use from now on. To be set before an endpoint with TLS is opened. */
  setTls(material: TlsMaterial): void {
    this.#tls = material;
    this.#tellAll({ kind: "tls", material });
  }

  /** Who may call from now on. To be set before an endpoint is opened. */
  setPrincipals(principals: Principals): void {
    this.#principals = principals;
    this.#tellAll({ kind: "access", principals });
  }

  /** What was asked of each version since the last reading; nothing without the dashboard. */
  readFigures(): readonly VersionReading[] {
    return this.#figures?.read() ?? [];
  }

  /** Who answers the threads' dashboards from now on. */
  setDashboards(side: DashboardSide): void {
    this.#dashboards = side;
  }

  /** Sends events to the streams of one thread; without effect when it has ended. */
  tellDashboards(thread: number, events: DashboardEvents): void {
    this.#members.get(thread)?.link.tell({ kind: "dashboard", ...events });
  }

  /** Answers what is in flight, closes every connection and ends every thread. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    for (const { descriptor } of this.#sockets.splice(0)) closeSync(descriptor);
    const members = [...this.#members.values()];
    await Promise.all([
      ...this.#dying,
      ...members.map(async ({ link, ended }) => {
        await link.ask({ kind: "drain", timeoutMs }).catch(() => undefined);
        await ended.promise;
      }),
    ]);
    await this.#requestLogs.stop();
  }

  #start(): void {
    const { options, catalog, clock, log } = this.#parts;
    const index = this.#nextIndex++;
    const taken = [...this.#members.values()].map((member) => member.number);
    const number = [...taken, undefined].findIndex((_, free) => !taken.includes(free));
    const started = clock.now();
    const ended = deferred<void>();
    /** Serves no more, however often that is said: another one takes its place. */
    const lost = (reason: unknown): void => {
      if (this.#members.delete(index)) {
        catalog.retire(index);
        this.#dashboards?.forget(index);
        if (this.#draining) return;
        this.#lost++;
        log.error("serving_thread_ended", { thread: number, err: reason });
        const wait = clock.now() - started < STEADY_MS ? STEADY_MS : 0;
        clock.after(wait, () => this.#replace());
      }
      if (!this.#draining) this.#reopen();
    };
    const startThread = this.#parts.startThread ?? ((...given) => new ThreadLink(...given));
    const link = startThread(
      { index: number, options },
      {
        perform: (request) => this.#perform(request, index),
        // What a thread tells while it dies comes after its cells were let go.
        metric: (announcement) => {
          if (this.#members.has(index)) catalog.accept(index, announcement);
        },
        failed: (reason) => {
          this.#dying.add(ended.promise);
          lost(reason);
        },
        ended: (reason) => {
          this.#dying.delete(ended.promise);
          ended.resolve();
          lost(reason);
        },
      },
      log,
    );
    this.#members.set(index, { number, link, ended });
    this.#catchUp(link);
  }

  /** A new thread learns what the others were told. */
  #catchUp(link: ServingThreadLink): void {
    if (this.#tls !== undefined) link.tell({ kind: "tls", material: this.#tls });
    if (this.#principals !== undefined) link.tell({ kind: "access", principals: this.#principals });
    link.tell({ kind: "labels", labels: this.#labels, splits: this.#splits });
    this.#tellRequestLogs(link);
    for (const [model, statuses] of this.#statuses) link.tell({ kind: "statuses", model, statuses });
    for (const { id, model } of this.#published.values()) {
      this.#settled(link.ask({ kind: "publish", ...this.#counted(id, model) }), "publish");
    }
    for (const socket of this.#sockets) this.#settled(this.#inherit(link, socket), "listen");
    link.tell({ kind: "ready", ready: this.#ready });
  }

  /** Each thread has a way of its own to the thread that writes. */
  #tellRequestLogs(link: ServingThreadLink): void {
    const notice = this.#requestLogs.notice();
    if (notice !== undefined) link.tell(notice);
  }

  #replace(): void {
    if (this.#draining) return;
    this.#start();
    this.#reopen();
  }

  /** The file of a Unix socket goes with the thread that bound it, however that ends: another one binds it anew. */
  #reopen(): void {
    const [binder] = this.#members.keys();
    if (binder === undefined) return;
    for (const socket of this.#sockets) {
      if (socket.endpoint.kind !== "unix" || socket.binding || existsSync(socket.endpoint.path)) continue;
      this.#settled(this.#rebind(socket, binder), "listen");
    }
  }

  async #rebind(socket: SharedSocket, binder: number): Promise<void> {
    socket.binding = true;
    try {
      const { fd } = await this.#bind(binder, socket.endpoint);
      if (fd === undefined || this.#draining) return;
      closeSync(socket.descriptor);
      socket.descriptor = duplicateDescriptor(fd);
      await this.#share(socket, binder);
    } finally {
      socket.binding = false;
    }
  }

  async #bind(index: number, endpoint: Endpoint): Promise<BoundEndpoint> {
    const member = this.#members.get(index);
    if (member === undefined) throw new ServingError("unavailable", "no serving thread is running");
    return (await member.link.ask({ kind: "listen", endpoint })) as BoundEndpoint;
  }

  /** Lets every thread but the one that bound it accept on a socket. */
  async #share(socket: SharedSocket, binder: number): Promise<void> {
    const others = [...this.#members].filter(([index]) => index !== binder);
    await Promise.all(others.map(([index, { link }]) => this.#unlessEnded(index, this.#inherit(link, socket))));
  }

  #settled(answer: Promise<unknown>, request: string): void {
    answer.catch((reason) => this.#parts.log.error("serving_thread_not_caught_up", { request, err: reason }));
  }

  #inherit(link: ServingThreadLink, { endpoint, descriptor }: SharedSocket): Promise<unknown> {
    const { tls, grpc }: EndpointUse = endpoint.kind === "unix" ? {} : endpoint;
    const use = { ...(tls !== undefined && { tls }), ...(grpc !== undefined && { grpc }) };
    return link.ask({ kind: "listen", endpoint: { kind: "descriptor", fd: duplicateDescriptor(descriptor), ...use } });
  }

  async #askAll(request: ThreadRequest): Promise<void> {
    const asked = [...this.#members].map(([index, { link }]) => this.#unlessEnded(index, link.ask(request)));
    const failed = (await Promise.allSettled(asked)).find((outcome) => outcome.status === "rejected");
    if (failed) throw ServingError.from(failed.reason);
  }

  /** A thread that ends while it is asked has nothing to serve or to let go of: it does not fail the others. */
  async #unlessEnded(index: number, answer: Promise<unknown>): Promise<void> {
    try {
      await answer;
    } catch (reason) {
      if (this.#members.has(index)) throw reason;
    }
  }

  #tellAll(body: ThreadNotice): void {
    for (const { link } of this.#members.values()) link.tell(body);
  }

  #counted(id: ServableId, model: SharedModel): PublishedModel {
    const figures = this.#figures?.memory(id);
    return { id, model, ...(figures && { figures }) };
  }

  #perform(request: ControlRequest, thread: number): unknown {
    const { control } = this.#parts;
    switch (request.kind) {
      case "reload":
        return control.reload(request.config);
      case "admin":
        return control.admin(request.call);
      case "metrics":
        return control.metrics(request.style);
      case "counters":
        return control.counters(request.names);
      case "dashboard":
        if (this.#dashboards === undefined) throw new ServingError("unavailable", "the server is starting");
        return this.#dashboards.answer(request.call, thread);
    }
  }

  /** Descriptors cannot be shared on Windows: there one thread answers. */
  #canShare(): boolean {
    return process.platform !== "win32";
  }
}
