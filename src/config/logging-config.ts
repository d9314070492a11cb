import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoggingConfig, SamplingConfig } from "../gen/tensorflow_serving/config/logging_config_pb.ts";
import type { RequestLogFormat, RequestLogging } from "../model/request-logging.ts";
import { type Refuse, refusePlainly } from "./model-config-rules.ts";

/** What a config says of a model's request log, unchecked. */
export interface RequestLoggingChoice {
  readonly samplingRate: number;
  readonly filenamePrefix: string;
  /** A collector's type; empty for TFRecord. */
  readonly type: string;
}

/** Types of log collectors, and the format each writes. */
const FORMATS: ReadonlyMap<string, RequestLogFormat> = new Map([
  ["", "tfrecord"],
  ["tfrecord", "tfrecord"],
  ["json", "jsonl"],
  ["jsonl", "jsonl"],
]);

/**
 * What a `tensorflow.serving.LoggingConfig` of a model means here. Of its per-task rates the first one counts that is for every data
 * center and task: this server is none in particular.
 * @throws what `refuse` gives for a message that names the model and the field at fault
 */
export function resolveLoggingConfig(model: string, message: LoggingConfig, refuse: Refuse = refusePlainly): RequestLogging {
  const { logCollectorConfig: collector, samplingConfig: sampling, customLoggingConfig: custom } = message;
  if (custom !== undefined) {
    throw refuse(`model ${model} has a custom_logging_config, only log_collector_config is supported`);
  }
  if (collector === undefined) {
    throw refuse(`model ${model} has a logging_config without log_collector_config`);
  }
  return resolveRequestLogging(model, { ...collector, samplingRate: effectiveRate(sampling) }, refuse);
}

/**
 * Checks what a config of whatever form says of a model's request log.
 * @throws what `refuse` gives for a message that names the model and the field at fault
 */
export function resolveRequestLogging(
  model: string,
  choice: RequestLoggingChoice,
  refuse: Refuse = refusePlainly,
): RequestLogging {
  const { samplingRate, filenamePrefix, type } = choice;
  const format = FORMATS.get(type);
  if (format === undefined) {
    const known = [...FORMATS.keys()].filter((name) => name !== "").join(", ");
    throw refuse(`model ${model} has a log collector of the unknown type ${JSON.stringify(type)} (known: ${known})`);
  }
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    throw refuse(`model ${model} has a sampling_rate of ${samplingRate}, expected 0 to 1`);
  }
  return { samplingRate, filenamePrefix: resolvePrefix(model, filenamePrefix, refuse), format };
}

function effectiveRate(sampling: SamplingConfig | undefined): number {
  const rule = sampling?.perTaskSamplingConfigs.find(({ dc, taskIndex }) => dc === "" && taskIndex === undefined);
  return rule?.samplingRate ?? sampling?.samplingRate ?? 0;
}

function resolvePrefix(model: string, prefix: string, refuse: Refuse): string {
  const path = /^file:\/\//i.test(prefix) ? pathOf(prefix) : prefix;
  if (path === undefined || !isAbsolute(path) || /[/\\]$/.test(path) || path.includes("\0")) {
    throw refuse(
      `model ${model} has a log collector with the filename_prefix ${JSON.stringify(prefix)}, ` +
        "expected an absolute path or a file: URL that ends in the first part of a file's name",
    );
  }
  return path;
}

function pathOf(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined;
  }
}
