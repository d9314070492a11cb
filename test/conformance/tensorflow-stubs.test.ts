import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { pythonWith } from "../support/python.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

const python = LIBRARY === undefined ? undefined : pythonWith("tensorflow_serving");

/** What the script checks, a line each. */
const CHECKS = [
  "classify",
  "deadlines",
  "errors",
  "metadata",
  "multi inference",
  "predict of every signature with output filter",
  "predict of signatures that classify and regress",
  "predict of two versions",
  "regress",
  "session run",
  "session run where it is off",
];

describe.skipIf(python === undefined)(
  `TensorFlow Serving's stubs (${NO_LIBRARY}, or without PyPI tensorflow-serving-api)`,
  () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let server: RunningServer;
    let withoutSessions: RunningServer;

    beforeAll(async () => {
      folder = temporaryFolder();
      const base = fixture("tensorflow");
      const names = readdirSync(base).filter((name) => /^tf[12]_/.test(name));
      const models = names.map((name) => [name, { base_path: join(base, name), version_policy: "all" }] as const);
      const file = join(folder.path, "models.json");
      writeFileSync(
        file,
        JSON.stringify({ models: { ...Object.fromEntries(models), loop: { base_path: join(base, "runtime", "loop") } } }),
      );
      const flags = [`--model_config_file=${file}`, `--tensorflow_library=${LIBRARY}`];
      server = await startServer([...flags, "--enable_session_service"]);
      withoutSessions = await startServer(flags);
    }, 120_000);

    afterAll(async () => {
      await server?.stop();
      await withoutSessions?.stop();
      folder?.remove();
    });

    test("get what TensorFlow for Python answers, of models of both TensorFlows", async () => {
      const script = new URL("./tensorflow_stubs.py", import.meta.url).pathname;
      const targets = [`127.0.0.1:${server.port}`, `127.0.0.1:${withoutSessions.port}`];
      const child = spawn(python!, [script, fixture("tensorflow"), ...targets], { stdio: ["ignore", "pipe", "pipe"] });
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      const [code] = (await once(child, "close")) as [number | null];
      expect(stdout.trim().split("\n"), stderr).toEqual(CHECKS.map((name) => `${name}: equal`));
      expect(code).toBe(0);
    }, 250_000);
  },
);
