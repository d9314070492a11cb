import { expect, test } from "vitest";
import { isUnbounded } from "./unbounded-ops.ts";

test.each([
  ["loops", "While"],
  ["takes from a queue that another run fills", "QueueDequeueV2"],
  ["waits for room in a queue", "QueueEnqueueV2"],
  ["waits for requests to batch", "BatchFunction"],
  ["waits for what another run puts there", "Unstage"],
  ["reads a data set", "IteratorGetNext"],
])("a graph that %s is never run on the thread that serves: %s", (_, op) => {
  expect(isUnbounded(["Placeholder", op, "Identity"])).toBe(true);
});

test("a graph that only computes is run where it is quickest", () => {
  expect(isUnbounded(["Placeholder", "MatMul", "Case", "RestoreV2", "FIFOQueueV2"])).toBe(false);
});
