import { cpSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import { PredictRequestSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { growthDuring } from "../support/memory.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { errorText, rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const MEBIBYTE = 1024 * 1024;
const LIMIT_MEBIBYTES = 8;
/** What V8 lets short-lived objects of a thread grow to before it collects them. */
const GARBAGE_MEBIBYTES = 48;
const PREDICT = "/tensorflow.serving.PredictionService/Predict";

const models = temporaryFolder();
let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  cpSync(HALF_PLUS_TWO, join(models.path, "half", "1", "model.onnx"), { recursive: true });
  cpSync(fixture("identity", "jt_string"), join(models.path, "text"), { recursive: true });
  server = await startServer([models.path, "--threads=1", `--max_request_bytes=${LIMIT_MEBIBYTES * MEBIBYTE}`]);
  grpc = new GrpcClient(server.port);
});

afterAll(async () => {
  // Whatever was sent, the server is whole.
  expect((await grpcPredict(grpc, "half")).values).toEqual([2.5, 3]);
  grpc?.close();
  expect(await server?.stop()).toBe(0);
  models.remove();
});

const predict = (body: string | Uint8Array, headers: Record<string, string> = {}, model = "half") =>
  rest(`${server.url}/v1/models/${model}:predict`, body, { headers });

describe("a bomb of 1:1000 is refused before it is unfolded", () => {
  const plain = Buffer.alloc(4 * LIMIT_MEBIBYTES * MEBIBYTE, 0x20);
  const gzip = gzipSync(plain);
  const deflate = deflateSync(plain);
  const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const framed = (message: Uint8Array): Buffer => Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), message]);

  test.each<[string, Uint8Array, number]>([
    ["gzip", gzip, 413],
    ["deflate", deflate, 415],
    ["br", brotli, 415],
    ["gzip, gzip", gzipSync(gzip), 415],
  ])("REST, %s", async (coding, bomb, status) => {
    expect(bomb.length).toBeLessThan(plain.length / 900);
    const growth = await growthDuring(server, async () => {
      expect((await predict(bomb, { "content-encoding": coding })).status).toBe(status);
    });
    expect(growth).toBeLessThanOrEqual(2 * LIMIT_MEBIBYTES);
  });

  test.each<[string, Uint8Array, number]>([
    ["gzip", gzip, 8],
    ["deflate", deflate, 8],
    ["br", brotli, 12],
  ])("gRPC, %s", async (coding, bomb, code) => {
    const growth = await growthDuring(server, async () => {
      const { status } = await rawFrame(framed(bomb), { "grpc-encoding": coding });
      expect(status).toBe(code);
    });
    expect(growth).toBeLessThanOrEqual(2 * LIMIT_MEBIBYTES);
  });

  /** Sends a body whose message is marked as compressed, which the client of the other tests never does. */
  async function rawFrame(body: Buffer, headers: Record<string, string>): Promise<{ status: number }> {
    body.writeUInt32BE(body.length - 5, 1);
    const { status } = await grpc.body(PREDICT, body, headers);
    return { status: status.code };
  }
});

describe("JSON", () => {
  const values = (answer: { text: string }): unknown => (JSON.parse(answer.text) as { predictions: unknown }).predictions;

  test.each<[string, string | Uint8Array, unknown]>([
    ["a minus zero", '{"instances": [-0, -0.0, 0]}', [2, 2, 2]],
    ["a byte order mark", Buffer.from('\ufeff{"instances": [1]}'), [2.5]],
    ["a number that no double holds", '{"instances": [1e400]}', /1e400|too big|not of expected type|Number/i],
    ["a number too small for any double", '{"instances": [1.0, -1e-400]}', [2.5, 2]],
    ["an unknown word", '{"instances": [nan]}', /JSON Parse error|Invalid value/],
    ["a ragged list", '{"instances": [[1, 2], [3]]}', /instances|tensor/i],
    ["a list in the place of a number", '{"instances": [1, [2]]}', /instances|tensor/i],
    ["a key twice, of which the first counts", '{"instances": [1], "instances": [2]}', [2.5]],
    ["a key of a prototype", '{"__proto__": {"instances": [1]}, "instances": [2]}', [3]],
    [
      "nothing but brackets, 250,000 deep",
      `{"instances": ${"[".repeat(250_000)}${"]".repeat(250_000)}}`,
      /unexpected level: 254/,
    ],
    ["nothing but braces, 250,000 deep", `{"instances": ${'{"a":'.repeat(250_000)}1${"}".repeat(250_000)}}`, /instances/],
    ["an unended string", `{"instances": ["${"a".repeat(100_000)}`, /JSON Parse error|string/i],
    ["7 MiB of digits", `{"instances": [${"9".repeat(7 * MEBIBYTE)}]}`, /number|too big|not of expected type/i],
  ])("%s", async (_name, body, expected) => {
    const answer = await predict(body);
    if (expected instanceof RegExp) {
      expect([answer.status, answer.text.length < 4000]).toEqual([400, true]);
      expect(errorText(answer)).toMatch(expected);
    } else {
      expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
      expect(values(answer)).toEqual(expected);
    }
  });

  test("NaN and the infinities are read and written as TensorFlow Serving has them", async () => {
    const answer = await predict('{"instances": [NaN, Infinity, -Infinity]}');
    expect([answer.status, answer.text.replaceAll(/\s/g, "")]).toEqual([200, '{"predictions":[NaN,Infinity,-Infinity]}']);
  });

  test("a lone surrogate is answered, with valid UTF-8", async () => {
    const answer = await fetch(`${server.url}/v1/models/text:predict`, {
      method: "POST",
      body: '{"instances": ["\\ud800", "a\\udc00b"]}',
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)).not.toThrow();
    expect([200, 400]).toContain(answer.status);
  });

  test("a million numbers are answered, one for one", async () => {
    const answer = await predict(`{"instances": [${"4,".repeat(999_999)}4]}`);
    expect(answer.status).toBe(200);
    const found = values(answer) as number[];
    expect([found.length, found.every((value) => value === 4)]).toEqual([1_000_000, true]);
  });
});

