import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { TfRecordReader } from "../../src/codec/tf-record/tf-record-reader.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const folder = temporaryFolders();
let mounted: string | undefined;
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop();
  if (mounted !== undefined) spawnSync("umount", [mounted]);
  server = undefined;
  mounted = undefined;
});

/** A file system of a few megabytes; undefined where that is not allowed. */
function smallDisk(): string | undefined {
  const path = join(folder(), "disk");
  mkdirSync(path);
  if (process.platform !== "linux" || spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", path]).status !== 0)
    return undefined;
  mounted = path;
  return path;
}

/** Whole records of the log files in a folder; fails when one is cut off. */
function recordsIn(path: string): number {
  let count = 0;
  for (const name of readdirSync(path).filter((found) => found.endsWith(".tfrecord"))) {
    const reader = new TfRecordReader();
    reader.push(readFileSync(join(path, name)));
    while (reader.next() !== undefined) count++;
    reader.end();
  }
  return count;
}

test("a full disk under the request log stops no answer, is counted and told once, and logging goes on when there is room", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) return context.skip("no file system can be mounted here");
  const config = join(folder(), "models.config");
  writeFileSync(
    config,
    `model_config_list { config { name: "half" base_path: "${fixture("identity", "saved_model_half_plus_two_2_versions")}"
       model_platform: "onnx" logging_config { log_collector_config { filename_prefix: "${disk}/half" } sampling_config { sampling_rate: 1 } } } }`,
  );
  const running = await startServer([`--model_config_file=${config}`, "--threads=1"]);
  server = running;
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, new Uint8Array(7 << 20));
  const body = JSON.stringify({ instances: Array.from({ length: 20_000 }, (_, index) => index) });
  const predict = async () => expect((await rest(`${running.url}/v1/models/half:predict`, body)).status).toBe(200);
  const count = async (code: string) => {
    const page = (await rest(`${running.url}/monitoring/prometheus/metrics`)).text;
    return Number(page.match(new RegExp(`request_log_count\\{model_name="half",status_code="${code}"\\} (\\d+)`))?.[1] ?? 0);
  };
  // About 160 kB a record, and a megabyte is left.
  for (let i = 0; i < 15; i++) await predict();
  const failed = await eventually(async () => (await count("UNAVAILABLE")) || undefined);
  await eventually(async () => (await count("OK")) + (await count("UNAVAILABLE")) === 15);
  const events = () => logLines(running).filter(({ msg }) => msg.startsWith("request_log"));
  expect(events().map(({ msg }) => msg)).toEqual(["request_log_failed"]);
  expect(failed).toBeGreaterThan(5);
  expect(recordsIn(disk)).toBe(await count("OK"));

  rmSync(ballast);
  await eventually(async () => {
    await predict();
    return events().some(({ msg }) => msg === "request_log_resumed");
  });
  expect(events().map(({ msg }) => msg)).toEqual(["request_log_failed", "request_log_resumed"]);
  await running.stop();
  expect(recordsIn(disk)).toBeGreaterThan(1);
});
