import { expect, test } from "vitest";
import type { BatchLimits } from "./batching.ts";
import { checkBatchLimits } from "./check-batch-limits.ts";
import { WIDE } from "./test-batch-limits.ts";

const split = { splitsLargeBatches: true, maxBatchSize: 100, maxExecutionBatchSize: 10 };

const cases: readonly [string, Partial<BatchLimits>, string | undefined][] = [
  ["the defaults", {}, undefined],
  [
    "allowed sizes that end with max_batch_size",
    { maxBatchSize: 8, maxExecutionBatchSize: 8, allowedBatchSizes: [2, 8] },
    undefined,
  ],
  ["with splitting, allowed sizes that end with max_execution_batch_size", { ...split, allowedBatchSizes: [10] }, undefined],
  ["with splitting, allowed sizes that end with max_batch_size", { ...split, allowedBatchSizes: [10, 100] }, undefined],
  [
    "allowed sizes that end with something else",
    { maxBatchSize: 8, maxExecutionBatchSize: 8, allowedBatchSizes: [2, 4] },
    "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8",
  ],
  [
    "allowed sizes that do not ascend",
    { maxBatchSize: 8, maxExecutionBatchSize: 8, allowedBatchSizes: [4, 2, 8] },
    "allowed_batch_sizes must be positive and ascend, got 4, 2, 8",
  ],
  ["no rows", { maxBatchSize: 0, maxExecutionBatchSize: 0 }, "max_batch_size must be at least 1, got 0"],
  ["a negative timeout", { batchTimeoutMs: -0.001 }, "batch_timeout_micros must be at least 0, got -1"],
  ["a negative length of queues", { maxEnqueuedBatches: -1 }, "max_enqueued_batches must be at least 0, got -1"],
  [
    "splitting into more than may come",
    { ...split, maxExecutionBatchSize: 101 },
    "max_execution_batch_size must not be above max_batch_size, got 101 and 100",
  ],
];

test.each(cases)("%s", (_what, limits, message) => {
  const check = () => checkBatchLimits({ ...WIDE, ...limits });
  if (message === undefined) check();
  else expect(check).toThrow(message);
});
