import type { Stats } from "node:fs";
import { dirname, join, parse } from "node:path";
import { pathStats } from "./path-stats.ts";

/** The file that goes with a bare model file and belongs to its content: `NAME.processing.yaml` beside `NAME.onnx`. */
export function companionFile(path: string): string {
  return join(dirname(path), `${parse(path).name}.processing.yaml`);
}

/** The attributes of the {@link companionFile}; undefined when there is none. Never rejects. */
export async function companionStats(path: string): Promise<Stats | undefined> {
  return await pathStats(companionFile(path)).catch(() => undefined);
}
