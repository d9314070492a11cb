// Preloaded into a server: the first JSON thread of each serving thread dies as soon as it runs.
import { isMainThread } from "node:worker_threads";

if (!isMainThread) process.once("worker", (worker) => worker.once("online", () => void worker.terminate()));
