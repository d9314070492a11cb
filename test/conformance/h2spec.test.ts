import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../support/folders.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const installed = spawnSync("h2spec", ["--version"]).status === 0;

describe.skipIf(!installed)("h2spec (skipped when it is not installed)", () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer([fixture("onnx")]);
  });

  afterAll(async () => {
    await server?.stop();
  });

  test("finds no fault on the gRPC port, in strict mode", () => {
    const run = spawnSync("h2spec", ["--strict", "--host", "127.0.0.1", "--port", String(server.port)], { encoding: "utf8" });
    const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(run.stdout);
    expect(summary, run.stdout + run.stderr).not.toBeNull();
    const [total, passed, , failed] = summary!.slice(1).map(Number);
    expect(failed, run.stdout).toBe(0);
    expect(passed).toBe(total);
    expect(total).toBeGreaterThan(140);
    expect(server.process.exitCode).toBeNull();
  }, 120_000);
});
