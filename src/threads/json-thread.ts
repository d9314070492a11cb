import { parentPort, workerData } from "node:worker_threads";
import { createLog } from "../base/log.ts";
import type { JsonThreadData } from "./json-thread-link.ts";
import { answerJson, JsonWork, type ToJsonThread } from "./json-work.ts";

/** The entry of a serving thread's JSON thread. */
const port = parentPort;
if (port === null) throw new Error("json-thread is the entry of a worker thread");

const { logLevel, index } = workerData as JsonThreadData;
const log = createLog(logLevel, { thread: index, part: "json" });
const work = new JsonWork();

port.on("message", (message: ToJsonThread) =>
  answerJson(
    work,
    message,
    (answer, memory) => port.postMessage(answer, memory),
    (request, reason) => log.error("json_failed", { request, err: reason }),
  ),
);
