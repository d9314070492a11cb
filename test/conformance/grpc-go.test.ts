import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { HALF_PLUS_TWO, ROUNDS } from "../support/predict.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const SOURCE = new URL("./go-client/", import.meta.url).pathname;
const BUILD_MS = 120_000;

const environment = { ...process.env, GOTOOLCHAIN: "local", GOWORK: "off" };
const go = (...args: string[]) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    execFile("go", args, { cwd: SOURCE, env: environment, encoding: "utf8", timeout: BUILD_MS }, (fault, stdout, stderr) => {
      resolve({ code: fault === null ? 0 : typeof fault.code === "number" ? fault.code : -1, output: stdout + stderr });
    });
  });

/** Checks that the client prints, each with `: ok`. */
const CHECKS = ["predict", "large tensor", "gzip", "metadata", "error status", "deadline", "cancellation", "50 at once"];

const installed = spawnSync("go", ["version"]).status === 0;

describe.skipIf(!installed)("grpc-go (skipped without go, or where its modules cannot be had)", () => {
  const folder = temporaryFolder();
  const binary = join(folder.path, "go-client");
  let server: RunningServer | undefined;
  /** Why the client cannot be built here; undefined when it can. */
  let missing: string | undefined;

  beforeAll(async () => {
    const modules = await go("mod", "download");
    if (modules.code !== 0) {
      missing = modules.output;
      return;
    }
    const built = await go("build", "-buildvcs=false", "-mod=readonly", "-o", binary, ".");
    if (built.code !== 0) throw new Error(`the client does not build: ${built.output}`);
    const models = join(folder.path, "models");
    for (const [name, file] of [
      ["half_plus_two", HALF_PLUS_TWO],
      ["rounds", ROUNDS],
    ] as const) {
      mkdirSync(join(models, name, "1"), { recursive: true });
      cpSync(file, join(models, name, "1", "model.onnx"));
    }
    server = await startServer([models]);
  }, 2 * BUILD_MS);

  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  test("gets predictions: large, compressed, many at once, and with every way to end", async (context) => {
    if (missing !== undefined) context.skip(`the modules of grpc-go cannot be had: ${missing.trim().split("\n")[0]}`);
    const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
      execFile(binary, [`127.0.0.1:${server!.port}`], { encoding: "utf8", timeout: 25_000 }, (fault, stdout, stderr) => {
        resolve({ code: fault === null ? 0 : 1, output: stdout + stderr });
      });
    });
    expect(output.trim().split("\n")).toEqual(CHECKS.map((name) => `${name}: ok`));
    expect(code).toBe(0);
  });
});
