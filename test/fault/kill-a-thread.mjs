// Preloaded into a server: on SIGUSR2 the oldest serving thread gets a message that it cannot handle, and dies of it.
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  const workers = [];
  process.on("worker", (worker) => workers.push(worker));
  process.on("SIGUSR2", () => workers.shift().postMessage({ kind: "request", ticket: 0 }));
}
