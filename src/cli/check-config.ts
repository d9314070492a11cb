import { resolve } from "node:path";
import type { ModelConfig, VersionPolicy } from "../config/model-config.ts";
import { readConfigFile } from "../control/config-file.ts";

const HEAD = ["MODEL", "PLATFORM", "VERSIONS", "LABELS", "BASE PATH"] as const;

/**
 * Reads a model config file as `serve` would and prints a table of its models. Nothing is loaded, and base paths need not be there.
 * Rejects with a ServingError that says what is wrong with the file, and where.
 */
export async function checkConfig(file: string, rootFolder: string | undefined, print: (text: string) => void): Promise<void> {
  print(`${configTable(await readConfigFile(resolve(file), { rootFolder }))}\n`);
}

/** A table with one line per model. */
export function configTable(models: readonly ModelConfig[]): string {
  const rows: (readonly string[])[] = [
    HEAD,
    ...models.map((model) => [
      model.name,
      model.platform ?? "detected",
      versions(model.versionPolicy),
      labels(model),
      model.basePath + (model.logging === undefined ? "" : ` (logs ${percent(model.logging.samplingRate)} of requests)`),
    ]),
  ];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd()).join("\n");
}

function versions(policy: VersionPolicy): string {
  switch (policy.kind) {
    case "latest":
      return policy.count === 1 ? "latest" : `latest ${policy.count}`;
    case "all":
      return "all";
    case "specific":
      return policy.versions.length === 0 ? "none" : policy.versions.join(", ");
  }
}

function labels({ labels: all, trafficSplit }: ModelConfig): string {
  const sum = [...trafficSplit.values()].reduce((total, weight) => total + weight, 0);
  const shown = [...all].map(([label, version]) => {
    const weight = trafficSplit.get(label);
    return `${label}=${version}${weight === undefined ? "" : ` (${percent(weight / sum)})`}`;
  });
  return shown.join(", ") || "-";
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))}%`;
}
