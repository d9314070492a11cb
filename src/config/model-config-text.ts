import { isDeepStrictEqual } from "node:util";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig, VersionPolicy } from "./model-config.ts";
import type { ModelServerConfigText } from "./model-server-config.ts";

/** What is not printable, quotes and backslashes. */
const UNSAFE = /[^ !#-[\]-~\u0080-\uffff]/g;

/**
 * A `tensorflow.serving.ModelServerConfig` in protobuf text format.
 * @throws ServingError failed-precondition for a model that it has no words for: one without a platform, with a traffic split,
 * with batching, or with options of TensorFlow or Python
 */
export function formatModelServerConfig(models: readonly ModelConfig[]): string {
  return `model_config_list {\n${models.map((model) => `  config ${formatModel(model, "  ")}\n`).join("")}}\n`;
}

/**
 * The text of a config with other models: first with everything that did not change as it is written, then, for texts whose models
 * are in one pair of brackets, with all models one after the other, the unchanged ones as they are written.
 * @throws ServingError as {@link formatModelServerConfig} does
 */
export function* editModelServerConfig(
  previous: ModelServerConfigText,
  text: string,
  models: readonly ModelConfig[],
): Generator<string> {
  const { list } = previous.spans;
  const bodies = bodiesOf(previous, text, models);
  yield edited(previous, text, bodies);
  const entries = [...bodies.values()].map((body) => `  config ${body}\n`).join("");
  yield `${text.slice(0, list.open + 1)}\n${entries}${text.slice(list.end - 1)}`;
}

/** Every model to write, from brace to brace. */
function bodiesOf(previous: ModelServerConfigText, text: string, models: readonly ModelConfig[]): ReadonlyMap<string, string> {
  const before = new Map(previous.models.map((model) => [model.name, model]));
  return new Map(
    models.map((model) => {
      const span = previous.spans.models.get(model.name);
      const old = before.get(model.name);
      if (span === undefined || old === undefined) return [model.name, formatModel(model, "  ")];
      if (isDeepStrictEqual(old, model)) return [model.name, text.slice(span.whole.open, span.whole.end)];
      // What a logging_config can say besides is kept with it.
      const logging = span.logging && isDeepStrictEqual(old.logging, model.logging) ? span.logging : undefined;
      const kept = logging && `logging_config ${text.slice(logging.open, logging.end)}`;
      return [model.name, formatModel(model, indentAt(text, span.whole.start), kept)];
    }),
  );
}

function edited({ spans }: ModelServerConfigText, text: string, bodies: ReadonlyMap<string, string>): string {
  const pieces: string[] = [];
  let at = 0;
  for (const [name, { whole }] of spans.models) {
    const body = bodies.get(name);
    if (body === undefined) {
      const [start, end] = withItsLine(text, whole.start, whole.end);
      pieces.push(text.slice(at, start));
      at = end;
    } else {
      pieces.push(text.slice(at, whole.open), body);
      at = whole.end;
    }
  }
  const close = spans.list.end - 1;
  const rest = text.slice(at, close);
  const added = [...bodies].filter(([name]) => !spans.models.has(name)).map(([, body]) => `  config ${body}\n`);
  if (added.length > 0) {
    // A closing brace on a line of its own keeps its indent.
    const head = rest.slice(0, rest.length - blanksBefore(rest, rest.length));
    const indent = rest.slice(head.length);
    const alone = head.endsWith("\n");
    pieces.push(head, alone ? "" : "\n", ...added, alone ? indent : "");
  } else {
    pieces.push(rest);
  }
  return pieces.join("") + text.slice(close);
}

/** A part of a text with the separator behind it, and with its lines where nothing else is on them. */
function withItsLine(text: string, start: number, end: number): readonly [number, number] {
  const behind = end + (/^[ \t]*[,;]/.exec(text.slice(end))?.[0].length ?? 0);
  const indent = blanksBefore(text, start);
  const tail = /^[ \t]*\r?\n/.exec(text.slice(behind));
  const alone = tail !== null && (start - indent === 0 || text[start - indent - 1] === "\n");
  return alone ? [start - indent, behind + tail[0].length] : [start, behind];
}

function blanksBefore(text: string, end: number): number {
  let start = end;
  while (text[start - 1] === " " || text[start - 1] === "\t") start--;
  return end - start;
}

function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset))![0];
}

function formatModel(
  { name, basePath, platform, versionPolicy, labels, trafficSplit, logging, batching, tensorflow, python }: ModelConfig,
  indent: string,
  writtenLogging?: string,
): string {
  if (platform === undefined) throw inexpressible(name, "without a platform");
  if (trafficSplit.size > 0) throw inexpressible(name, "with a traffic_split");
  if (batching !== undefined) throw inexpressible(name, "with batching");
  if (tensorflow !== undefined) throw inexpressible(name, "with options of TensorFlow");
  if (python !== undefined) throw inexpressible(name, "with options of Python");
  const lines = [`name: ${quote(name)}`, `base_path: ${quote(basePath)}`, `model_platform: ${quote(platform)}`];
  const policy = formatPolicy(versionPolicy);
  if (policy !== undefined) lines.push(`model_version_policy { ${policy} }`);
  for (const [label, version] of labels) lines.push(`version_labels { key: ${quote(label)} value: ${version} }`);
  if (writtenLogging !== undefined) {
    lines.push(writtenLogging);
  } else if (logging !== undefined) {
    const { samplingRate, filenamePrefix, format } = logging;
    const collector = `type: ${quote(format)} filename_prefix: ${quote(filenamePrefix)}`;
    lines.push(
      "logging_config {",
      `  log_collector_config { ${collector} }`,
      `  sampling_config { sampling_rate: ${samplingRate} }`,
      "}",
    );
  }
  return `{\n${lines.map((line) => `${indent}  ${line}\n`).join("")}${indent}}`;
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
