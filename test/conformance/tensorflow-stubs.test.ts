import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
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
  "errors of classify and regress",
  "errors of metadata",
  "errors of model specs",
  "errors of multi inference",
  "errors of predict",
  "errors of session run",
  "metadata",
  "method names",
  "multi inference",
  "predict of a counter",
  "predict of every signature with output filter",
  "predict of signatures that classify and regress",
  "predict of strings",
  "predict of tensors in every form",
  "predict of two versions",
  "predict with a default",
  "regress",
  "session run",
  "session run where it is off",
];

describe.skipIf(python === undefined)(
  `TensorFlow Serving's stubs (${NO_LIBRARY}, or without PyPI tensorflow-serving-api)`,
  () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let server: RunningServer;
    let strict: RunningServer;

    beforeAll(async () => {
      folder = temporaryFolder();
      const base = fixture("tensorflow");
      const names = readdirSync(base).filter((name) => /^tf[12]_/.test(name));
      const places = [
        ...names,
        "reading/default_inputs",
        "runtime/loop",
        "cases/cr_odd",
        "cases/cr_classify",
        "cases/cr_regress",
      ];
      const models = Object.fromEntries(
        places.map((place) => [basename(place), { base_path: join(base, place), version_policy: "all" } as object]),
      );
      models.tf2_two_versions = { ...models.tf2_two_versions, labels: { old: 1 } };
      const file = join(folder.path, "models.json");
      writeFileSync(file, JSON.stringify({ models }));
      const flags = [
        `--model_config_file=${file}`,
        `--tensorflow_library=${LIBRARY}`,
        "--allow_version_labels_for_unavailable_models",
      ];
      server = await startServer(flags);
      strict = await startServer([...flags, "--enable_session_service", "--enable_signature_method_name_check"]);
    }, 120_000);

    afterAll(async () => {
      await server?.stop();
      await strict?.stop();
      folder?.remove();
    });

    test("get what TensorFlow for Python answers, of models of both TensorFlows", async () => {
      const script = new URL("./tensorflow_stubs.py", import.meta.url).pathname;
      const targets = [`127.0.0.1:${server.port}`, `127.0.0.1:${strict.port}`];
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
