import { isDeepStrictEqual } from "node:util";
import { BATCHING_KEYS } from "./batching-keys.ts";
import { type ConfigObject, type ConfigValue, configObject, isConfigObject } from "./config-value.ts";
import { LATEST_VERSION, type ModelConfig, type VersionPolicy } from "./model-config.ts";
import { PYTHON_KEYS } from "./model-python.ts";
import { TENSORFLOW_KEYS } from "./tensorflow-keys.ts";

/** One model in our own form, as JSON text: the same for configs that mean the same, versions with all their digits. */
export function modelConfigJson(model: ModelConfig): string {
  return formatJson(modelObject(model));
}

/** A whole config in our own form, as JSON text. */
export function formatModelConfigs(models: readonly ModelConfig[]): string {
  return `${formatJson(configObject([["models", models.map((model) => modelObject(model))]]))}\n`;
}

/** A model in our own form; a version policy that is the `fallback` of the form is left out. */
export function modelObject(model: ModelConfig, fallback: VersionPolicy = LATEST_VERSION): ConfigObject {
  const { name, basePath, platform, versionPolicy, labels, trafficSplit, logging, batching, tensorflow, sessionConfig, python } =
    model;
  const parts: [string, ConfigValue][] = [
    ["name", name],
    ["base_path", basePath],
  ];
  if (platform !== undefined) parts.push(["platform", platform]);
  if (!isDeepStrictEqual(versionPolicy, fallback)) parts.push(["version_policy", policyValue(versionPolicy)]);
  if (labels.size > 0) parts.push(["labels", sorted(labels)]);
  if (trafficSplit.size > 0) parts.push(["traffic_split", sorted(trafficSplit)]);
  if (logging !== undefined) {
    const { samplingRate, filenamePrefix, format } = logging;
    const kind = configObject([["format", format === "jsonl" ? "json" : "tfrecord"]]);
    parts.push(["logging", configObject([["sampling_rate", samplingRate], ["prefix", filenamePrefix], ...Object.entries(kind)])]);
  }
  if (batching !== undefined) {
    const set = [...BATCHING_KEYS].filter(([, name]) => batching[name] !== undefined);
    parts.push(["batching", configObject(set.map(([key, name]) => [key, batching[name]!]))]);
  }
  if (sessionConfig !== undefined) parts.push(["session_config", sortedThroughout(sessionConfig)]);
  for (const [key, name] of TENSORFLOW_KEYS) {
    const value = tensorflow?.[name];
    if (value !== undefined) parts.push([key, value]);
  }
  for (const [key, name] of PYTHON_KEYS) {
    const value = python?.[name];
    if (value !== undefined) parts.push(name === "timeoutMs" ? [key, python!.timeoutMs! / 1000] : [key, value]);
  }
  return configObject(parts);
}

function policyValue(policy: VersionPolicy): ConfigValue {
  switch (policy.kind) {
    case "latest":
      return policy.count === 1 ? "latest" : configObject([["latest", policy.count]]);
    case "all":
      return "all";
    case "specific":
      return configObject([["specific", policy.versions]]);
  }
}

function sorted(map: ReadonlyMap<string, ConfigValue>): ConfigObject {
  return configObject([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** With the keys of every mapping in order. */
function sortedThroughout(value: ConfigValue): ConfigValue {
  if (isConfigObject(value)) return sorted(new Map(Object.entries(value).map(([key, part]) => [key, sortedThroughout(part)])));
  return Array.isArray(value) ? (value as readonly ConfigValue[]).map(sortedThroughout) : value;
}

/** JSON text, two blanks an indent; lists of scalars on one line. */
export function formatJson(value: ConfigValue, depth = 0): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = "  ".repeat(depth + 1);
  const outer = "  ".repeat(depth);
  if (isList(value)) {
    if (value.every((item) => typeof item !== "object")) return `[${value.map((item) => formatJson(item, depth)).join(", ")}]`;
    return `[\n${value.map((item) => inner + formatJson(item, depth + 1)).join(",\n")}\n${outer}]`;
  }
  const lines = Object.entries(value).map(([key, part]) => `${inner}${JSON.stringify(key)}: ${formatJson(part, depth + 1)}`);
  return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n${outer}}`;
}

function isList(value: object): value is readonly ConfigValue[] {
  return Array.isArray(value);
}
