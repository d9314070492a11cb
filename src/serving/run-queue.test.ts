import { describe, expect, test } from "vitest";
import type { RunLimits } from "../base/run-limits.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { RunQueue } from "./run-queue.ts";

const NONE: NamedTensors = new Map();
const context = () => ({ signal: new AbortController().signal });

/** A queue whose turns are taken one by one. */
function queueOf(limits: RunLimits = { maxDelayMs: 0, alwaysWaiting: 0 }) {
  const turns: (() => void)[] = [];
  const queue = new RunQueue(limits, (action) => turns.push(action));
  const turn = () => {
    for (const action of turns.splice(0)) action();
  };
  return { queue, turns, turn };
}

/** Keeps the thread busy: the queue reads the clock between runs. */
function busy(milliseconds: number): NamedTensors {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
  return NONE;
}

describe("a thread that keeps up", () => {
  test("is never late, and asks for no turn", () => {
    const { queue, turns } = queueOf();
    for (let run = 0; run < 9; run++) queue.ran(0.1);
    expect([queue.late, turns.length]).toEqual([false, 0]);
    queue.check();
  });

  test("is not late when its runs lie in different turns", () => {
    const { queue, turn } = queueOf();
    for (let run = 0; run < 9; run++) {
      queue.ran(3);
      expect(queue.late).toBe(false);
      turn();
    }
  });
});

describe("a thread whose runs of one turn take long", () => {
  test("lets the next ones wait, in order, until the queue is empty", async () => {
    const { queue, turn } = queueOf();
    queue.ran(5);
    expect(queue.late).toBe(true);
    const order: number[] = [];
    const outcomes = [1, 2, 3].map((number) =>
      queue.add(() => {
        order.push(number);
        return busy(number === 2 ? 3 : 0);
      }, context()),
    );
    expect(order).toEqual([]);
    turn();
    // The second took the whole slice.
    expect(order).toEqual([1, 2]);
    expect(queue.late).toBe(true);
    turn();
    expect(order).toEqual([1, 2, 3]);
    expect(await Promise.all(outcomes)).toEqual([NONE, NONE, NONE]);
    expect(queue.late).toBe(false);
  });

  test("gives each caller its own failure", async () => {
    const { queue, turns, turn } = queueOf();
    const failing = queue.add(() => {
      throw new Error("no such row");
    }, context());
    const rejecting = queue.add(() => Promise.reject(new Error("later")), context());
    const good = queue.add(() => NONE, context());
    // One turn does them all, unless the machine stood still in the middle.
    while (turns.length > 0) turn();
    await expect(failing).rejects.toThrow("no such row");
    await expect(rejecting).rejects.toThrow("later");
    expect(await good).toBe(NONE);
  });

  test("never does a run whose caller gave up", async () => {
    const { queue, turn } = queueOf();
    const controller = new AbortController();
    let done = 0;
    const count = () => {
      done++;
      return NONE;
    };
    const lost = queue.add(count, controller);
    const kept = queue.add(count, context());
    controller.abort(new Error("no time"));
    await expect(lost).rejects.toMatchObject({ code: "cancelled" });
    await expect(queue.add(count, controller)).rejects.toMatchObject({ code: "cancelled" });
    turn();
    await kept;
    expect(done).toBe(1);
  });
});

test("refuses at once what would wait too long, and no longer when the queue is short again", async () => {
  const { queue, turn } = queueOf({ maxDelayMs: 20, alwaysWaiting: 2 });
  const outcomes = Array.from({ length: 20 }, () => queue.add(() => busy(3), context()));
  // Two slices of one run each tell how often one begins: every 3 ms at least.
  turn();
  turn();
  expect(() => queue.check()).toThrow(/^the model run would wait \d+ ms, longer than 20 ms; try again later$/);
  await expect(queue.add(() => NONE, context())).rejects.toMatchObject({ code: "resource-exhausted", reason: "queue_delay" });
  for (let left = 18; left > 1; left--) turn();
  queue.check();
  turn();
  expect(await Promise.all(outcomes)).toHaveLength(20);
});
