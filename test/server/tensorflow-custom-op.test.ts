import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { modelStatus } from "../support/model-status.ts";
import { pythonWith } from "../support/python.ts";
import { rest } from "../support/rest.ts";
import { type StartOptions, startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

const SOURCE = fixture("tensorflow", "custom_op", "twice.cc");
const MODEL = fixture("tensorflow", "custom_op", "twice");

/** A function of the Abseil that TensorFlow 2.13 to 2.15 have in them. */
const FOREIGN_SYMBOL = "_ZN4absl12lts_202301256Status5UnrefEm";

/** A TensorFlow with its headers, and what a compiler must be told of it; undefined without one. */
function headers(): { readonly library: string; readonly flags: readonly string[] } | undefined {
  const python = pythonWith("tensorflow");
  if (python === undefined || spawnSync("g++", ["--version"]).status !== 0) return undefined;
  const script =
    "import json, os, tensorflow as tf; c = tf.sysconfig; print(json.dumps([c.get_lib(), c.get_compile_flags() + c.get_link_flags()]))";
  const { status, stdout } = spawnSync(python, ["-c", script], {
    encoding: "utf8",
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" },
  });
  if (status !== 0) return undefined;
  const [library, flags] = JSON.parse(stdout.trim().split("\n").at(-1)!) as [string, string[]];
  return { library, flags };
}

const found = LIBRARY === undefined ? undefined : headers();
const temporary = temporaryFolder();
const folder = temporary.path;
afterAll(() => temporary.remove());
const OP = join(folder, "ops", "twice.so");
const FOREIGN_OP = join(folder, "foreign.so");

describe.skipIf(found === undefined)(`a model with an op of its own (${NO_LIBRARY}, or without g++ and PyPI tensorflow)`, () => {
  // The very TensorFlow whose headers the op is built against.
  const library = `--tensorflow_library=${found?.library}`;

  beforeAll(() => {
    mkdirSync(join(folder, "ops"));
    compile(OP);
    compile(FOREIGN_OP, `-DFOREIGN_SYMBOL="${FOREIGN_SYMBOL}"`);
  }, 120_000);

  test("does not load without the op's library, and the status names op and flag", async () => {
    const error = await loadError([library]);
    expect(error).toMatch(
      /^the graph uses the op ModelportTwice, which TensorFlow 2\.\d+\.\d+ does not have; .*--custom_op_paths$/,
    );
  });

  test.each([
    ["a file", OP],
    ["a folder", join(folder, "ops")],
  ])("is served with %s for --custom_op_paths", async (_, path) => {
    const server = await startServer([MODEL, library, `--custom_op_paths=${path}`]);
    try {
      expect(await twice(server.url)).toEqual([2, 4, -6]);
    } finally {
      await server.stop();
    }
  });

  test("is served with the op in its config", async () => {
    const config = join(folder, "models.yaml");
    cpSync(MODEL, join(folder, "twice"), { recursive: true });
    writeFileSync(config, "models:\n  twice:\n    base_path: twice\n    custom_op_paths: ops/twice.so\n");
    const server = await startServer([`--model_config_file=${config}`, library]);
    try {
      expect(await twice(server.url)).toEqual([2, 4, -6]);
    } finally {
      await server.stop();
    }
  });

  test("does not load with an op for another TensorFlow, and the status names both versions and no path", async () => {
    const error = await loadError([library, `--custom_op_paths=${FOREIGN_OP}`]);
    expect(error).toMatch(
      /^the library of custom ops "foreign.so" was built for TensorFlow 2\.13 to 2\.15, and this is TensorFlow 2\.\d+\.\d+; /,
    );
    expect(error).not.toContain(folder);
  });
});

function compile(target: string, ...more: string[]): void {
  const args = ["-std=c++17", "-shared", "-fPIC", "-O1", SOURCE, "-o", target, ...more, ...found!.flags];
  const { status, stderr } = spawnSync("g++", args, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
}

async function twice(url: string): Promise<unknown> {
  const answer = await rest(`${url}/v1/models/twice:predict`, '{"inputs": [1, 2, -3]}');
  return (JSON.parse(answer.text) as { outputs: unknown }).outputs;
}

/** What the status of the model says once it has failed. */
async function loadError(args: readonly string[]): Promise<string> {
  const options: StartOptions = { until: "listening" };
  const server = await startServer([MODEL, ...args], options);
  try {
    return await expect
      .poll(async () => (await modelStatus(server.url, "twice"))[0]?.state, { timeout: 25_000 })
      .toBe("END")
      .then(async () => (await modelStatus(server.url, "twice"))[0]!.status.error_message);
  } finally {
    await server.stop();
  }
}
