import type { LogLevel } from "../base/log.ts";
import { requestMemory, type ToJsonThread } from "./json-work.ts";
import type { Answer } from "./messages.ts";
import { startWorker } from "./start-worker.ts";

/** What a JSON thread's `workerData` holds. */
export interface JsonThreadData {
  /** Of the serving thread that it works for. */
  readonly index: number;
  readonly logLevel: LogLevel;
}

/** What the owner of a JSON thread hears of it. */
export interface JsonThreadHandlers {
  answered(answer: Answer): void;
  /** The thread has ended, for whatever reason; once. */
  ended(reason: unknown): void;
}

/** A serving thread's end of its JSON thread. */
export interface JsonThreadLink {
  /** Sends a message; the memory of a request's body and outputs goes along. */
  post(message: ToJsonThread): void;
  /** Ends the thread, whatever it is doing. */
  end(): void;
}

/** Starts a JSON thread. */
export type StartJsonThread = (handlers: JsonThreadHandlers) => JsonThreadLink;

/** Starts JSON threads that are workers of the calling thread, and end with it. */
export function jsonThreadsOf(data: JsonThreadData): StartJsonThread {
  return (handlers) => {
    const worker = startWorker<Answer>(new URL("./json-thread.js", import.meta.url), data, {
      message: (answer) => handlers.answered(answer),
      ended: (reason) => handlers.ended(reason),
    });
    // Whoever waits for an answer has a connection that keeps the owner alive.
    worker.unref();
    return {
      post: (message) => worker.postMessage(message, message.kind === "request" ? requestMemory(message.body) : []),
      end: () => void worker.terminate(),
    };
  };
}
