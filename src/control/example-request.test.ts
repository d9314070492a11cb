import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { encodeTfRecord } from "../codec/tf-record/tf-record-writer.ts";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import { PredictionLogSchema } from "../gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { exampleRequest } from "./example-request.ts";

type LogInit = MessageInitShape<typeof PredictionLogSchema>;

const newFolder = temporaryFolders();
const NEVER = new AbortController().signal;
let base: string;
let reasons: string[];

beforeEach(() => {
  base = newFolder();
  reasons = [];
  mkdirSync(join(base, "3", "assets.extra"), { recursive: true });
});

const found = (path = join(base, "3"), signal = NEVER) => exampleRequest(path, signal, (reason) => reasons.push(reason));
const put = (name: string, text: string | Uint8Array) => writeFileSync(join(base, name), text);

function record(...logs: readonly LogInit[]): void {
  put(
    "3/assets.extra/tf_serving_warmup_requests",
    Buffer.concat(logs.map((log) => encodeTfRecord(toBinary(PredictionLogSchema, create(PredictionLogSchema, log))))),
  );
}

function predict(inputs: Record<string, object>, signatureName = ""): LogInit {
  return { logType: { case: "predictLog", value: { request: { modelSpec: { name: "m", signatureName }, inputs } } } } as LogInit;
}

const dimensions = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size: BigInt(size) })) });
const BIG = { dtype: DataType.DT_INT64, tensorShape: dimensions(1, 1), int64Val: [9007199254740993n] };

test("a version without any has none, and a bare model neither", async () => {
  put("model.onnx", "");
  expect([await found(), await found(join(base, "model.onnx"))]).toEqual([undefined, undefined]);
  expect(reasons).toEqual([]);
});

test("the version's sample is before the model's, and that before what was recorded", async () => {
  record(predict({ x: BIG }));
  expect(await found()).toBe('{"inputs": {"x": [[9007199254740993]]}}');
  put("sample_request.json", '{"instances": [1]}\n');
  expect(await found()).toBe('{"instances": [1]}\n');
  put("3/sample_request.json", '{"instances": [2]}');
  expect(await found()).toBe('{"instances": [2]}');
  expect(reasons).toEqual([]);
});

test("a folder that is no version's is not looked out of", async () => {
  mkdirSync(join(base, "model"));
  put("sample_request.json", '{"instances": [1]}');
  expect(await found(join(base, "model"))).toBeUndefined();
});

describe("a sample is not used", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["that is no JSON", "{", "sample_request.json must be a JSON object"],
    ["that is a list", "[]", "sample_request.json must be a JSON object"],
    ["that is not UTF-8", Uint8Array.of(0x22, 0xff, 0x22), "sample_request.json must be a JSON object"],
    ["that is long", `{"x": "${"x".repeat(65_536)}"}`, "the request of sample_request.json is longer than 65536 bytes of JSON"],
  ])("%s", async (_what, text, reason) => {
    put("3/sample_request.json", text);
    put("sample_request.json", '{"instances": [1]}');
    expect(await found()).toBe('{"instances": [1]}');
    expect(reasons).toEqual([reason]);
  });

  test("that is a link out of its folder", async () => {
    put("secret.json", '{"secret": 1}');
    symlinkSync(join(base, "secret.json"), join(base, "3", "sample_request.json"));
    expect(await found()).toBeUndefined();
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).not.toContain(dirname(base));
  });

  test("that is a folder", async () => {
    mkdirSync(join(base, "3", "sample_request.json"));
    expect(await found()).toBeUndefined();
    expect(reasons).toHaveLength(1);
  });
});

describe("of what was recorded", () => {
  test("the first Predict is used, with its signature and what is no text", async () => {
    const bytes = { dtype: DataType.DT_STRING, tensorShape: dimensions(2), stringVal: [Buffer.from("ö"), Uint8Array.of(255)] };
    record({ logType: { case: "classifyLog", value: {} } }, predict({ b: bytes }, "other"), predict({ x: BIG }));
    expect(await found()).toBe('{"signature_name": "other", "inputs": {"b": ["ö", {"b64": "/w=="}]}}');
  });

  test("nothing is used that a few bytes make long", async () => {
    record(predict({ x: { dtype: DataType.DT_INT8, tensorShape: dimensions(50_000), intVal: [1] } }));
    expect(await found()).toBeUndefined();
    record(predict({ x: { dtype: DataType.DT_DOUBLE, tensorShape: dimensions(50_000_000), doubleVal: [1] } }));
    expect(await found()).toBeUndefined();
    expect(reasons).toEqual([
      "the request of assets.extra/tf_serving_warmup_requests is longer than 65536 bytes of JSON",
      "the request describes more than the 1048576 bytes that one may take in memory",
    ]);
  });

  test("a damaged file is no reason to fail", async () => {
    put("3/assets.extra/tf_serving_warmup_requests", "not records");
    expect(await found()).toBeUndefined();
    expect(reasons).toEqual([expect.stringContaining("tf_serving_warmup_requests")]);
  });

  test("the eleventh record is not read", async () => {
    record(...Array.from({ length: 10 }, (): LogInit => ({ logType: { case: "classifyLog", value: {} } })), predict({ x: BIG }));
    expect(await found()).toBeUndefined();
  });
});

test("an end of the load is passed on", async () => {
  record(predict({ x: BIG }));
  const { signal } = { signal: AbortSignal.abort() };
  await expect(found(undefined, signal)).rejects.toMatchObject({ code: "cancelled" });
});
