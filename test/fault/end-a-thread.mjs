// Preloaded into a server: on SIGUSR2 every serving thread ends as the query says, without a word to anybody.
import { setFlagsFromString } from "node:v8";
import { BroadcastChannel, isMainThread, workerData } from "node:worker_threads";

const way = new URL(import.meta.url).searchParams.get("way");
const channel = new BroadcastChannel("end-a-thread");
channel.unref();

function fillHeap() {
  const kept = [];
  for (;;) kept.push(Array.from({ length: 10_000 }, () => ({ kept })));
}

if (isMainThread) {
  // Of threads started from now on: enough for them, and soon full.
  setFlagsFromString("--max-old-space-size=120");
  process.on("SIGUSR2", () => channel.postMessage(way));
} else if (workerData?.descriptors !== undefined) {
  channel.onmessage = () => (way === "exit" ? process.exit(7) : fillHeap());
}
