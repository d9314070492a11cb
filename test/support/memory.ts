import { existsSync, readFileSync } from "node:fs";
import type { RunningServer } from "./server.ts";

/** Resident memory of the server's process in MiB; 0 where there is no /proc. */
export function residentMebibytes(server: RunningServer): number {
  const path = `/proc/${server.process.pid}/status`;
  if (!existsSync(path)) return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(path, "utf8"))?.[1] ?? 0) / 1024;
}

/** Runs `work` and gives the most by which the server's memory grew meanwhile, in MiB, looked at every few milliseconds. */
export async function growthDuring(server: RunningServer, work: () => Promise<void>): Promise<number> {
  const before = residentMebibytes(server);
  let most = before;
  const look = setInterval(() => (most = Math.max(most, residentMebibytes(server))), 5);
  try {
    await work();
  } finally {
    clearInterval(look);
  }
  return Math.max(most, residentMebibytes(server)) - before;
}
