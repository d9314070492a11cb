import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { ThreadBatching } from "../batching/thread-batching.ts";
import type { Turns } from "../batching/turns.ts";
import { servableKey } from "../core/servable-id.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { watchThread } from "../metrics/thread-figures.ts";
import { CallFigures } from "../metrics/version-figures.ts";
import type { Servable } from "../model/servable.ts";
import { engineModel, withProcessing } from "../processing/processed-servable.ts";
import { createRuntimes } from "../runtimes/registry.ts";
import type { AdminAnswer, ReloadOutcome } from "../serving/admin.ts";
import { ServingTable } from "../serving/serving-table.ts";
import { DescriptorTable } from "../transport/epoll/descriptor-table.ts";
import { Poller } from "../transport/epoll/poller.ts";
import { afterArrivals, afterOthers } from "../transport/turn-end.ts";
import { Frontend } from "./frontend.ts";
import { jsonThreadsOf } from "./json-thread-link.ts";
import type { ControlRequest, PublishedModel, ThreadNotice, ThreadRequest, ToControl, ToThread } from "./messages.ts";
import { RequestLogPort } from "./request-log-port.ts";
import type { ServingThreadWorkerData } from "./serving-options.ts";
import { answerTicket, Tickets } from "./tickets.ts";

/** The entry of a serving thread: takes the control thread's messages and answers requests from the network. */
const port = parentPort;
if (port === null) throw new Error("serving-thread is the entry of a worker thread");

const { index, options, descriptors } = workerData as ServingThreadWorkerData;
const log = createLog(options.logLevel, { thread: index });
const send = (message: ToControl) => port.postMessage(message);
const TURNS: Turns = { atEnd: afterArrivals, soon: afterOthers };
const tickets = new Tickets<ControlRequest>(send);
const table = new ServingTable();
const runtimes = createRuntimes(options.runtimes);
const shard = new MetricsShard((announcement) => send({ kind: "metric", announcement }));
const poller = options.epoll ? Poller.open(new DescriptorTable(descriptors)) : undefined;
const frontend = new Frontend({
  options,
  poller,
  table,
  shard,
  clock: systemClock,
  log,
  startJsonThread: jsonThreadsOf({ index, logLevel: options.logLevel }),
  control: {
    reload: (config) => tickets.ask({ kind: "reload", config }) as Promise<ReloadOutcome>,
    admin: (call) => tickets.ask({ kind: "admin", call }) as Promise<AdminAnswer>,
    metrics: (style) => tickets.ask({ kind: "metrics", style }) as Promise<readonly Uint8Array[]>,
    counters: (names) => tickets.ask({ kind: "counters", names }) as Promise<readonly (number | undefined)[]>,
    dashboard: (call) => tickets.ask({ kind: "dashboard", call }) as Promise<Uint8Array | undefined>,
  },
});
const attached = new Map<string, Servable>();
let requestLogPort: RequestLogPort | undefined;
const batching =
  options.batching &&
  new ThreadBatching({
    mostRuns: options.batching.runsAThread,
    runLimits: options.runLimits,
    clock: systemClock,
    turns: TURNS,
    shard,
    log,
  });
const figures = watchThread(shard, String(index), systemClock, () => poller?.sleptMs ?? 0);

function attach({ id: { name, version }, model, figures: memory }: PublishedModel): Servable {
  const runtime = runtimes.get(model.runtime);
  if (runtime === undefined) throw new ServingError("internal", `this server has no runtime ${model.runtime}`);
  const attachedAlone = runtime.attach(engineModel(model));
  const batched = batching === undefined ? attachedAlone : batching.wrap(name, version, model, attachedAlone);
  const servable = withProcessing(model, batched);
  if (memory !== undefined) table.setFigures(servable, new CallFigures(memory, index));
  return servable;
}

async function perform(request: ThreadRequest): Promise<unknown> {
  switch (request.kind) {
    case "publish": {
      const servable = attach(request);
      attached.set(servableKey(request.id), servable);
      table.setAbout(request.id, request.model.about);
      return await table.servables.publish(request.id, servable);
    }
    case "replace": {
      const key = servableKey(request.id);
      const old = attached.get(key);
      const servable = attach(request);
      attached.set(key, servable);
      table.setAbout(request.id, request.model.about);
      await table.servables.replace(request.id, servable);
      return await old?.detach();
    }
    case "retire": {
      await table.servables.retire(request.id);
      table.setAbout(request.id, undefined);
      const key = servableKey(request.id);
      await attached.get(key)?.detach();
      return attached.delete(key);
    }
    case "listen":
      return await frontend.listen(request.endpoint);
    case "drain":
      return await frontend.drain(request.timeoutMs);
  }
}

function notice(body: ThreadNotice): void {
  switch (body.kind) {
    case "labels":
      table.setLabels(body.labels, body.splits);
      break;
    case "statuses":
      table.setStatuses(body.model, body.statuses);
      frontend.statusesChanged();
      break;
    case "ready":
      frontend.setReady(body.ready);
      break;
    case "request-logs": {
      const earlier = requestLogPort;
      requestLogPort = new RequestLogPort(body);
      frontend.setRequestLogs(body.rules, requestLogPort);
      earlier?.close();
      break;
    }
    case "dashboard":
      frontend.tellDashboards(body);
      break;
    case "tls":
      frontend.setTls(body.material);
      break;
    case "access":
      frontend.setPrincipals(body.principals);
  }
}

// The thread ends only after the engine's runs that it has begun; its callers need not wait for that.
process.once("uncaughtException", (reason) => {
  frontend.abandon();
  throw reason;
});

port.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "request":
      void answerTicket(
        message.ticket,
        () => perform(message.body),
        (answer) => {
          send(answer);
          // A drained thread has nothing left to do: without its port the event loop ends by itself.
          if (message.body.kind === "drain") {
            figures.cancel();
            port.close();
          }
        },
        (reason) => log.error("thread_request_failed", { request: message.body.kind, err: reason }),
      );
      return;
    case "answer":
      return tickets.settle(message);
    case "notice":
      return notice(message.body);
  }
});
