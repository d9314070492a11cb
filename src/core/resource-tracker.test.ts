import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { ResourceTracker } from "./resource-tracker.ts";

const id = (version: bigint) => ({ name: "iris", version });

/** What a promise has come to by now. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  let result = "waits";
  promise.then(
    () => {
      result = "granted";
    },
    (reason: Error) => {
      result = reason.message;
    },
  );
  await settle();
  return result;
}

const REFUSED = "Insufficient resources to load servable {name: iris version: 2}";

describe("resource tracker", () => {
  test("without a limit grants everything, and counts it", async () => {
    const tracker = new ResourceTracker();
    const reservation = await tracker.reserve(id(1n), 1e15);
    expect(tracker.reservedBytes).toBe(1e15);
    reservation.release();
    reservation.release();
    expect(tracker.reservedBytes).toBe(0);
  });

  test("grants up to the limit exactly, and refuses more", async () => {
    const tracker = new ResourceTracker(100);
    (await tracker.reserve(id(1n), 60)).settled();
    const refused = tracker.reserve(id(2n), 41);
    await expect(refused).rejects.toMatchObject({ code: "resource-exhausted", message: REFUSED });
    (await tracker.reserve(id(3n), 40)).settled();
    expect(tracker.reservedBytes).toBe(100);
  });

  test.each([101, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses %d of 100 bytes at once, though loads are in progress",
    async (bytes) => {
      const tracker = new ResourceTracker(100);
      await tracker.reserve(id(1n), 10);
      expect(await outcome(tracker.reserve(id(2n), bytes))).toBe(REFUSED);
      expect(tracker.reservedBytes).toBe(10);
    },
  );

  test("waits for a load in progress: refuses when it stays, grants when it fails", async () => {
    for (const [end, expected] of [
      ["settled", REFUSED],
      ["release", "granted"],
    ] as const) {
      const tracker = new ResourceTracker(100);
      const first = await tracker.reserve(id(1n), 60);
      const second = tracker.reserve(id(2n), 60);
      expect(await outcome(second)).toBe("waits");
      first[end]();
      expect(await outcome(second)).toBe(expected);
    }
  });

  test("waits for an unload in progress", async () => {
    const tracker = new ResourceTracker(100);
    const first = await tracker.reserve(id(1n), 60);
    first.settled();
    first.leaving();
    const second = tracker.reserve(id(2n), 60);
    expect(await outcome(second)).toBe("waits");
    first.release();
    expect(await outcome(second)).toBe("granted");
    expect(tracker.reservedBytes).toBe(60);
  });

  test("decides in the order of coming, so a large one is not overtaken", async () => {
    const tracker = new ResourceTracker(100);
    const first = await tracker.reserve(id(1n), 60);
    const large = tracker.reserve(id(2n), 90);
    const small = tracker.reserve(id(3n), 10);
    expect(await outcome(small)).toBe("waits");
    first.release();
    expect(await outcome(large)).toBe("granted");
    expect(await outcome(small)).toBe("granted");
  });

  test("one that was granted counts as in progress for the next one", async () => {
    const tracker = new ResourceTracker(100);
    const [first, second] = [tracker.reserve(id(1n), 60), tracker.reserve(id(2n), 60)];
    expect(await outcome(second)).toBe("waits");
    (await first).release();
    expect(await outcome(second)).toBe("granted");
  });

  test("stops waiting when the signal aborts, and decides on the next one", async () => {
    const tracker = new ResourceTracker(100);
    await tracker.reserve(id(1n), 60);
    const abort = new AbortController();
    const large = tracker.reserve(id(2n), 90, abort.signal);
    const small = tracker.reserve(id(3n), 10);
    abort.abort(new Error("not wanted"));
    expect(await outcome(large)).toBe("not wanted");
    expect(await outcome(small)).toBe("granted");
    expect(await outcome(tracker.reserve(id(4n), 1, abort.signal))).toBe("not wanted");
    expect(tracker.reservedBytes).toBe(70);
  });
});

test("a reservation may become another amount, and stays what it is when there is no room", async () => {
  const tracker = new ResourceTracker(100);
  const first = await tracker.reserve({ name: "m", version: 1n }, 30);
  const second = await tracker.reserve({ name: "m", version: 2n }, 40);
  first.resize(60);
  expect([tracker.reservedBytes, first.ramBytes]).toEqual([100, 60]);
  expect(() => second.resize(41)).toThrow("Insufficient resources to load servable {name: m version: 2}");
  first.resize(20);
  second.resize(41);
  first.release();
  first.resize(50);
  expect([tracker.reservedBytes, second.ramBytes]).toEqual([41, 41]);
});
