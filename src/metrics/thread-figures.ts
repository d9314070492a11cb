import {
  constants,
  type EventLoopUtilization,
  type NodeGCPerformanceDetail,
  PerformanceObserver,
  performance,
} from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Clock, Timer } from "../base/clock.ts";
import { watchEventLoopDelay } from "./event-loop-delay.ts";
import type { MetricsShard } from "./metrics-shard.ts";
import { EVENT_LOOP_UTILIZATION, GC_SECONDS, HEAP_LIMIT, HEAP_USED } from "./process-definitions.ts";

/** Milliseconds between two looks at what changes slowly. */
const INTERVAL_MS = 1000;

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak_callbacks"],
]);

/**
 * Keeps the figures of the calling thread until the returned timer is cancelled: event-loop delay and utilization, heap,
 * garbage collection.
 *
 * `sleptMs` tells how many milliseconds in all the thread has waited for work elsewhere than in Node's loop, which takes such
 * a wait for work.
 */
export function watchThread(shard: MetricsShard, thread: string, clock: Clock, sleptMs: () => number = () => 0): Timer {
  const delay = watchEventLoopDelay(shard, thread, clock);
  const utilization = shard.gauge(EVENT_LOOP_UTILIZATION, thread);
  const heapUsed = shard.gauge(HEAP_USED, thread);
  const heapLimit = shard.gauge(HEAP_LIMIT, thread);
  const collections = observeCollections(shard, thread);
  let loop = performance.eventLoopUtilization();
  let slept = sleptMs();
  let timer = look();

  function look(): Timer {
    const heap = getHeapStatistics();
    heapUsed.set(heap.used_heap_size);
    heapLimit.set(heap.heap_size_limit);
    return clock.after(INTERVAL_MS, () => {
      const now = performance.eventLoopUtilization();
      const sleptNow = sleptMs();
      utilization.set(shareOfWork(performance.eventLoopUtilization(now, loop), sleptNow - slept));
      loop = now;
      slept = sleptNow;
      timer = look();
    });
  }

  return {
    cancel: () => {
      delay.cancel();
      timer.cancel();
      collections.disconnect();
    },
  };
}

/** The share of a time that was neither idle in Node's loop nor slept elsewhere, 0 to 1. */
export function shareOfWork({ active, idle }: Pick<EventLoopUtilization, "active" | "idle">, sleptMs: number): number {
  const all = active + idle;
  return all <= 0 ? 0 : Math.min(1, Math.max(0, (active - sleptMs) / all));
}

function observeCollections(shard: MetricsShard, thread: string): PerformanceObserver {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as unknown as { readonly detail: NodeGCPerformanceDetail };
      shard.counter(GC_SECONDS, thread, GC_KINDS.get(detail.kind ?? 0) ?? "other").add(entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return observer;
}
