import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig, VersionPolicy } from "./model-config.ts";

/** What is not printable, quotes and backslashes. */
const UNSAFE = /[^ !#-[\]-~\u0080-\uffff]/g;

/** Comments before anything else. */
const HEAD = /^(?:[ \t]*(?:#[^\n]*)?\n)*/;

/**
 * A `tensorflow.serving.ModelServerConfig` in protobuf text format, under the comment that `previous` begins with.
 * @throws ServingError failed-precondition for a model that it has no words for: one without a platform, or with a traffic split
 */
export function formatModelServerConfig(models: readonly ModelConfig[], previous = ""): string {
  const head = HEAD.exec(previous)![0];
  return `${head}model_config_list {\n${models.map(formatModel).join("")}}\n`;
}

function formatModel({ name, basePath, platform, versionPolicy, labels, trafficSplit, logging }: ModelConfig): string {
  if (platform === undefined) throw inexpressible(name, "without a platform");
  if (trafficSplit.size > 0) throw inexpressible(name, "with a traffic_split");
  const lines = [`name: ${quote(name)}`, `base_path: ${quote(basePath)}`, `model_platform: ${quote(platform)}`];
  const policy = formatPolicy(versionPolicy);
  if (policy !== undefined) lines.push(`model_version_policy { ${policy} }`);
  for (const [label, version] of labels) lines.push(`version_labels { key: ${quote(label)} value: ${version} }`);
  if (logging !== undefined) {
    const { samplingRate, filenamePrefix, format } = logging;
    const collector = `type: ${quote(format)} filename_prefix: ${quote(filenamePrefix)}`;
    lines.push(
      "logging_config {",
      `  log_collector_config { ${collector} }`,
      `  sampling_config { sampling_rate: ${samplingRate} }`,
      "}",
    );
  }
  return `  config {\n${lines.map((line) => `    ${line}\n`).join("")}  }\n`;
}

function formatPolicy(policy: VersionPolicy): string | undefined {
  switch (policy.kind) {
    case "latest":
      return policy.count === 1 ? undefined : `latest { num_versions: ${policy.count} }`;
    case "all":
      return "all {}";
    case "specific":
      return `specific { ${policy.versions.map((version) => `versions: ${version} `).join("")}}`;
  }
}

function inexpressible(name: string, what: string): ServingError {
  return new ServingError(
    "failed-precondition",
    `protobuf text format has no words for model ${name} ${what}; keep the config file in YAML to write it`,
  );
}

/** A string literal that every reader of the format takes. */
function quote(text: string): string {
  const escaped = text.replace(UNSAFE, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `"${escaped}"`;
}
