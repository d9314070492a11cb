import { expect, test } from "vitest";
import { settle } from "../../base/fake-clock.ts";
import { RunGate } from "./run-gate.ts";

test("lets so many in, and the others in the order they came", async () => {
  const gate = new RunGate(2);
  const order: number[] = [];
  for (let i = 0; i < 5; i++) void gate.enter(undefined).then(() => order.push(i));
  await settle();
  expect(order).toEqual([0, 1]);

  gate.leave();
  await settle();
  expect(order).toEqual([0, 1, 2]);

  gate.leave();
  gate.leave();
  await settle();
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test("forgets who gave up, without losing a place", async () => {
  const gate = new RunGate(1);
  await gate.enter(undefined);
  const controller = new AbortController();
  const gaveUp = gate.enter(controller.signal);
  const patient = gate.enter(undefined);
  controller.abort(new Error("no time"));
  await expect(gaveUp).rejects.toMatchObject({ code: "cancelled" });

  gate.leave();
  await patient;
  gate.leave();
  await gate.enter(undefined);
});
