import { describe, expect, test } from "vitest";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { FakeLoader } from "./fake-loader.ts";
import type { Loader } from "./loader.ts";
import { LoaderHarness, type RetryOptions } from "./loader-harness.ts";
import { canMove, exposedState, isFinished, type LoaderState } from "./loader-state.ts";

const id = { name: "iris", version: 1n };
const broken = new ServingError("data-loss", "model.onnx is cut short");
const CANCELLED = { code: "cancelled", message: "Loading of servable cancelled" };

function harnessed(maxLoadRetries = 0, loadRetryIntervalMs = 1000, isTransient?: RetryOptions["isTransient"]) {
  const clock = new FakeClock();
  const loader = new FakeLoader("servable");
  const harness = new LoaderHarness(
    id,
    loader,
    { maxLoadRetries, loadRetryIntervalMs, ...(isTransient && { isTransient }) },
    clock,
  );
  return { clock, loader, harness };
}

/** A harness whose load has begun. */
async function loading(maxLoadRetries?: number, loadRetryIntervalMs?: number, isTransient?: RetryOptions["isTransient"]) {
  const parts = harnessed(maxLoadRetries, loadRetryIntervalMs, isTransient);
  for (const state of ["load-requested", "load-approved", "loading"] as const) parts.harness.moveTo(state);
  const load = parts.harness.load();
  load.catch(() => undefined);
  await settle();
  return { ...parts, load };
}

