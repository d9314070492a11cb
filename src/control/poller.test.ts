import { expect, test } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { Poller } from "./poller.ts";

/** A poller whose looks end when the test says so. */
function blocked() {
  const clock = new FakeClock();
  const looks: Deferred<void>[] = [];
  const reports: unknown[] = [];
  const look = () => {
    const running = deferred<void>();
    looks.push(running);
    return running.promise;
  };
  return { clock, looks, reports, poller: new Poller(look, 1000, clock, (reason) => reports.push(reason)) };
}

test("looks for the first time after one interval", async () => {
  const { clock, looks } = blocked();
  await clock.advance(999);
  expect(looks).toHaveLength(0);
  await clock.advance(1);
  expect(looks).toHaveLength(1);
});

test("never looks twice at a time: the interval begins when a look has ended", async () => {
  const { clock, looks } = blocked();
  await clock.advance(10_000);
  expect(looks).toHaveLength(1);
  looks[0].resolve();
  await settle();
  await clock.advance(999);
  expect(looks).toHaveLength(1);
  await clock.advance(1);
  expect(looks).toHaveLength(2);
});

test("reports a failure once until it went well again, and goes on looking", async () => {
  const { clock, looks, reports } = blocked();
  const outcomes = ["a", "b", undefined, "c"];
  for (const [i, outcome] of outcomes.entries()) {
    await clock.advance(1000);
    if (outcome === undefined) looks[i].resolve();
    else looks[i].reject(outcome);
    await settle();
  }
  expect(looks).toHaveLength(4);
  expect(reports).toEqual(["a", "c"]);
});

test("a failure that is thrown before any promise is reported as well", async () => {
  const clock = new FakeClock();
  const reports: unknown[] = [];
  const look = () => {
    throw new Error("at once");
  };
  const poller = new Poller(look, 1000, clock, (reason) => reports.push(reason));
  await clock.advance(3000);
  expect(reports).toEqual([new Error("at once")]);
  poller.stop();
});

test("is quiet once stopped, between looks and during one", async () => {
  const between = blocked();
  between.poller.stop();
  await between.clock.advance(5000);
  expect(between.looks).toHaveLength(0);

  const during = blocked();
  await during.clock.advance(1000);
  during.poller.stop();
  during.looks[0].resolve();
  await during.clock.advance(5000);
  expect(during.looks).toHaveLength(1);
});
