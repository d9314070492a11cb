import { expect, test } from "vitest";
import { BATCHING_QUEUE_TASKS } from "../metrics/definitions.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { Backlog } from "./backlog.ts";

const backlogOf = (alwaysWaiting: number) =>
  new Backlog({ maxDelayMs: 50, alwaysWaiting }, new MetricsShard(() => undefined).gauge(BATCHING_QUEUE_TASKS, "m"));

test("a newcomer waits for the batches before the last, which it joins, as long as one that waited for another has told how long each takes", () => {
  const backlog = backlogOf(1);
  backlog.add(400, 4);
  backlog.check();
  backlog.began(0, 0);
  backlog.check();
  backlog.began(20, 0);
  expect(() => backlog.check()).toThrow("the model run would wait 60 ms, longer than 50 ms; try again later");
  backlog.add(-100, -1);
  backlog.check();
});

test("what was learned in worse times keeps nobody out of a batch that has room", () => {
  const backlog = backlogOf(1);
  backlog.began(0, 0);
  backlog.began(10_000, 0);
  backlog.add(500, 1);
  backlog.check();
});

test("what was learned in worse times is forgotten in better ones", () => {
  const backlog = backlogOf(1);
  backlog.began(0, 0);
  backlog.began(10_000, 0);
  backlog.add(500, 5);
  expect(() => backlog.check()).toThrow("longer than 50 ms");
  for (let time = 20_000; time < 60_000; time += 1000) backlog.began(time, time);
  backlog.check();
});

test("so many tasks of no rows, which fit into any batch, may wait, and no more", () => {
  const backlog = backlogOf(1);
  backlog.add(16_384, 1);
  expect(() => backlog.check()).toThrow("16384 model runs are waiting already, try again later");
});

test("what a batch waited for others of its own is not counted: the thread was waiting, not the batch", () => {
  const backlog = backlogOf(1);
  backlog.began(0, 0);
  backlog.began(1000, 1000);
  backlog.add(10, 10);
  backlog.check();
});

test("some tasks may always wait", () => {
  const backlog = backlogOf(3);
  backlog.began(0, 0);
  backlog.began(100, 0);
  backlog.add(2, 2);
  backlog.check();
  backlog.add(1, 1);
  expect(() => backlog.check()).toThrow("would wait 200 ms");
});
