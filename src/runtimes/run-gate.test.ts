import { expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { RunGate } from "./run-gate.ts";

test("lets so many in, and the others in the order they came", async () => {
  const gate = new RunGate(2);
  const order: number[] = [];
  for (let i = 0; i < 5; i++) void gate.enter(undefined).then(() => order.push(i));
  await settle();
  expect(order).toEqual([0, 1]);

  gate.leave(1);
  await settle();
  expect(order).toEqual([0, 1, 2]);

  gate.leave(1);
  gate.leave(1);
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

  gate.leave(1);
  await patient;
  gate.leave(1);
  await gate.enter(undefined);
});

test("refuses at once what would wait too long, and takes it again when the others are gone", async () => {
  const gate = new RunGate(2, { maxDelayMs: 100, alwaysWaiting: 1 });
  for (let turn = 0; turn < 2; turn++) await gate.enter(undefined);
  gate.leave(50);
  await gate.enter(undefined);
  // One that waits behind n others begins after n * 25 ms.
  const entered = Array.from({ length: 5 }, () => gate.enter(undefined));
  await expect(gate.enter(undefined)).rejects.toMatchObject({ code: "resource-exhausted", reason: "queue_delay" });
  expect(() => gate.check()).toThrow("would wait 125 ms, longer than 100 ms");
  gate.leave(50);
  await entered[0];
  gate.check();
  for (const next of entered.slice(1)) {
    gate.leave(50);
    await next;
  }
});

test("lets a few wait whatever they take", async () => {
  const gate = new RunGate(1, { maxDelayMs: 100, alwaysWaiting: 3 });
  await gate.enter(undefined);
  gate.leave(5000);
  await gate.enter(undefined);
  const entered = [1, 2, 3].map(() => gate.enter(undefined));
  await expect(gate.enter(undefined)).rejects.toThrow("would wait 15000 ms");
  for (const next of entered) {
    gate.leave(5000);
    await next;
  }
});

test("refuses nothing without limits, nor while there is room", async () => {
  const gate = new RunGate(1);
  await gate.enter(undefined);
  gate.leave(100_000);
  gate.check();
  await gate.enter(undefined);
  const next = gate.enter(undefined);
  gate.check();
  gate.leave(100_000);
  await next;
});
