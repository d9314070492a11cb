import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../support/folders.ts";
import { pythonWith } from "../support/python.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const python = pythonWith("tensorflow_serving");

/** What the script checks, a line each. */
const CHECKS = ["classify", "multi inference", "predict", "metadata"];

/** A classifier of columns of numbers and texts, of which some are missing. */
const MODEL = "pipeline_columns";

describe.skipIf(python === undefined)("TensorFlow Serving's stubs (without PyPI tensorflow-serving-api)", () => {
  let server: RunningServer;
  beforeAll(async () => {
    const path = fixture("sklearn", MODEL, "model.pkl");
    server = await startServer([`--model_name=${MODEL}`, `--model_base_path=${path}`, "--model_platform=sklearn"]);
  }, 60_000);
  afterAll(() => server?.stop());

  test("classify the rows of a table as scikit-learn does, missing ones among them", async () => {
    const { classes } = JSON.parse(readFileSync(fixture("sklearn", MODEL, "meta.json"), "utf8")) as { classes: string[] };
    const script = new URL("./tabular_stubs.py", import.meta.url).pathname;
    const golden = fixture("sklearn", MODEL, "golden.json");
    const child = spawn(python!, [script, `127.0.0.1:${server.port}`, MODEL, golden, ...classes], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [code] = (await once(child, "close")) as [number | null];
    expect(stdout.trim().split("\n"), stderr).toEqual(CHECKS.map((name) => `${name}: equal`));
    expect(code).toBe(0);
  }, 120_000);
});