describe("a tensor is refused before memory is taken for it:", () => {
  const shape = (...sizes: bigint[]) => ({ dim: sizes.map((size) => ({ size })) });
  type Request = Parameters<typeof create<typeof PredictRequestSchema>>[1];
  type Tensor = NonNullable<NonNullable<Request>["inputs"]>[string];
  const HUGE = 2n ** 62n;

  const tensor = (name: string, value: Tensor, model = "half"): [string, Request] => [
    name,
    { modelSpec: { name: model }, inputs: { [model === "half" ? "x" : "default"]: value } },
  ];
  const float = DataType.DT_FLOAT;

  test.each<[string, Request]>([
    tensor("a product of dimensions that overflows", { dtype: float, tensorShape: shape(HUGE, HUGE), floatVal: [1] }),
    tensor("a product that wraps round to 0", { dtype: float, tensorShape: shape(2n ** 32n, 2n ** 32n), floatVal: [1] }),
    tensor("a product that wraps round to 1", { dtype: float, tensorShape: shape(-1n, -1n), floatVal: [1] }),
    tensor("a negative dimension", { dtype: float, tensorShape: shape(-5n), floatVal: [1] }),
    tensor("the lowest dimension there is", { dtype: float, tensorShape: shape(-(2n ** 63n)), floatVal: [1] }),
    tensor("the highest dimension there is", { dtype: float, tensorShape: shape(2n ** 63n - 1n), floatVal: [1] }),
    tensor("one value to fill a terabyte", { dtype: float, tensorShape: shape(2n ** 38n), floatVal: [1] }),
    tensor("content shorter than its shape", { dtype: float, tensorShape: shape(4n), tensorContent: new Uint8Array(12) }),
    tensor("content longer than its shape", { dtype: float, tensorShape: shape(2n), tensorContent: new Uint8Array(12) }),
    tensor("content that ends inside a number", { dtype: float, tensorShape: shape(1n), tensorContent: new Uint8Array(3) }),
    tensor("255 dimensions", { dtype: float, tensorShape: shape(...Array<bigint>(255).fill(1n)), floatVal: [1] }),
    tensor(
      "strings longer than their content",
      { dtype: DataType.DT_STRING, tensorShape: shape(1n), tensorContent: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2) },
      "text",
    ),
    tensor(
      "more strings than their content has",
      { dtype: DataType.DT_STRING, tensorShape: shape(2n ** 40n), tensorContent: Uint8Array.of(1, 65) },
      "text",
    ),
    [
      "an output named a million times",
      {
        modelSpec: { name: "half" },
        inputs: { x: { dtype: float, tensorShape: shape(1n), floatVal: [1] } },
        outputFilter: Array<string>(1_000_000).fill("y"),
      },
    ],
    [
      "a million outputs that are not there",
      {
        modelSpec: { name: "half" },
        inputs: { x: { dtype: float, tensorShape: shape(1n), floatVal: [1] } },
        outputFilter: Array.from({ length: 1_000_000 }, (_, index) => `${index}`),
      },
    ],
  ])("%s", async (_name, request) => {
    const message = toBinary(PredictRequestSchema, create(PredictRequestSchema, request));
    const growth = await growthDuring(server, async () => {
      const { status } = await grpc.raw(PREDICT, message);
      expect(status.code, status.message).toBe(3);
    });
    // The message itself, and twice the limit for what is made of it.
    expect(growth).toBeLessThanOrEqual(3 * LIMIT_MEBIBYTES + GARBAGE_MEBIBYTES);
  });

  test("none of it for a dimension of 0, which is answered with nothing", async () => {
    const { status, values } = await grpcPredict(grpc, "half", { x: { dtype: float, tensorShape: shape(0n) } });
    expect([status.code, values]).toEqual([0, []]);
  });
});
