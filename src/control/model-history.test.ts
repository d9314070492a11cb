import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import type { ManagerState } from "../core/servable-state.ts";
import { ModelHistory } from "./model-history.ts";

function state(name: string, version: bigint, managerState: ManagerState, health?: ServingError) {
  return { id: { name, version }, managerState, health };
}

describe("a model's history", () => {
  test("has what happened to its versions, latest first, with times and reasons", () => {
    let now = 1000;
    const history = new ModelHistory(() => now++);
    const fault = new ServingError("invalid-argument", "model.onnx is broken");
    history.note(state("m", 1n, "START"));
    history.note(state("other", 1n, "START"));
    history.note(state("m", 1n, "END", fault));
    expect(history.of("m")).toEqual([
      { atMs: 1002, version: 1n, state: "END", error: fault },
      { atMs: 1000, version: 1n, state: "START" },
    ]);
    expect(history.of("never")).toBeUndefined();
  });

  test("goes back a hundred changes", () => {
    const history = new ModelHistory();
    for (let version = 1n; version <= 150n; version++) history.note(state("m", version, "START"));
    const versions = history.of("m")!.map(({ version }) => version);
    expect([versions.length, versions[0], versions.at(-1)]).toEqual([100, 150n, 51n]);
  });

  test("of the model is forgotten that nothing has happened to for longest, beyond a thousand", () => {
    const history = new ModelHistory();
    for (let model = 0; model < 1000; model++) history.note(state(`m${model}`, 1n, "START"));
    history.note(state("m0", 1n, "LOADING"));
    history.note(state("__proto__", 1n, "START"));
    expect(history.of("m0")).toHaveLength(2);
    expect(history.of("m1")).toBeUndefined();
    expect(history.of("m2")).toHaveLength(1);
    expect(history.of("__proto__")).toHaveLength(1);
  });
});
