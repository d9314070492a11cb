import { ServingError } from "../base/serving-error.ts";
import type { BatchLimits } from "./batching.ts";

/**
 * Checks limits against each other, by TensorFlow Serving's rules. With requests that are split, the last allowed size may also be
 * the largest that is run.
 * @throws ServingError invalid-argument that names the parameter at fault
 */
export function checkBatchLimits(limits: BatchLimits): void {
  const { maxBatchSize, maxExecutionBatchSize, splitsLargeBatches, batchTimeoutMs, maxEnqueuedBatches } = limits;
  least("max_batch_size", maxBatchSize, 1);
  least("batch_timeout_micros", batchTimeoutMs * 1000, 0);
  least("max_enqueued_batches", maxEnqueuedBatches, 0);
  if (splitsLargeBatches) {
    least("max_execution_batch_size", maxExecutionBatchSize, 1);
    if (maxExecutionBatchSize > maxBatchSize) {
      throw new ServingError(
        "invalid-argument",
        `max_execution_batch_size must not be above max_batch_size, got ${maxExecutionBatchSize} and ${maxBatchSize}`,
      );
    }
  }
  checkAllowedSizes(limits);
}

function checkAllowedSizes({ allowedBatchSizes: sizes, maxBatchSize, maxExecutionBatchSize }: BatchLimits): void {
  const last = sizes.at(-1);
  if (last === undefined) return;
  if (last !== maxBatchSize && last !== maxExecutionBatchSize) {
    throw new ServingError(
      "invalid-argument",
      `Last entry in allowed_batch_sizes must match max_batch_size; last entry was ${last}; expected ${maxBatchSize}`,
    );
  }
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i]! > (sizes[i - 1] ?? 0)) continue;
    throw new ServingError("invalid-argument", `allowed_batch_sizes must be positive and ascend, got ${sizes.join(", ")}`);
  }
}

function least(name: string, value: number, bound: number): void {
  if (value < bound) throw new ServingError("invalid-argument", `${name} must be at least ${bound}, got ${value}`);
}
