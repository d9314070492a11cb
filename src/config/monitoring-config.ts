import { ServingError } from "../base/serving-error.ts";
import { readTextFormatFile } from "./text-format-file.ts";

/** Where TensorFlow Serving has its metrics unless told otherwise. */
const DEFAULT_PATH = "/monitoring/prometheus/metrics";

/**
 * Where to serve metrics: the path of a `--monitoring_config_file`, a `tensorflow.serving.MonitoringConfig` in text format,
 * or the default. Undefined when the file turns them off; without a file they are on.
 * @throws ServingError not-found for a file that cannot be read, invalid-argument with line and column for a malformed one.
 */
export async function metricsPath(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return DEFAULT_PATH;
  const { name, message } = await readTextFormatFile("monitoring_config_file", file, schema);
  const { prometheusConfig } = message;
  if (!prometheusConfig?.enable) return undefined;
  const path = prometheusConfig.path || DEFAULT_PATH;
  if (!path.startsWith("/")) throw new ServingError("invalid-argument", `${name}: path must begin with "/", got "${path}"`);
  return path;
}

async function schema() {
  return (await import("../gen/tensorflow_serving/config/monitoring_config_pb.ts")).MonitoringConfigSchema;
}
