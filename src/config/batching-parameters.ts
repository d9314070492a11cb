import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { BatchingParameters } from "../gen/tensorflow_serving/servables/tensorflow/session_bundle_config_pb.ts";
import type { BatchLimits, ServerBatching } from "../model/batching.ts";

/** TensorFlow Serving's defaults. */
const MAX_BATCH_SIZE = 1000;
const MAX_ENQUEUED_BATCHES = 10;

/** What `--enable_batching` and the flags beside it say. */
export interface BatchingFlags {
  /** `--batching_parameters_file`; undefined for the defaults. */
  readonly file: string | undefined;
  /** `--enable_per_model_batching_parameters` */
  readonly perModel: boolean;
}

/**
 * How the server batches: the parameters file read, and what it leaves open set to TensorFlow Serving's defaults.
 * @throws ServingError not-found for a file that cannot be read, invalid-argument with line and column for a malformed one, and for
 * a number of threads below 1. Whether the other limits fit each other shows when a model is loaded.
 */
export async function serverBatching({ file, perModel }: BatchingFlags): Promise<ServerBatching> {
  if (file === undefined) return { limits: batchLimits(undefined), perModel, threads: availableParallelism() };
  const name = `--batching_parameters_file ${basename(file)}`;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new ServingError("not-found", `${name} cannot be read`, { cause });
  }
  const parameters = await parse(text, name);
  const threads = Number(parameters.numBatchThreads ?? availableParallelism());
  if (threads < 1) throw new ServingError("invalid-argument", `${name}: num_batch_threads must be at least 1, got ${threads}`);
  return { limits: batchLimits(parameters), perModel, threads };
}

/**
 * The limits of a version's own `tensorflow.serving.BatchingParameters` in text format; its number of threads is the server's business.
 * @throws ServingError invalid-argument with `name`, line and column for a malformed text. The limits are not checked against each other.
 */
export async function parseBatchLimits(text: string, name: string): Promise<BatchLimits> {
  return batchLimits(await parse(text, name));
}

async function parse(text: string, name: string): Promise<BatchingParameters> {
  const { parseTextFormat } = await import("../codec/text-format/parse-text-format.ts");
  const { BatchingParametersSchema } = await import("../gen/tensorflow_serving/servables/tensorflow/session_bundle_config_pb.ts");
  try {
    return parseTextFormat(BatchingParametersSchema, text);
  } catch (reason) {
    const { code, message } = ServingError.from(reason);
    throw new ServingError(code, `${name}: ${message}`, { cause: reason });
  }
}

function batchLimits(parameters: BatchingParameters | undefined): BatchLimits {
  const maxBatchSize = Number(parameters?.maxBatchSize ?? MAX_BATCH_SIZE);
  const splitsLargeBatches = parameters?.enableLargeBatchSplitting ?? false;
  return {
    maxBatchSize,
    maxExecutionBatchSize: splitsLargeBatches ? Number(parameters?.maxExecutionBatchSize ?? maxBatchSize) : maxBatchSize,
    splitsLargeBatches,
    batchTimeoutMs: Number(parameters?.batchTimeoutMicros ?? 0) / 1000,
    maxEnqueuedBatches: Number(parameters?.maxEnqueuedBatches ?? MAX_ENQUEUED_BATCHES),
    allowedBatchSizes: (parameters?.allowedBatchSizes ?? []).map(Number),
    padsVariableLengthInputs: parameters?.padVariableLengthInputs ?? false,
  };
}
