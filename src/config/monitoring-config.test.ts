import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { metricsPath } from "./monitoring-config.ts";

const folder = mkdtempSync(join(tmpdir(), "modelport-monitoring-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "monitoring.config");
  writeFileSync(path, text);
  return path;
}

describe("the path of the metrics", () => {
  test("is TensorFlow Serving's without a file", async () => {
    expect(await metricsPath(undefined)).toBe("/monitoring/prometheus/metrics");
  });

  test.each([
    ["prometheus_config { enable: true }", "/monitoring/prometheus/metrics"],
    ['prometheus_config { enable: true path: "/other" }', "/other"],
    ['prometheus_config: < enable: true, path: "/metrics" >', "/metrics"],
    ['prometheus_config { enable: false path: "/other" }', undefined],
    ["prometheus_config { }", undefined],
    ["", undefined],
  ])("of %j is %s", async (text, path) => {
    expect(await metricsPath(file(text))).toBe(path);
  });

  test.each([
    [
      'prometheus_config { enable: true path: "other" }',
      "invalid-argument",
      'monitoring.config: path must begin with "/", got "other"',
    ],
    ["prometheus_config { enabled: true }", "invalid-argument", "monitoring.config"],
  ])("of %j is refused", async (text, code, message) => {
    await expect(metricsPath(file(text))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test("of a file that is not there is refused", async () => {
    await expect(metricsPath(join(folder, "none"))).rejects.toMatchObject({
      code: "not-found",
      message: "--monitoring_config_file none cannot be read",
    });
  });
});
