import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { clock, core, loads, makeCore, model, publishVersion, reached, settled, threads, unloads } from "./test-server-core.ts";

describe("a start", () => {
  test("serves the models, tells the threads their states, and becomes ready with the last of them", async () => {
    publishVersion("a", 1);
    publishVersion("b", 7);
    makeCore().start([model("a"), model("b")]);
    expect([core.ready, threads.readiness]).toEqual([false, [false]]);
    await settled();
    expect([threads.states("a"), threads.states("b")]).toEqual(["1:AVAILABLE", "7:AVAILABLE"]);
    expect([core.ready, threads.readiness]).toEqual([true, [false, true]]);
    expect(core.models.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("with no model at all is ready", async () => {
    makeCore().start([]);
    await settled();
    expect(core.ready).toBe(true);
  });

  test("is settled although a model failed, which harms no other", async () => {
    publishVersion("good", 1);
    publishVersion("bad", 1, "not a model");
    makeCore().start([model("bad"), model("good")]);
    await settled();
    await reached("good", "1:AVAILABLE");
    expect(threads.states("bad")).toBe("1:END");
    expect(threads.statuses.get("bad")![0].error).toMatchObject({
      code: "data-loss",
      message: expect.stringContaining("model.onnx"),
    });
    expect(core.ready).toBe(false);
  });

  test("shows every version with what its load found out", async () => {
    publishVersion("b", 1);
    publishVersion("a", 2, "not a model");
    makeCore().start([model("b"), model("a")]);
    await settled();
    await reached("b", "1:AVAILABLE");
    expect(core.rows()).toMatchObject([
      { name: "a", version: 2n, state: "END", error: { code: "data-loss" } },
      { name: "b", version: 1n, state: "AVAILABLE", load: { platform: "onnx", why: "holds model.onnx" } },
    ]);
  });

  test("waits for a version that is not there yet", async () => {
    makeCore().start([model("late")]);
    await clock.advance(5000);
    publishVersion("late", 3);
    await settled();
    expect([threads.states("late"), core.ready]).toEqual(["3:AVAILABLE", true]);
  });

  test("is given up when it is told to", async () => {
    makeCore().start([model("never")]);
    const stopping = new AbortController();
    const waiting = core.settled(stopping.signal);
    stopping.abort(new ServingError("cancelled", "the server stops"));
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  });
});

test("a stop lets every version go, and resolves when all are unloaded", async () => {
  for (const name of ["a", "b"]) publishVersion(name, 1);
  makeCore().start([model("a"), model("b")]);
  await settled();
  await reached("a", "1:AVAILABLE");
  await reached("b", "1:AVAILABLE");
  await core.stop();
  expect([threads.states("a"), threads.states("b")]).toEqual(["1:END", "1:END"]);
  expect([loads, unloads]).toEqual([2, 2]);
});
