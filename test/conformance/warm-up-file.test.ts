import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { logLines, startServer } from "../support/server.ts";

const python = [process.env.MODELPORT_STUBS_PYTHON, "python3"].find(
  (candidate) => candidate !== undefined && spawnSync(candidate, ["-c", "import tensorflow_serving.apis"]).status === 0,
);

/** The program of the guide, as a reader copies it. */
const PROGRAM = /```python\n([^`]+)```/.exec(readFileSync(new URL("../../docs/guide/warm-up.md", import.meta.url), "utf8"))![1];

describe.skipIf(python === undefined)("TensorFlow Serving's Python stubs (skipped without PyPI tensorflow-serving-api)", () => {
  test("make a warm-up file by the guide's program, and the server runs it", async () => {
    const folder = temporaryFolder();
    const version = join(folder.path, "half", "1");
    mkdirSync(version, { recursive: true });
    cpSync(HALF_PLUS_TWO, join(version, "model.onnx"));
    try {
      const run = spawnSync(python!, ["-c", PROGRAM, version], { encoding: "utf8", timeout: 100_000 });
      expect(run.status, run.stderr).toBe(0);
      const server = await startServer(["--model_name=half", `--model_base_path=${join(version, "..")}`]);
      try {
        expect(logLines(server).find(({ msg }) => msg === "model_warmed_up")).toMatchObject({ source: "records", requests: 2 });
      } finally {
        await server.stop();
      }
    } finally {
      folder.remove();
    }
  }, 120_000);
});
