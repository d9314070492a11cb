import type { Worker } from "node:worker_threads";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Announcement } from "../metrics/announcement.ts";
import { DescriptorTable } from "../transport/epoll/descriptor-table.ts";
import type { ControlRequest, ThreadNotice, ThreadRequest, ToControl, ToThread } from "./messages.ts";
import type { ServingThreadData, ServingThreadWorkerData } from "./serving-options.ts";
import { startWorker } from "./start-worker.ts";
import { answerTicket, Tickets } from "./tickets.ts";

/** What the control thread does for a serving thread. */
export interface ThreadLinkHandlers {
  perform(request: ControlRequest): unknown;
  metric(announcement: Announcement): void;
  /** The thread serves no more and is about to end, once the engine's runs that it has begun are over. */
  failed(reason: unknown): void;
  /** The thread has ended, for whatever reason; nothing it was asked will be answered. */
  ended(reason: unknown): void;
}

/** The control thread's end of one serving thread. */
export interface ServingThreadLink {
  /** Sends a request and waits for its answer; rejects with unavailable when the thread ends first. */
  ask(request: ThreadRequest): Promise<unknown>;
  tell(notice: ThreadNotice): void;
}

/** Starts a serving thread. */
export type StartThread = (data: ServingThreadData, handlers: ThreadLinkHandlers, log: Log) => ServingThreadLink;

/** A serving thread that is a worker of this process. */
export class ThreadLink implements ServingThreadLink {
  readonly #worker: Worker;
  readonly #tickets: Tickets<ThreadRequest>;

  constructor(data: ServingThreadData, handlers: ThreadLinkHandlers, log: Log) {
    const descriptors = new DescriptorTable(data.options.limits.maxConnections + 1);
    const workerData: ServingThreadWorkerData = { ...data, descriptors: descriptors.shared };
    const worker = startWorker<ToControl>(new URL("./serving-thread.js", import.meta.url), workerData, {
      message: (message) => {
        switch (message.kind) {
          case "answer":
            return this.#tickets.settle(message);
          case "metric":
            return handlers.metric(message.announcement);
          case "request":
            void answerTicket(
              message.ticket,
              () => handlers.perform(message.body),
              send,
              (reason) => log.error("control_request_failed", { request: message.body.kind, err: reason }),
            );
            return;
        }
      },
      failed: (reason) => {
        this.#tickets.abandon(new ServingError("unavailable", "the serving thread has failed"));
        handlers.failed(reason);
      },
      ended: (reason) => {
        descriptors.closeAll();
        this.#tickets.abandon(new ServingError("unavailable", "the serving thread has ended"));
        handlers.ended(reason);
      },
    });
    const send = (message: ToThread) => worker.postMessage(message);
    this.#worker = worker;
    this.#tickets = new Tickets(send);
  }

  ask(request: ThreadRequest): Promise<unknown> {
    return this.#tickets.ask(request);
  }

  tell(body: ThreadNotice): void {
    const moved = body.kind === "request-logs" ? [body.port] : [];
    this.#worker.postMessage({ kind: "notice", body } satisfies ToThread, moved);
  }
}
