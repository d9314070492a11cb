import type { MessagePort } from "node:worker_threads";
import type { LogLevel } from "../base/log.ts";
import type { Announcement } from "../metrics/announcement.ts";
import type { RequestLogFileLimits } from "./request-log-files.ts";
import type { RequestLogStream } from "./request-log-work.ts";
import { startWorker } from "./start-worker.ts";

/** What the request log thread's `workerData` holds. */
export interface RequestLogThreadData {
  readonly limits: RequestLogFileLimits;
  readonly logLevel: LogLevel;
  /** The memory of {@link RequestLogChannel.pending}. */
  readonly pending: SharedArrayBuffer;
}

/** What the control thread tells the request log thread. */
export type ToRequestLogThread =
  | { readonly kind: "configure"; readonly streams: readonly RequestLogStream[] }
  /** Batches of one serving thread come through this port. */
  | { readonly kind: "connect"; readonly port: MessagePort }
  /** To be sent once no serving thread sends any more. */
  | { readonly kind: "stop" };

export type FromRequestLogThread =
  | { readonly kind: "metric"; readonly announcement: Announcement }
  /** Every file is ended. */
  | { readonly kind: "stopped" };

/** What the owner of the request log thread hears of it. */
export interface RequestLogThreadHandlers {
  metric(announcement: Announcement): void;
  /** The thread has ended, for whatever reason; once. */
  ended(reason: unknown): void;
}

/** The control thread's end of the request log thread. */
export interface RequestLogThreadLink {
  /** Sends a message; a port in it goes along. */
  post(message: ToRequestLogThread): void;
}

/** Starts a request log thread. */
export type StartRequestLogThread = (data: RequestLogThreadData, handlers: RequestLogThreadHandlers) => RequestLogThreadLink;

/** Starts a request log thread that is a worker of this process. */
export const startRequestLogThread: StartRequestLogThread = (data, handlers) => {
  const worker = startWorker<FromRequestLogThread>(new URL("./request-log-thread.js", import.meta.url), data, {
    message: (message) => {
      if (message.kind === "metric") handlers.metric(message.announcement);
    },
    ended: (reason) => handlers.ended(reason),
  });
  return { post: (message) => worker.postMessage(message, message.kind === "connect" ? [message.port] : []) };
};
