import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import { PredictRequestSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { errorText, rest } from "../support/rest.ts";
import { freePort, type RunningServer, runCommand, startServer } from "../support/server.ts";

const PREDICT = "/tensorflow.serving.PredictionService/Predict";
const MODEL = readFileSync(fixture("onnx", "bool_where", "model.onnx"));

const models = temporaryFolder();
let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  for (const [name, bytes] of Object.entries({
    good: MODEL,
    truncated: MODEL.subarray(0, 100),
    noise: Buffer.from("not a model at all"),
  })) {
    mkdirSync(join(models.path, name, "1"), { recursive: true });
    writeFileSync(join(models.path, name, "1", "model.onnx"), bytes);
  }
  mkdirSync(join(models.path, "outside", "1"), { recursive: true });
  writeFileSync(join(models.path, "weights.bin"), readFileSync(fixture("onnx", "external_data", "weights.bin")));
  writeFileSync(join(models.path, "outside", "1", "model.onnx"), escapingModel());
  server = await startServer([models.path, "--max_request_bytes=1000000"], { until: "listening" });
  grpc = new GrpcClient(server.port);
  await answered();
});

afterAll(async () => {
  grpc?.close();
  await server?.stop();
  models.remove();
});

/** The external-data fixture with its data file named outside the version's folder. */
function escapingModel(): Buffer {
  const model = readFileSync(fixture("onnx", "external_data", "model.onnx"));
  // Same length, so that no protobuf length changes: "weights.bin" -> "../../w.bin".
  return Buffer.from(model.toString("latin1").replace("weights.bin", "../../w.bin"), "latin1");
}

const GOOD = { mask: [[true, false, true]], a: [[1, 2, 3]] };
const good = (path = "good:predict", body: string | Uint8Array = JSON.stringify({ inputs: GOOD }), headers = {}) =>
  rest(`${server.url}/v1/models/${path}`, body, { headers });

