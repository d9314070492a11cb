import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Sample } from "./metrics-catalog.ts";
import {
  BUILD_INFO,
  PROCESS_CPU,
  PROCESS_MAX_FDS,
  PROCESS_OPEN_FDS,
  PROCESS_START_TIME,
  RESIDENT_MEMORY,
} from "./process-definitions.ts";

/** A collector of what the system knows of the process; `version` is the server's. */
export function processFigures(version: string): () => readonly Sample[] {
  const startSeconds = Math.floor(Date.now() / 1000 - process.uptime());
  const build: Sample = {
    definition: BUILD_INFO,
    labelValues: [version, process.version, process.platform, process.arch],
    value: 1,
  };
  return () => {
    const { user, system } = process.cpuUsage();
    return [
      build,
      { definition: PROCESS_START_TIME, labelValues: [], value: startSeconds },
      { definition: PROCESS_CPU, labelValues: [], value: (user + system) / 1_000_000 },
      { definition: RESIDENT_MEMORY, labelValues: [], value: process.memoryUsage.rss() },
      ...descriptors(),
    ];
  };
}

function descriptors(): readonly Sample[] {
  try {
    const open = { definition: PROCESS_OPEN_FDS, labelValues: [], value: openDescriptors() };
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return limit === undefined ? [open] : [open, { definition: PROCESS_MAX_FDS, labelValues: [], value: Number(limit) }];
  } catch {
    // There is no /proc, or no descriptor left to look with: the page does without.
    return [];
  }
}

/** Linux 6.2 and later tell the number as the folder's size; before, the folder has to be read. */
function openDescriptors(): number {
  return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length;
}
