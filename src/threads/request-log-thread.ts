import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { FromRequestLogThread, RequestLogThreadData, ToRequestLogThread } from "./request-log-thread-link.ts";
import { RequestLogWork } from "./request-log-work.ts";

/** The entry of the thread that writes request logs. */
const port = parentPort;
if (port === null) throw new Error("request-log-thread is the entry of a worker thread");

const { limits, logLevel, pending } = workerData as RequestLogThreadData;
const send = (message: FromRequestLogThread) => port.postMessage(message);
const sources = new Set<MessagePort>();
const work = new RequestLogWork({
  ...limits,
  pending: new Int32Array(pending),
  shard: new MetricsShard((announcement) => send({ kind: "metric", announcement })),
  clock: systemClock,
  log: createLog(logLevel, { part: "request_log" }),
  time: Date.now,
});

function connect(source: MessagePort): void {
  sources.add(source);
  source.on("message", (batch: Uint8Array) => work.write(batch));
  source.on("close", () => sources.delete(source));
}

/** What was sent before the serving threads ended lies in their ports. */
function stop(): void {
  for (const source of sources) {
    for (let received = receiveMessageOnPort(source); received !== undefined; received = receiveMessageOnPort(source))
      work.write(received.message as Uint8Array);
    source.close();
  }
  work.close();
  send({ kind: "stopped" });
  port?.close();
}

port.on("message", (message: ToRequestLogThread) => {
  switch (message.kind) {
    case "configure":
      return work.configure(message.streams);
    case "connect":
      return connect(message.port);
    case "stop":
      return stop();
  }
});
