import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
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

  test("finds no fault on the gRPC port, in strict mode", () => findsNoFault(server, []), 120_000);
});

describe.skipIf(!installed)("h2spec over TLS (skipped when it is not installed)", () => {
  let server: RunningServer;

  beforeAll(async () => {
    const file = (name: string) => fixture("tls", name);
    const flags = [`--tls_certificate_file=${file("server.pem")}`, `--tls_key_file=${file("server-key.pem")}`];
    server = await startServer([fixture("onnx"), ...flags], { tls: { ca: readFileSync(file("authority.pem")) } });
  });

  afterAll(async () => {
    await server?.stop();
  });

  test("finds no fault on the gRPC port, in strict mode", () => findsNoFault(server, ["--tls", "--insecure"]), 120_000);
});

function findsNoFault(server: RunningServer, flags: readonly string[]): void {
  const target = ["--host", "127.0.0.1", "--port", String(server.port)];
  const run = spawnSync("h2spec", ["--strict", ...flags, ...target], { encoding: "utf8" });
  const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(run.stdout);
  expect(summary, run.stdout + run.stderr).not.toBeNull();
  const [total, passed, , failed] = summary!.slice(1).map(Number);
  expect(failed, run.stdout).toBe(0);
  expect(passed).toBe(total);
  expect(total).toBeGreaterThan(140);
  expect(server.process.exitCode).toBeNull();
}
