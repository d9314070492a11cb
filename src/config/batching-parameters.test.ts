import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { parseBatchLimits, serverBatching } from "./batching-parameters.ts";

const folder = temporaryFolders();

test("without a file TensorFlow Serving's defaults hold", async () => {
  expect(await serverBatching({ file: undefined, perModel: true })).toEqual({
    perModel: true,
    threads: availableParallelism(),
    limits: {
      maxBatchSize: 1000,
      maxExecutionBatchSize: 1000,
      splitsLargeBatches: false,
      batchTimeoutMs: 0,
      maxEnqueuedBatches: 10,
      allowedBatchSizes: [],
      padsVariableLengthInputs: false,
    },
  });
});

test("a file says all of it", async () => {
  const file = join(folder(), "batching.pbtxt");
  writeFileSync(
    file,
    `max_batch_size { value: 128 } batch_timeout_micros { value: 1500 } max_enqueued_batches { value: 7 }
     num_batch_threads { value: 3 } thread_pool_name { value: "pool" } allowed_batch_sizes: [32, 64]
     pad_variable_length_inputs: true enable_large_batch_splitting { value: true } max_execution_batch_size { value: 64 }`,
  );
  expect(await serverBatching({ file, perModel: false })).toEqual({
    perModel: false,
    threads: 3,
    limits: {
      maxBatchSize: 128,
      maxExecutionBatchSize: 64,
      splitsLargeBatches: true,
      batchTimeoutMs: 1.5,
      maxEnqueuedBatches: 7,
      allowedBatchSizes: [32, 64],
      padsVariableLengthInputs: true,
    },
  });
});

test("a queue of no batches is one of one batch: every request would be refused else", async () => {
  expect((await parseBatchLimits("max_enqueued_batches { value: 0 }", "f")).maxEnqueuedBatches).toBe(1);
  expect((await parseBatchLimits("max_enqueued_batches { value: -1 }", "f")).maxEnqueuedBatches).toBe(-1);
});

test("without splitting the largest batch is the largest request", async () => {
  const limits = await parseBatchLimits("max_batch_size { value: 8 } max_execution_batch_size { value: 2 }", "f");
  expect(limits.maxExecutionBatchSize).toBe(8);
});

test.each([
  ["max_batch_size { value: 1", "--batching_parameters_file b.pbtxt: 1:26: "],
  ["\n no_such_field: 1", "--batching_parameters_file b.pbtxt: 2:2: "],
  ["num_batch_threads { value: 0 }", "--batching_parameters_file b.pbtxt: num_batch_threads must be at least 1, got 0"],
])("%j is refused with its place", async (text, message) => {
  const file = join(folder(), "b.pbtxt");
  writeFileSync(file, text);
  await expect(serverBatching({ file, perModel: false })).rejects.toThrow(message);
});

test("a file that cannot be read is refused by its name alone", async () => {
  await expect(serverBatching({ file: join(folder(), "b.pbtxt"), perModel: false })).rejects.toThrow(
    /^--batching_parameters_file b\.pbtxt cannot be read$/,
  );
});
