import { parentPort, workerData } from "node:worker_threads";
import { createLog } from "../base/log.ts";
import type { JsonThreadData } from "./json-thread-link.ts";
import { type JsonResult, JsonWork, resultMemory, type ToJsonThread } from "./json-work.ts";
import { answerTicket } from "./tickets.ts";

/** The entry of a serving thread's JSON thread. */
const port = parentPort;
if (port === null) throw new Error("json-thread is the entry of a worker thread");

const { logLevel, index } = workerData as JsonThreadData;
const log = createLog(logLevel, { thread: index, part: "json" });
const work = new JsonWork();

port.on("message", (message: ToJsonThread) => {
  if (message.kind === "close") {
    work.close();
    return;
  }
  void answerTicket(
    message.ticket,
    () => work.perform(message.body),
    (answer) => port.postMessage(answer, answer.error === undefined ? resultMemory(answer.value as JsonResult) : []),
    (reason) => log.error("json_failed", { request: message.body.kind, err: reason }),
  );
});
