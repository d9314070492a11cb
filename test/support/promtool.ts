import { spawnSync } from "node:child_process";

/** Whether Prometheus's own checker is on this machine. */
export const PROMTOOL = spawnSync("promtool", ["--version"]).status === 0;

/** Runs it; resolves with what it said and its exit code. */
export function promtool(args: readonly string[], input = ""): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
  return { status, output: stdout + stderr };
}
