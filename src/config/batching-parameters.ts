import { availableParallelism } from "node:os";
import { ServingError } from "../base/serving-error.ts";
import type { BatchingParameters } from "../gen/tensorflow_serving/servables/tensorflow/session_bundle_config_pb.ts";
import type { BatchingChoice, BatchLimits, ServerBatching } from "../model/batching.ts";
import { parseNamedText, readTextFormatFile } from "./text-format-file.ts";

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
  if (file === undefined) return { limits: batchLimits({}), perModel, threads: availableParallelism() };
  const { name, message: parameters } = await readTextFormatFile("batching_parameters_file", file, schema);
  const threads = Number(parameters.numBatchThreads ?? availableParallelism());
  if (threads < 1) throw new ServingError("invalid-argument", `${name}: num_batch_threads must be at least 1, got ${threads}`);
  return { limits: batchLimits(choiceOf(parameters)), perModel, threads };
}

/**
 * The limits of a version's own `tensorflow.serving.BatchingParameters` in text format; its number of threads is the server's business.
 * @throws ServingError invalid-argument with `name`, line and column for a malformed text. The limits are not checked against each other.
 */
export async function parseBatchLimits(text: string, name: string): Promise<BatchLimits> {
  return batchLimits(choiceOf(await parseNamedText(text, name, await schema())));
}

async function schema() {
  return (await import("../gen/tensorflow_serving/servables/tensorflow/session_bundle_config_pb.ts")).BatchingParametersSchema;
}

/** What was set; of a list nothing is the same as an empty one. */
function choiceOf(parameters: BatchingParameters): BatchingChoice {
  const { maxBatchSize, batchTimeoutMicros, maxEnqueuedBatches, maxExecutionBatchSize } = parameters;
  return {
    ...(maxBatchSize !== undefined && { maxBatchSize: Number(maxBatchSize) }),
    ...(batchTimeoutMicros !== undefined && { batchTimeoutMicros: Number(batchTimeoutMicros) }),
    ...(maxEnqueuedBatches !== undefined && { maxEnqueuedBatches: Number(maxEnqueuedBatches) }),
    ...(maxExecutionBatchSize !== undefined && { maxExecutionBatchSize: Number(maxExecutionBatchSize) }),
    allowedBatchSizes: parameters.allowedBatchSizes.map(Number),
    padVariableLengthInputs: parameters.padVariableLengthInputs,
    enableLargeBatchSplitting: parameters.enableLargeBatchSplitting ?? false,
  };
}

/** The limits that a choice means, with TensorFlow Serving's defaults. They are not checked against each other. */
export function batchLimits(choice: BatchingChoice): BatchLimits {
  const { maxBatchSize = MAX_BATCH_SIZE, enableLargeBatchSplitting: splitsLargeBatches = false } = choice;
  return {
    maxBatchSize,
    maxExecutionBatchSize: splitsLargeBatches ? (choice.maxExecutionBatchSize ?? maxBatchSize) : maxBatchSize,
    splitsLargeBatches,
    batchTimeoutMs: (choice.batchTimeoutMicros ?? 0) / 1000,
    // With none every request that does not come alone would be refused.
    maxEnqueuedBatches: (choice.maxEnqueuedBatches ?? MAX_ENQUEUED_BATCHES) || 1,
    allowedBatchSizes: choice.allowedBatchSizes ?? [],
    padsVariableLengthInputs: choice.padVariableLengthInputs ?? false,
  };
}
