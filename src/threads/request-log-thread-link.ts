import { type MessagePort, Worker } from "node:worker_threads";
import type { LogLevel } from "../base/log.ts";
import type { Announcement } from "../metrics/announcement.ts";
import type { RequestLogFileLimits } from "./request-log-files.ts";
import type { RequestLogStream } from "./request-log-work.ts";

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
  const worker = new Worker(new URL("./request-log-thread.js", import.meta.url), {
    workerData: data,
    stdout: false,
    stderr: false,
  });
  let failure: unknown;
  worker.on("error", (reason) => {
    failure = reason;
  });
  worker.on("message", (message: FromRequestLogThread) => {
    if (message.kind === "metric") handlers.metric(message.announcement);
  });
  worker.on("exit", (code) => handlers.ended(failure ?? `exit code ${code}`));
  return { post: (message) => worker.postMessage(message, message.kind === "connect" ? [message.port] : []) };
};
