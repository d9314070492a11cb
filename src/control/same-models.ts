import type { ModelConfig } from "../config/model-config.ts";

/** Whether two lists mean the same models served the same way, in whatever order they are written. */
export function sameModels(a: readonly ModelConfig[], b: readonly ModelConfig[]): boolean {
  return a === b || (a.length === b.length && fingerprint(a) === fingerprint(b));
}

function fingerprint(models: readonly ModelConfig[]): string {
  const plain = models.map(
    ({ name, basePath, platform, versionPolicy, labels, trafficSplit, logging, batching, tensorflow, python }) => [
      name,
      basePath,
      platform,
      versionPolicy,
      sorted([...labels]),
      sorted([...trafficSplit]),
      logging,
      batching && sorted(Object.entries(batching)),
      tensorflow && sorted(Object.entries(tensorflow)),
      python && sorted(Object.entries(python)),
    ],
  );
  return JSON.stringify(sorted(plain as [string, ...unknown[]][]), (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}

function sorted<Entry extends readonly [string, ...unknown[]]>(entries: readonly Entry[]): readonly Entry[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
