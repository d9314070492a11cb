import { execFileSync, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../support/folders.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** Clients that others wrote, where they are installed: the suite says which are missing. */
const python = [process.env.MODELPORT_STUBS_PYTHON, "python3"].find(
  (candidate) => candidate !== undefined && spawnSync(candidate, ["-c", "import tensorflow_serving.apis"]).status === 0,
);
const has = (command: string) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

let server: RunningServer;

beforeAll(async () => {
  server = await startServer([fixture("onnx")]);
});

afterAll(async () => {
  await server?.stop();
});

describe.skipIf(python === undefined)("TensorFlow Serving's Python stubs (skipped without PyPI tensorflow-serving-api)", () => {
  test("get every golden answer, by gRPC and by REST", () => {
    const script = new URL("./tf_serving_stubs.py", import.meta.url).pathname;
    const run = spawnSync(python!, [script, fixture("onnx"), `127.0.0.1:${server.port}`, server.url], {
      encoding: "utf8",
      timeout: 240_000,
    });
    expect(run.status, run.stdout + run.stderr).toBe(0);
    expect(run.stdout.trim().split("\n")).toHaveLength(18);
  }, 250_000);
});

describe.skipIf(!has("grpcurl"))("grpcurl (skipped when it is not installed)", () => {
  const grpcurl = (...args: string[]) => execFileSync("grpcurl", ["-plaintext", ...args], { encoding: "utf8" });

  test("lists and describes services by reflection", () => {
    const services = grpcurl(`127.0.0.1:${server.port}`, "list").trim().split("\n");
    expect(services).toEqual(
      expect.arrayContaining([
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
      ]),
    );
    expect(grpcurl(`127.0.0.1:${server.port}`, "describe", "tensorflow.serving.PredictionService")).toContain("rpc Predict");
  });

  test("calls Predict with nothing but reflection", () => {
    const request = {
      model_spec: { name: "default_input" },
      inputs: { x: { dtype: "DT_FLOAT", tensor_shape: { dim: [{ size: 2 }] }, float_val: [1, 2] } },
    };
    const answer = JSON.parse(
      grpcurl("-d", JSON.stringify(request), `127.0.0.1:${server.port}`, "tensorflow.serving.PredictionService/Predict"),
    ) as {
      outputs: { y: { floatVal: number[] } };
    };
    expect(answer.outputs.y.floatVal).toEqual([10, 20]);
  });
});

describe.skipIf(!has("grpc_health_probe"))("grpc_health_probe (skipped when it is not installed)", () => {
  test("says SERVING", () => {
    const run = spawnSync("grpc_health_probe", [`-addr=127.0.0.1:${server.port}`], { encoding: "utf8" });
    expect(run.stderr + run.stdout).toContain("SERVING");
    expect(run.status).toBe(0);
  });
});
