import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { HALF_PLUS_TWO, ROUNDS } from "../support/predict.ts";
import { startServer } from "../support/server.ts";
import { startInteropServer } from "./interop-server.ts";

const SCRIPT = new URL("./grpcio_client.py", import.meta.url).pathname;
const python = [process.env.MODELPORT_STUBS_PYTHON, "python3"].find(
  (candidate) => candidate !== undefined && spawnSync(candidate, ["-c", "import grpc"]).status === 0,
);

function check(mode: "predict" | "interop", port: number): Promise<{ lines: string[]; output: string }> {
  return new Promise((resolve) => {
    execFile(python!, [SCRIPT, mode, `127.0.0.1:${port}`], { encoding: "utf8", timeout: 50_000 }, (fault, stdout, stderr) => {
      resolve({ lines: stdout.trim().split("\n"), output: fault === null ? "" : stderr || fault.message });
    });
  });
}

describe.skipIf(python === undefined)("grpcio (skipped without PyPI grpcio)", () => {
  test("gets predictions: large, compressed, many at once, and with every way to end", async () => {
    const folder = temporaryFolder();
    for (const [name, file] of [
      ["half_plus_two", HALF_PLUS_TWO],
      ["rounds", ROUNDS],
    ] as const) {
      mkdirSync(join(folder.path, name, "1"), { recursive: true });
      cpSync(file, join(folder.path, name, "1", "model.onnx"));
    }
    const server = await startServer([folder.path]);
    try {
      const { lines, output } = await check("predict", server.port);
      expect(output).toBe("");
      expect(lines).toHaveLength(8);
    } finally {
      await server.stop();
      folder.remove();
    }
  }, 60_000);

  test("passes gRPC's interoperability cases, compression of either side with them", async () => {
    const server = await startInteropServer();
    try {
      const { lines, output } = await check("interop", server.port);
      expect(output).toBe("");
      expect(lines).toHaveLength(18);
      expect(server.faults.filter((fault) => !fault.startsWith("socket_error"))).toEqual([]);
    } finally {
      await server.close();
    }
  }, 60_000);
});
