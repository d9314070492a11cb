import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Log } from "../base/log.ts";
import { temporaryFolders } from "../base/test-folders.ts";
import { batchLimits } from "../config/batching-parameters.ts";
import type { BatchingChoice, BatchLimits } from "../model/batching.ts";
import type { TensorInfo } from "../tensor/signature.ts";
import { VersionBatching } from "./version-batching.ts";

const folder = temporaryFolders();
const logged: (object | undefined)[] = [];
const write = (_event: string, fields?: object): void => void logged.push(fields);
const log: Log = { debugging: false, debug: write, info: write, warn: write, error: write };
const WIDE = batchLimits({});
const batching = (perModel: boolean, limits: Partial<BatchLimits> = {}): VersionBatching =>
  new VersionBatching({ limits: { ...WIDE, ...limits }, perModel, threads: 1 }, log);

test("the server's limits hold for every version, and contradictions fail its load", async () => {
  expect(await batching(false).limits("m", folder())).toEqual(WIDE);
  await expect(batching(false, { allowedBatchSizes: [5] }).limits("m", folder())).rejects.toThrow(
    "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 5; expected 1000",
  );
});

test("with limits of each version one that brings none is not batched, and a bare file neither", async () => {
  const path = folder();
  writeFileSync(join(path, "model.onnx"), "");
  expect(await batching(true).limits("m", path)).toBeUndefined();
  expect(await batching(true).limits("m", join(path, "model.onnx"))).toBeUndefined();
});

test("with limits of each version its own file counts", async () => {
  const path = folder();
  writeFileSync(join(path, "batching_params.pbtxt"), "max_batch_size { value: 4 } num_batch_threads { value: -1 }");
  expect(await batching(true).limits("m", path)).toEqual({ ...WIDE, maxBatchSize: 4, maxExecutionBatchSize: 4 });
});

test("what the config says of a model goes before its versions' files and the server's limits", async () => {
  const path = folder();
  writeFileSync(join(path, "batching_params.pbtxt"), "max_batch_size { value: 4 }");
  let choice: BatchingChoice | undefined = { maxBatchSize: 8, batchTimeoutMicros: 500 };
  for (const perModel of [true, false]) {
    const server = { limits: { ...WIDE, maxEnqueuedBatches: 3 }, perModel, threads: 1 };
    const chosen = new VersionBatching(server, log, (model) => (model === "m" ? choice : undefined));
    choice = { maxBatchSize: 8, batchTimeoutMicros: 500 };
    expect(await chosen.limits("m", path)).toEqual({ ...WIDE, maxBatchSize: 8, maxExecutionBatchSize: 8, batchTimeoutMs: 0.5 });
    choice = undefined;
    expect((await chosen.limits("m", path))!.maxBatchSize).toBe(perModel ? 4 : 1000);
  }
});

test.each([
  ["max_batch_size 4", "batching_params.pbtxt: 1:16: "],
  ["max_batch_size { value: 4 } allowed_batch_sizes: 2", "Last entry in allowed_batch_sizes"],
  [" ".repeat(70_000), "batching_params.pbtxt is longer than 65536 bytes"],
])("a bad file of its own fails the load: %#", async (text, message) => {
  const path = folder();
  writeFileSync(join(path, "batching_params.pbtxt"), text);
  await expect(batching(true).limits("m", path)).rejects.toThrow(message);
});

test("a file of its own that leads out of the version's folder is not followed", async () => {
  const path = folder();
  mkdirSync(join(path, "1"));
  writeFileSync(join(path, "outside"), "max_batch_size { value: 4 }");
  symlinkSync(join(path, "outside"), join(path, "1", "batching_params.pbtxt"));
  await expect(batching(true).limits("m", join(path, "1"))).rejects.toThrow("it leads out of the model's folder");
});

test("what cannot be batched is logged with the reason", () => {
  const tensor = (alias: string, first: number): TensorInfo => ({ alias, name: alias, dtype: "float32", shape: [first] });
  const signature = (first: number) => ({ inputs: [tensor("x", first)], outputs: [tensor("y", -1)], methodName: "m" });
  const signatures = new Map([
    ["good", signature(-1)],
    ["bad", signature(1)],
  ]);
  const plan = batching(false).plan({ name: "m", version: 3n }, WIDE, signatures);
  expect([...plan.signatures.keys()]).toEqual(["good"]);
  const reason = 'input "x" has a first dimension of 1, which would have to be free';
  expect(logged).toEqual([{ model: "m", version: "3", signature: "bad", reason }]);
});