describe("states", () => {
  const LIFE: LoaderState[] = [
    "new",
    "load-requested",
    "load-approved",
    "loading",
    "ready",
    "unload-requested",
    "quiescing",
    "quiesced",
    "unloading",
    "disabled",
  ];

  test("a whole life goes through every state in order, and shows it", () => {
    const { harness } = harnessed();
    expect(harness.state).toBe("new");
    const shown = [exposedState(harness.state)];
    for (const state of LIFE.slice(1)) {
      harness.moveTo(state as "ready");
      expect(harness.state).toBe(state);
      if (shown.at(-1) !== exposedState(state)) shown.push(exposedState(state));
    }
    expect(shown).toEqual(["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]);
    expect(harness.error).toBeUndefined();
  });

  test("allows no other moves than the next state, an error where something can fail, and dropping an untouched one", () => {
    const allowed = [...LIFE, "error" as const].flatMap((from) =>
      [...LIFE, "error" as const].filter((to) => canMove(from, to)).map((to) => `${from} -> ${to}`),
    );
    const failing = ["new", "load-requested", "load-approved", "loading", "quiescing", "unloading"];
    const expected = [
      ...LIFE.slice(1).map((to, i) => `${LIFE[i]} -> ${to}`),
      ...failing.map((from) => `${from} -> error`),
      "new -> disabled",
    ];
    expect(allowed.sort()).toEqual(expected.sort());
    expect([...LIFE, "error" as const].filter(isFinished)).toEqual(["disabled", "error"]);
  });

  test("refuses a wrong move and stays", () => {
    const { harness } = harnessed();
    expect(() => harness.moveTo("ready")).toThrow("{name: iris version: 1} cannot go from new to ready");
    expect(harness.state).toBe("new");
  });

  test("an error is for good", () => {
    const { harness } = harnessed();
    harness.fail(broken);
    expect(harness.state).toBe("error");
    expect(harness.error).toBe(broken);
    expect(() => harness.fail(new ServingError("internal", "another"))).toThrow("cannot go from error to error");
    expect(harness.error).toBe(broken);
  });
});

describe("loading", () => {
  test("gives the servable and leaves the state to the caller", async () => {
    const { harness, loader, load } = await loading();
    loader.finishLoad();
    expect(await load).toBe("servable");
    expect(harness.state).toBe("loading");
  });

  test("fails with the loader's error when no retry is allowed", async () => {
    const { loader, load } = await loading(0);
    loader.failLoad(broken);
    await expect(load).rejects.toBe(broken);
    expect(loader.calls).toEqual(["load"]);
  });

  test("retries after the interval, not before", async () => {
    const { clock, loader, load } = await loading(1, 1000);
    loader.failLoad(broken);
    await clock.advance(999);
    expect(loader.calls).toEqual(["load"]);
    await clock.advance(1);
    expect(loader.calls).toEqual(["load", "load"]);
    loader.finishLoad();
    expect(await load).toBe("servable");
  });

  test("ends at once with an error that another try cannot mend", async () => {
    const { clock, loader, load } = await loading(5, 1000, ({ code }) => code !== "unimplemented");
    const hopeless = new ServingError("unimplemented", "no such operator");
    loader.failLoad(broken);
    await clock.advance(1000);
    loader.failLoad(hopeless);
    await expect(load).rejects.toBe(hopeless);
    expect(loader.calls).toEqual(["load", "load"]);
  });

  test("gives up after the retries with the last failure", async () => {
    const { clock, loader, load } = await loading(2, 1000);
    const last = new ServingError("internal", "last");
    loader.failLoad(broken);
    await clock.advance(1000);
    loader.failLoad(broken);
    await clock.advance(1000);
    loader.failLoad(last);
    await expect(load).rejects.toBe(last);
    expect(loader.calls).toEqual(["load", "load", "load"]);
  });

  test.each([0, -1])("retries at once for an interval of %i", async (interval) => {
    const { loader } = await loading(1, interval);
    loader.failLoad(broken);
    await settle();
    expect(loader.calls).toEqual(["load", "load"]);
  });

  test("hides what a loader threw that is no ServingError", async () => {
    const faulty: Loader<string> = {
      estimate: () => Promise.reject(new TypeError("secret")),
      load: () => {
        throw new TypeError("secret");
      },
      unload: () => Promise.reject(new TypeError("secret")),
    };
    const harness = new LoaderHarness(id, faulty, { maxLoadRetries: 0, loadRetryIntervalMs: 0 }, new FakeClock());
    for (const call of [() => harness.estimate(), () => harness.load(), () => harness.unload()]) {
      await expect(call()).rejects.toMatchObject({ name: "ServingError", message: "internal error" });
    }
  });
});

describe("cancelling a load", () => {
  test("unloads a servable that came all the same, and only then rejects", async () => {
    const { harness, loader, load } = await loading();
    harness.cancelLoad();
    expect(loader.signal?.aborted).toBe(true);
    loader.finishLoad();
    await settle();
    expect(loader.calls).toEqual(["load", "unload"]);
    const early = await Promise.race([load.catch(() => "rejected"), settle().then(() => "waits")]);
    expect(early).toBe("waits");
    loader.finishUnload();
    await expect(load).rejects.toMatchObject(CANCELLED);
  });

  test.each([0, 5])(
    "makes a failure the cancellation with %i retries left, with no retry and nothing to unload",
    async (retries) => {
      const { harness, loader, load } = await loading(retries, 0);
      harness.cancelLoad();
      loader.failLoad(broken);
      await expect(load).rejects.toMatchObject(CANCELLED);
      expect(loader.calls).toEqual(["load"]);
    },
  );

  test("ends the wait between retries at once, and its timer", async () => {
    const { clock, harness, loader, load } = await loading(5, 60_000);
    let cancelled = 0;
    const after = clock.after.bind(clock);
    clock.after = (...args) => {
      const timer = after(...args);
      return {
        cancel: () => {
          cancelled++;
          timer.cancel();
        },
      };
    };
    loader.failLoad(broken);
    await settle();
    harness.cancelLoad();
    await expect(load).rejects.toMatchObject(CANCELLED);
    expect(loader.calls).toEqual(["load"]);
    expect(cancelled).toBe(1);
  });

  test("before the loader was called keeps it from being called", async () => {
    const { harness, loader } = harnessed();
    harness.moveTo("load-requested");
    harness.cancelLoad();
    harness.moveTo("load-approved");
    harness.moveTo("loading");
    await expect(harness.load()).rejects.toMatchObject(CANCELLED);
    expect(loader.calls).toEqual([]);
  });

  test("has no effect on an untouched version or on one that is ready", () => {
    const { harness } = harnessed();
    harness.cancelLoad();
    for (const state of ["load-requested", "load-approved", "loading", "ready"] as const) harness.moveTo(state);
    harness.cancelLoad();
    expect(harness.signal.aborted).toBe(false);
  });
});
