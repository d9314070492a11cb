import { expect, test } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { settle } from "../base/fake-clock.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";

function crowd(limit: ConcurrencyLimit, count: number) {
  const started: number[] = [];
  const gates: Deferred<void>[] = Array.from({ length: count }, () => deferred());
  const runs = gates.map((gate, number) =>
    limit.run(() => {
      started.push(number);
      return gate.promise;
    }),
  );
  return { started, gates, runs };
}

test.each([
  [2, [0, 1]],
  [1, [0]],
  [0, [0]],
  [-3, [0]],
])("a limit of %i starts tasks %j", async (limit, first) => {
  const { started } = crowd(new ConcurrencyLimit(limit), 4);
  await settle();
  expect(started).toEqual(first);
});

test("starts the next one when one ends, well or badly", async () => {
  const { started, gates, runs } = crowd(new ConcurrencyLimit(1), 3);
  await settle();
  gates[0]!.reject(new Error("failed"));
  await expect(runs[0]).rejects.toThrow("failed");
  await settle();
  expect(started).toEqual([0, 1]);
  gates[1]!.resolve();
  await settle();
  expect(started).toEqual([0, 1, 2]);
});

test("a higher limit starts waiting tasks at once, a lower one lets running ones end", async () => {
  const limit = new ConcurrencyLimit(1);
  const { started, gates } = crowd(limit, 5);
  await settle();
  limit.setLimit(3);
  await settle();
  expect(started).toEqual([0, 1, 2]);
  limit.setLimit(1);
  gates[0]!.resolve();
  gates[1]!.resolve();
  await settle();
  expect(started).toEqual([0, 1, 2]);
  gates[2]!.resolve();
  await settle();
  expect(started).toEqual([0, 1, 2, 3]);
});

test("a task whose signal aborts while it waits never runs, and the next one takes its turn", async () => {
  const limit = new ConcurrencyLimit(1);
  const { gates } = crowd(limit, 1);
  const abort = new AbortController();
  let ran = false;
  const cancelled = limit.run(async () => {
    ran = true;
  }, abort.signal);
  const next = limit.run(async () => "next");
  const reason = new Error("not wanted");
  abort.abort(reason);
  await expect(cancelled).rejects.toBe(reason);
  gates[0]!.resolve();
  expect(await next).toBe("next");
  expect(ran).toBe(false);
  await expect(limit.run(async () => "late", abort.signal)).rejects.toBe(reason);
});
