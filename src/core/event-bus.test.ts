import { expect, test } from "vitest";
import { EventBus } from "./event-bus.ts";

test("delivers to every listener, until it unsubscribes", () => {
  const bus = new EventBus<number>();
  const heard: string[] = [];
  const stop = bus.subscribe((event) => heard.push(`a${event}`));
  bus.subscribe((event) => heard.push(`b${event}`));
  bus.publish(1);
  stop();
  bus.publish(2);
  expect(heard).toEqual(["a1", "b1", "b2"]);
});

test("every listener hears events in the same order, also those published while one is delivered", () => {
  const bus = new EventBus<number>();
  const heard: string[] = [];
  bus.subscribe((event) => {
    heard.push(`a${event}`);
    if (event === 1) bus.publish(2);
  });
  bus.subscribe((event) => heard.push(`b${event}`));
  bus.publish(1);
  expect(heard).toEqual(["a1", "b1", "a2", "b2"]);
});

test("a listener that is unsubscribed during a delivery is not called any more", () => {
  const bus = new EventBus<number>();
  const heard: number[] = [];
  bus.subscribe(() => stop());
  const stop = bus.subscribe((event) => heard.push(event));
  bus.publish(1);
  expect(heard).toEqual([]);
});

test("what a listener throws reaches neither the publisher nor the others", () => {
  const faults: unknown[] = [];
  const bus = new EventBus<number>((reason) => faults.push(reason));
  const heard: number[] = [];
  const fault = new Error("broken listener");
  bus.subscribe(() => {
    throw fault;
  });
  bus.subscribe((event) => heard.push(event));
  bus.publish(1);
  bus.publish(2);
  expect(heard).toEqual([1, 2]);
  expect(faults).toEqual([fault, fault]);
});

test("an event that nobody listens to is gone", () => {
  const bus = new EventBus<number>();
  const heard: number[] = [];
  bus.publish(1);
  bus.subscribe((event) => heard.push(event));
  bus.publish(2);
  expect(heard).toEqual([2]);
});
