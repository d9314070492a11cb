import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryFolders } from "../support/folders.ts";
import { gatherModel } from "../support/large-model.ts";
import { modelStatus } from "../support/model-status.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

const MEBIBYTE = 1024 * 1024;
/** What the process may still take when the large model comes, and what that is made of. */
const LEFT = 150 * MEBIBYTE;
const WEIGHTS = 50_000_000;

const hasPrlimit = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;

let server: RunningServer | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

test.skipIf(!hasPrlimit)(
  "a version for which the system has no memory ends with a reason, and the old one is served on (Linux, prlimit)",
  async () => {
    const root = folder();
    const base = join(root, "m");
    cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
    const running = await startServer(["--model_name=m", `--model_base_path=${base}`, "--threads=1"]);
    server = running;
    const { pid } = running.process;
    const taken = Number(/VmSize:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
    expect(spawnSync("prlimit", ["--pid", String(pid), `--as=${taken + LEFT}`]).status).toBe(0);

    mkdirSync(join(root, "2"));
    writeFileSync(join(root, "2", "model.onnx"), gatherModel(WEIGHTS));
    renameSync(join(root, "2"), join(base, "2"));
    const [, second] = await eventually(async () => {
      if (running.process.exitCode !== null || running.process.signalCode !== null)
        throw new Error(running.stderr().slice(-2000));
      const found = await modelStatus(running.url, "m").catch(() => []);
      return found[1]?.state === "END" && found;
    });
    expect(second!.status.error_code).not.toBe("OK");
    expect(second!.status.error_message).toMatch(/model\.onnx/);
    expect((await rest(`${running.url}/v1/models/m:predict`, '{"instances": [1.0]}')).status).toBe(200);
    expect(await running.stop()).toBe(0);
  },
);
