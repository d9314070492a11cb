import type { BatchLimits } from "./batching.ts";

/** For tests, which change it: limits that limit nothing. */
export const WIDE: BatchLimits = {
  maxBatchSize: 1000,
  maxExecutionBatchSize: 1000,
  splitsLargeBatches: false,
  batchTimeoutMs: 0,
  maxEnqueuedBatches: 10,
  allowedBatchSizes: [],
  padsVariableLengthInputs: false,
};
