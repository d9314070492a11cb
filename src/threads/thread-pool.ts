import { closeSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { type ServableId, servableKey } from "../core/servable-id.ts";
import type { Publisher } from "../core/serving-map.ts";
import type { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { ControlCalls } from "../serving/admin.ts";
import type { VersionStatus } from "../serving/version-status.ts";
import { duplicateDescriptor } from "../transport/descriptor.ts";
import type { BoundEndpoint, Endpoint } from "../transport/listener.ts";
import type { ControlRequest, ThreadNotice } from "./messages.ts";
import type { ServingOptions } from "./serving-options.ts";
import { ThreadLink } from "./thread-link.ts";

/** What a thread pool needs of the control thread. */
export interface ThreadPoolParts {
  readonly threads: number;
  readonly options: ServingOptions;
  readonly control: ControlCalls;
  readonly catalog: MetricsCatalog;
  readonly clock: Clock;
  readonly log: Log;
}

/** A thread that ends sooner than this after its start is replaced only after the same time has passed. */
const STEADY_MS = 1000;

interface Member {
  readonly link: ThreadLink;
  readonly ended: Deferred<void>;
}

/**
 * The serving threads, as the control thread sees them. All of them know the same models, labels and states, and accept
 * connections on the same sockets; one that dies is replaced and told everything again.
 */
export class ThreadPool implements Publisher<SharedModel> {
  readonly #parts: ThreadPoolParts;
  readonly #members = new Map<number, Member>();
  readonly #published = new Map<string, { readonly id: ServableId; readonly model: SharedModel }>();
  readonly #statuses = new Map<string, readonly VersionStatus[]>();
  readonly #descriptors: number[] = [];
  #labels: ReadonlyMap<string, ReadonlyMap<string, bigint>> = new Map();
  #ready = false;
  #nextIndex = 0;
  #draining = false;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
    for (let i = 0; i < parts.threads; i++) this.#start();
  }

  /**
   * Opens an endpoint on every thread: the first binds it, the others accept on the same socket. A TCP port of 0 is chosen
   * by the system; the answer has it. Rejects with a ServingError when the endpoint cannot be had.
   */
  async listen(endpoint: Endpoint): Promise<BoundEndpoint> {
    const [first, ...others] = [...this.#members.values()];
    const bound = (await first.link.ask({ kind: "listen", endpoint })) as BoundEndpoint;
    if (bound.fd !== undefined && this.#canShare()) {
      this.#descriptors.push(duplicateDescriptor(bound.fd));
      await Promise.all(others.map((member) => this.#inherit(member.link, this.#descriptors.at(-1)!)));
    }
    return bound;
  }

  async publish(id: ServableId, model: SharedModel): Promise<void> {
    this.#published.set(servableKey(id), { id, model });
    try {
      await this.#askAll({ kind: "publish", id, model });
    } catch (reason) {
      await this.retire(id);
      throw reason;
    }
  }

  async retire(id: ServableId): Promise<void> {
    this.#published.delete(servableKey(id));
    await this.#askAll({ kind: "retire", id });
  }

  /** Replaces the labels of every model. */
  setLabels(labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>): void {
    this.#labels = labels;
    this.#tellAll({ kind: "labels", labels });
  }

  /** Replaces what is known of one model's versions. */
  setStatuses(model: string, statuses: readonly VersionStatus[]): void {
    this.#statuses.set(model, statuses);
    this.#tellAll({ kind: "statuses", model, statuses });
  }

  setReady(ready: boolean): void {
    this.#ready = ready;
    this.#tellAll({ kind: "ready", ready });
  }

  /** Answers what is in flight, closes every connection and ends every thread. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
    const members = [...this.#members.values()];
    await Promise.all(
      members.map(async ({ link, ended }) => {
        await link.ask({ kind: "drain", timeoutMs }).catch(() => undefined);
        await ended.promise;
      }),
    );
  }

  #start(): void {
    const { options, catalog, clock, log } = this.#parts;
    const index = this.#nextIndex++;
    const started = clock.now();
    const ended = deferred<void>();
    const link = new ThreadLink(
      { index, options },
      {
        perform: (request) => this.#perform(request),
        metric: (announcement) => catalog.accept(index, announcement),
        ended: (reason) => {
          this.#members.delete(index);
          catalog.retire(index);
          ended.resolve();
          if (this.#draining) return;
          log.error("serving_thread_ended", { thread: index, err: reason });
          const wait = clock.now() - started < STEADY_MS ? STEADY_MS : 0;
          clock.after(wait, () => this.#replace());
        },
      },
      log,
    );
    this.#members.set(index, { link, ended });
    this.#catchUp(link);
  }

  /** A new thread learns what the others were told. */
  #catchUp(link: ThreadLink): void {
    link.tell({ kind: "labels", labels: this.#labels });
    for (const [model, statuses] of this.#statuses) link.tell({ kind: "statuses", model, statuses });
    for (const { id, model } of this.#published.values()) this.#settled(link.ask({ kind: "publish", id, model }), "publish");
    for (const descriptor of this.#descriptors) this.#settled(this.#inherit(link, descriptor), "listen");
    link.tell({ kind: "ready", ready: this.#ready });
  }

  #replace(): void {
    if (!this.#draining) this.#start();
  }

  #settled(answer: Promise<unknown>, request: string): void {
    answer.catch((reason) => this.#parts.log.error("serving_thread_not_caught_up", { request, err: reason }));
  }

  #inherit(link: ThreadLink, descriptor: number): Promise<unknown> {
    return link.ask({ kind: "listen", endpoint: { kind: "descriptor", fd: duplicateDescriptor(descriptor) } });
  }

  /** A thread that ends while it is asked has nothing to serve or to let go of: it does not fail the others. */
  async #askAll(request: Parameters<ThreadLink["ask"]>[0]): Promise<void> {
    const asked = [...this.#members].map(async ([index, { link }]) => {
      try {
        await link.ask(request);
      } catch (reason) {
        if (this.#members.has(index)) throw reason;
      }
    });
    const failed = (await Promise.allSettled(asked)).find((outcome) => outcome.status === "rejected");
    if (failed) throw ServingError.from(failed.reason);
  }

  #tellAll(body: ThreadNotice): void {
    for (const { link } of this.#members.values()) link.tell(body);
  }

  #perform(request: ControlRequest): unknown {
    const { control } = this.#parts;
    switch (request.kind) {
      case "reload":
        return control.reload(request.config);
      case "metrics":
        return control.metrics();
      case "counters":
        return control.counters(request.names);
    }
  }

  /** Descriptors cannot be shared on Windows: there one thread answers. */
  #canShare(): boolean {
    return process.platform !== "win32";
  }
}
