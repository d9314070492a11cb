import { RESIDENT_MEMORY } from "./definitions.ts";
import type { Sample } from "./metrics-catalog.ts";

/** A collector of the process's memory. */
export function residentMemory(): readonly Sample[] {
  return [{ definition: RESIDENT_MEMORY, labelValues: [], value: process.memoryUsage.rss() }];
}
