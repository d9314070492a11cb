import { expect, test } from "vitest";
import { deferred } from "../../base/deferred.ts";
import { ServingError } from "../../base/serving-error.ts";
import { ImageSlots } from "./image-slots.ts";

const never = new AbortController().signal;

function held(slots: ImageSlots, signal = never) {
  const gate = deferred<void>();
  const state = { began: false };
  const done = slots.use(signal, async () => {
    state.began = true;
    await gate.promise;
  });
  return { state, done, end: () => gate.resolve(), fail: (reason: unknown) => gate.reject(reason) };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("lets so many work at once, and the next when one has ended or failed", async () => {
  const slots = new ImageSlots(2);
  const [first, second, third, fourth] = [held(slots), held(slots), held(slots), held(slots)];
  await settled();
  expect([first, second, third, fourth].map(({ state }) => state.began)).toEqual([true, true, false, false]);
  first.fail(new Error("broken"));
  await expect(first.done).rejects.toThrow("broken");
  await settled();
  expect([third, fourth].map(({ state }) => state.began)).toEqual([true, false]);
  for (const one of [second, third, fourth]) one.end();
  await Promise.all([second.done, third.done, fourth.done]);
});

test("who leaves while waiting is told why, and does not keep the others waiting", async () => {
  const slots = new ImageSlots(1);
  const controller = new AbortController();
  const [first, leaving, last] = [held(slots), held(slots, controller.signal), held(slots)];
  const reason = new ServingError("deadline-exceeded", "too late");
  controller.abort(reason);
  await expect(leaving.done).rejects.toBe(reason);
  first.end();
  last.end();
  await last.done;
  expect([leaving.state.began, last.state.began]).toEqual([false, true]);
  await expect(slots.use(controller.signal, async () => {})).rejects.toBe(reason);
});
