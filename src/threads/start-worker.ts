import { Worker } from "node:worker_threads";

/** What the owner of a worker thread hears of it. */
export interface WorkerHandlers<Message> {
  message(message: Message): void;
  /** It has thrown and is about to end. */
  failed?(reason: unknown): void;
  /** It has ended, for whatever reason; once. */
  ended(reason: unknown): void;
}

/** Starts a worker thread of this process, which writes to the process's own standard output and error. */
export function startWorker<Message>(entry: URL, workerData: unknown, handlers: WorkerHandlers<Message>): Worker {
  const worker = new Worker(entry, { workerData, stdout: false, stderr: false });
  let failure: unknown;
  worker.on("error", (reason) => {
    failure = reason;
    handlers.failed?.(reason);
  });
  worker.on("exit", (code) => handlers.ended(failure ?? `exit code ${code}`));
  worker.on("message", (message: Message) => handlers.message(message));
  return worker;
}
