import type { BatchingChoice } from "../model/batching.ts";

/** What a model's batching can be made of, by the names that TensorFlow Serving's BatchingParameters have. */
export const BATCHING_KEYS: ReadonlyMap<string, keyof BatchingChoice> = new Map([
  ["max_batch_size", "maxBatchSize"],
  ["batch_timeout_micros", "batchTimeoutMicros"],
  ["max_enqueued_batches", "maxEnqueuedBatches"],
  ["allowed_batch_sizes", "allowedBatchSizes"],
  ["pad_variable_length_inputs", "padVariableLengthInputs"],
  ["enable_large_batch_splitting", "enableLargeBatchSplitting"],
  ["max_execution_batch_size", "maxExecutionBatchSize"],
]);

/** A choice from its written form, each value of which is of the type that its key has; in the order of the keys here. */
export function batchingChoice(written: Readonly<Record<string, unknown>>): BatchingChoice {
  const set = [...BATCHING_KEYS].filter(([key]) => written[key] !== undefined);
  return Object.fromEntries(set.map(([key, name]) => [name, written[key]])) as BatchingChoice;
}
