import { describe, expect, test } from "vitest";
import type { SharedModel } from "../model/runtime.ts";
import { dashboardState, type KnownModels, type KnownVersion } from "./dashboard-state.ts";

const SERVER = { version: "1", nodeVersion: "v20", startedAtMs: 5, servingThreads: 2 };

function models(rows: readonly KnownVersion[], configured: KnownModels["models"] = []) {
  return dashboardState({ models: configured, ready: true, rows: () => rows, history: () => undefined }, SERVER).models;
}

function ended(name: string, version: number): KnownVersion {
  return { name, version: BigInt(version), state: "END" };
}

describe("the state of the models", () => {
  test("has what a load found out, and what is not known is absent", () => {
    const about = { platform: "onnx", why: "holds model.onnx", loadMs: 12.4, loadedAtMs: 99, fileBytes: 7 };
    const model = { runtime: "onnxruntime", signatures: new Map(), handle: 1n, about } as SharedModel;
    const rows: KnownVersion[] = [
      { name: "m", version: 1n, state: "END", error: { code: "internal", message: "broken" }, load: { milliseconds: 3.6 } },
      {
        name: "m",
        version: 2n ** 60n,
        state: "AVAILABLE",
        load: { platform: "onnx", why: "holds model.onnx", milliseconds: 13, ramBytes: 8, model },
      },
      { name: "a", version: 3n, state: "START" },
    ];
    expect(models(rows)).toEqual([
      { name: "a", labels: {}, versions: [{ version: "3", state: "START" }] },
      {
        name: "m",
        labels: {},
        versions: [
          {
            version: "1152921504606846976",
            state: "AVAILABLE",
            platform: "onnx",
            why: "holds model.onnx",
            loadMs: 12,
            loadedAtMs: 99,
            fileBytes: 7,
            memoryBytes: 8,
          },
          { version: "1", state: "END", error: { code: "internal", message: "broken" }, loadMs: 4 },
        ],
      },
    ]);
  });

  test("has configured models without a version, and names that objects have", () => {
    const labels = new Map([["__proto__", 1n]]);
    const [model] = models([], [{ name: "__proto__", labels }]);
    expect(JSON.stringify(model)).toBe('{"name":"__proto__","labels":{"__proto__":"1"},"versions":[]}');
  });

  test("has the ten highest of the versions that have ended, and all others", () => {
    const rows = [
      ...Array.from({ length: 40 }, (_, index) => ended("m", index)),
      { name: "m", version: 3n, state: "LOADING" } as const,
    ];
    const [model] = models(rows);
    expect(model!.versions.map(({ version }) => version)).toEqual([
      ...Array.from({ length: 10 }, (_, index) => `${39 - index}`),
      "3",
    ]);
  });

  test("has fifty of the models that are not configured any more and serve nothing", () => {
    const former = Array.from({ length: 80 }, (_, index) => ended(`former${index}`, 1));
    const rows = [...former, { name: "still", version: 1n, state: "AVAILABLE" } as const, ended("configured", 1)];
    const names = models(rows, [{ name: "configured", labels: new Map() }]).map(({ name }) => name);
    expect(names).toHaveLength(52);
    expect(names).toEqual(expect.arrayContaining(["still", "configured", "former0"]));
  });
});