async function answered(): Promise<void> {
  while ((await good()).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Nothing an answer says may name this machine's folders, a stack or an address. */
function expectNoLeak(text: string): void {
  expect(text).not.toContain(models.path);
  expect(text).not.toMatch(/node_modules|\/src\/|\/dist\/| at .*:\d+:\d+|0x[0-9a-f]{6,}|\/tmp\//);
}

describe("a bad REST request is answered with its reason", () => {
  const inputs = (value: unknown) => JSON.stringify({ inputs: value });
  test.each<[string, string, string, number, string]>([
    ["malformed JSON", "good:predict", '{"inputs": [1,', 400, "JSON Parse error"],
    ["an empty body", "good:predict", "", 400, "The document is empty"],
    ["a wrong dtype", "good:predict", inputs({ ...GOOD, a: [["x", "y", "z"]] }), 400, "is not of expected type: float"],
    ["a wrong rank", "good:predict", inputs({ mask: [true], a: [1] }), 400, "a"],
    ["a missing input", "good:predict", inputs({ a: [[1, 2, 3]] }), 400, "Missing named input: mask"],
    [
      "an unknown row input",
      "good:predict",
      JSON.stringify({ instances: [{ mask: [true, true, true], a: [1, 2, 3], zz: 1 }] }),
      400,
      "zz",
    ],
    ["an unknown model", "none:predict", inputs(GOOD), 404, "Servable not found for request: Latest(none)"],
    ["an unknown version", "good/versions/9:predict", inputs(GOOD), 404, "Servable not found for request: Specific(good, 9)"],
    ["an unknown label", "good/labels/x:predict", inputs(GOOD), 400, "Unrecognized servable version label: x"],
    [
      "an unknown signature",
      "good:predict",
      JSON.stringify({ signature_name: "q", inputs: GOOD }),
      400,
      'Serving signature name: "q" not found in signature def',
    ],
    ["a prototype's name", "__proto__:predict", inputs(GOOD), 404, "Latest(__proto__)"],
    [
      "a classify call on a predict signature",
      "good:classify",
      JSON.stringify({ examples: [{ x: 1 }] }),
      400,
      "Expected one input Tensor.",
    ],
  ])("%s", async (_name, path, body, status, message) => {
    const answer = await good(path, body);
    expect(answer.status).toBe(status);
    expect(errorText(answer)).toContain(message);
    expectNoLeak(answer.text);
  });

  test("a body over the limit is refused, plain or compressed", async () => {
    const big = `{"inputs": ${"[".repeat(10)}${"1,".repeat(600_000)}1${"]".repeat(10)}}`;
    expect((await good("good:predict", big)).status).toBe(413);
    expect((await good("good:predict", gzipSync(big), { "content-encoding": "gzip" })).status).toBe(413);
    expect((await good()).status).toBe(200);
  });
});

describe("a bad gRPC request is answered with its reason", () => {
  const a = { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 1n }, { size: 3n }] }, floatVal: [1, 2, 3] };
  const mask = { dtype: DataType.DT_BOOL, tensorShape: { dim: [{ size: 1n }, { size: 3n }] }, boolVal: [true, false, true] };
  const modelSpec = { name: "good" };

  test.each<[string, Parameters<typeof create<typeof PredictRequestSchema>>[1], number, string]>([
    ["no model spec", { inputs: { a, mask } }, 3, "Missing ModelSpec"],
    ["no name", { modelSpec: { name: "" }, inputs: { a, mask } }, 3, "ModelSpec has no name specified."],
    ["an unknown model", { modelSpec: { name: "none" }, inputs: {} }, 5, "Servable not found for request: Latest(none)"],
    [
      "an unknown signature",
      { modelSpec: { name: "good", signatureName: "q" }, inputs: {} },
      9,
      'Serving signature key "q" not found.',
    ],
    ["a missing input", { modelSpec, inputs: { a } }, 3, "Missing but required: {mask}"],
    ["an extra input", { modelSpec, inputs: { a, mask, zz: a } }, 3, "Sent extra: {zz}"],
    ["a wrong dtype", { modelSpec, inputs: { a: mask, mask } }, 3, "to be float but bool is provided"],
    [
      "an inconsistent tensor",
      { modelSpec, inputs: { a: { ...a, tensorContent: new Uint8Array(5) }, mask } },
      3,
      "tensor parsing error: a",
    ],
    [
      "a negative dimension",
      { modelSpec, inputs: { a: { ...a, tensorShape: { dim: [{ size: -1n }] } }, mask } },
      3,
      "tensor parsing error: a",
    ],
    [
      "a shape far larger than its data",
      { modelSpec, inputs: { a: { ...a, tensorShape: { dim: [{ size: 1n << 40n }] } }, mask } },
      3,
      "tensor parsing error: a",
    ],
    [
      "an unknown output",
      { modelSpec, inputs: { a, mask }, outputFilter: ["q"] },
      3,
      "output tensor alias not found in signature: q",
    ],
    [
      "an output twice",
      { modelSpec, inputs: { a, mask }, outputFilter: ["out", "out"] },
      3,
      "duplicate output tensor alias: out",
    ],
  ])("%s", async (_name, request, code, message) => {
    const { status } = await grpc.raw(PREDICT, toBinary(PredictRequestSchema, create(PredictRequestSchema, request)));
    expect(status.message).toContain(message);
    expect(status.code).toBe(code);
    expectNoLeak(status.message);
  });

  test("a message cut off at every byte is refused or answered, never fatal", async () => {
    const whole = toBinary(PredictRequestSchema, create(PredictRequestSchema, { modelSpec, inputs: { a, mask } }));
    for (let end = 0; end < whole.length; end++) {
      const { status } = await grpc.raw(PREDICT, whole.subarray(0, end));
      expect([3, 5], `cut at ${end}: ${status.message}`).toContain(status.code);
    }
    expect((await grpc.raw(PREDICT, whole)).status.code).toBe(0);
  });

  test("an unknown method is unimplemented", async () => {
    expect((await grpc.raw("/tensorflow.serving.PredictionService/Guess", new Uint8Array())).status.code).toBe(12);
  });
});

describe("a bad model ends with its reason and harms no other", () => {
  test.each([["truncated"], ["noise"], ["outside"]])("%s", async (name) => {
    const answer = await rest(`${server.url}/v1/models/${name}`);
    const [status] = (
      JSON.parse(answer.text) as {
        model_version_status: { state: string; status: { error_code: string; error_message: string } }[];
      }
    ).model_version_status;
    expect(status.state).toBe("END");
    expect(status.status.error_code).not.toBe("OK");
    expect(status.status.error_message).toMatch(/model\.onnx|w\.bin/);
    expectNoLeak(answer.text);
    expect((await good()).status).toBe(200);
  });

  test("the server is not ready while a configured model has no version", async () => {
    expect((await rest(`${server.url}/readyz`)).status).toBe(503);
  });
});

describe("a start that cannot be", () => {
  test("a port in use is named, exit code 1", async () => {
    const blocker = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => blocker.listen(port, "127.0.0.1", resolve));
    const { code, stderr } = await runCommand([fixture("onnx", "bool_where"), `--port=${port}`, "--rest_api_port=0"]);
    await new Promise((resolve) => blocker.close(resolve));
    expect(stderr).toContain(`127.0.0.1:${port} is in use`);
    expect(code).toBe(1);
  });

  test.each([
    ["an unknown flag", ["--modle_name=x"], "--modle_name"],
    ["a malformed value", ["--port=many", "."], "--port"],
    ["a path that is not there", ["./no/such/model"], "no/such/model"],
    ["nothing to serve", [], "path"],
  ])("%s ends with exit code 2 and says where", async (_name, args, message) => {
    const { code, stderr } = await runCommand(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
