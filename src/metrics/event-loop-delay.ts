import type { Clock, Timer } from "../base/clock.ts";
import type { MetricsShard } from "./metrics-shard.ts";
import { EVENT_LOOP_DELAY } from "./process-definitions.ts";

/** Milliseconds between two looks: rare enough to cost nothing, often enough to meet a run that blocks the loop. */
const INTERVAL_MS = 100;

/** Records how late timers fire on this thread until the returned timer is cancelled. */
export function watchEventLoopDelay(shard: MetricsShard, thread: string, clock: Clock): Timer {
  const delay = shard.histogram(EVENT_LOOP_DELAY, thread);
  let timer = look();

  function look(): Timer {
    const due = clock.now() + INTERVAL_MS;
    return clock.after(INTERVAL_MS, () => {
      delay.observe(Math.max(0, clock.now() - due) / 1_000);
      timer = look();
    });
  }

  return { cancel: () => timer.cancel() };
}
