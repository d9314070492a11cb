import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { METRICS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { ModelRow } from "./load-reports.ts";
import { readMlmdUuid } from "./mlmd-uuid.ts";
import { modelFigures } from "./model-figures.ts";
import { ReloadRecorder } from "./reload-recorder.ts";

const folder = mkdtempSync(join(tmpdir(), "modelport-mlmd-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("figures of models", () => {
  const model = { runtime: "onnxruntime" } as unknown as NonNullable<ModelRow["load"]>["model"];
  const id = { name: "m", version: 1n };
  const loaded = { id, milliseconds: 1, ...(model && { model }), ramBytes: 120, mlmdUuid: "id-7" };

  test("count versions by state, add up memory and name the ML Metadata record while a version is loaded", () => {
    const catalog = new MetricsCatalog(METRICS);
    let rows: readonly ModelRow[] = [
      { name: "m", version: 1n, state: "AVAILABLE", load: loaded },
      { name: "m", version: 2n, state: "UNLOADING", load: { ...loaded, ramBytes: 30 } },
      { name: "m", version: 3n, state: "END", load: { id, milliseconds: 1, error: new ServingError("internal", "bad") } },
    ];
    catalog.addCollector(() => modelFigures({ models: [{ name: "m" }, { name: "n" }], ready: false, rows: () => rows }));

    const page = catalog.render("tensorflow-serving");
    expect(page).toContain('modelport_model_versions{model_name="m",state="AVAILABLE"} 1\n');
    expect(page).toContain('modelport_model_versions{model_name="m",state="END"} 1\n');
    expect(page).toContain('modelport_model_versions{model_name="n",state="AVAILABLE"} 0\n');
    expect(page).toContain('modelport_model_memory_bytes{model_name="m"} 150\n');
    expect(page).toContain(':tensorflow:serving:mlmd_map{model_name="m",version="1"} 1\n');
    expect(page).toContain('modelport_model_provenance_info{model_name="m",version="1",mlmd_uuid="id-7"} 1\n');
    expect(page).toContain("modelport_ready{} 0\n");

    rows = [{ name: "m", version: 1n, state: "END", load: loaded }];
    expect(catalog.render("tensorflow-serving")).not.toContain("mlmd_map{");
    expect(catalog.render("tensorflow-serving")).not.toContain("model_memory_bytes{");
  });
});

describe("the identity of an ML Metadata record", () => {
  test.each([
    ["is what the file holds", "9d1c\n", "9d1c"],
    ["is cut where a label would be refused", "x".repeat(3_000), "x".repeat(1_024)],
    ["of an empty file is none", " \n", undefined],
  ])("%s", async (_what, text, uuid) => {
    mkdirSync(join(folder, "1", "assets.extra"), { recursive: true });
    writeFileSync(join(folder, "1", "assets.extra", "mlmd_uuid"), text);
    expect(await readMlmdUuid(join(folder, "1"))).toBe(uuid);
  });

  test("is none without a file, or for a model that is a file", async () => {
    writeFileSync(join(folder, "model.onnx"), "");
    expect(await readMlmdUuid(join(folder, "none"))).toBeUndefined();
    expect(await readMlmdUuid(join(folder, "model.onnx"))).toBeUndefined();
  });
});

describe("reloads", () => {
  test("are counted by how they ended, and the last good one is dated", async () => {
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    let seconds = 100;
    const recorder = new ReloadRecorder(shard, () => seconds * 1000 + 7);
    const figures = () =>
      catalog
        .render("prometheus")
        .split("\n")
        .filter((line) => line.startsWith("modelport_config_"));
    recorder.began();
    expect(figures()).toEqual(["modelport_config_last_reload_success_timestamp_seconds 100"]);

    seconds = 200;
    await recorder.record(async () => "good");
    seconds = 300;
    const outcome = { code: "unknown", message: "1 model(s) did not become available" } as const;
    expect(
      await recorder.record(
        async () => outcome,
        ({ code }) => code,
      ),
    ).toBe(outcome);
    const refused = new ServingError("failed-precondition", "no");
    await expect(recorder.record(() => Promise.reject(refused))).rejects.toBe(refused);
    recorder.failed(new ServingError("invalid-argument", "line 3"));

    expect(figures()).toEqual([
      "modelport_config_last_reload_success_timestamp_seconds 200",
      'modelport_config_reloads_total{status="FAILED_PRECONDITION"} 1',
      'modelport_config_reloads_total{status="INVALID_ARGUMENT"} 1',
      'modelport_config_reloads_total{status="OK"} 1',
      'modelport_config_reloads_total{status="UNKNOWN"} 1',
    ]);
  });
});
