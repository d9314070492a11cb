import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";

/** Where TensorFlow Serving has its metrics unless told otherwise. */
const DEFAULT_PATH = "/monitoring/prometheus/metrics";

/**
 * Where to serve metrics: the path of a `--monitoring_config_file`, a `tensorflow.serving.MonitoringConfig` in text format,
 * or the default. Undefined when the file turns them off; without a file they are on.
 * @throws ServingError not-found for a file that cannot be read, invalid-argument with line and column for a malformed one.
 */
export async function metricsPath(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return DEFAULT_PATH;
  const name = `--monitoring_config_file ${basename(file)}`;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new ServingError("not-found", `${name} cannot be read`, { cause });
  }
  const { prometheusConfig } = await read(text, name);
  if (!prometheusConfig?.enable) return undefined;
  const path = prometheusConfig.path || DEFAULT_PATH;
  if (!path.startsWith("/")) throw new ServingError("invalid-argument", `${name}: path must begin with "/", got "${path}"`);
  return path;
}

async function read(text: string, name: string) {
  const { parseTextFormat } = await import("../codec/text-format/parse-text-format.ts");
  const { MonitoringConfigSchema } = await import("../gen/tensorflow_serving/config/monitoring_config_pb.ts");
  try {
    return parseTextFormat(MonitoringConfigSchema, text);
  } catch (reason) {
    const { code, message } = ServingError.from(reason);
    throw new ServingError(code, `${name}: ${message}`, { cause: reason });
  }
}
