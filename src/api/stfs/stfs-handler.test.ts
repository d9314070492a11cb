import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { writePredictResponse } from "../../codec/json/predict-response.ts";
import { readStfsInputs } from "../../codec/json/stfs-data.ts";
import { scanStfsDocument } from "../../codec/json/stfs-document.ts";
import { stringTensor, type Tensor } from "../../tensor/tensor.ts";
import type { JsonWorker } from "../tfs-rest/json-worker.ts";
import { LARGE_BODY_BYTES } from "../tfs-rest/large-json.ts";
import { echo, stfsService } from "./test-stfs-service.ts";

const KEYS = echo(["keys", "int32", -1, 1]);
const JSON_TYPE = { "content-type": "application/json" };
const errorOf = (text: string) => (JSON.parse(text) as { error: string }).error;

describe("inference", () => {
  test("answers an object of all outputs by name, on one line", async () => {
    const { ask } = await stfsService({
      m: { signatures: { serving_default: echo(["a", "int32", -1], ["b", "float32", -1, 2]) } },
    });
    const { status, headers, text } = await ask("POST", "/", '{"data": {"a": [1.0, 2], "b": [[1, 2], [3, 4]]}}', JSON_TYPE);
    expect([status, headers, text]).toEqual([200, JSON_TYPE, '{"a": [1, 2], "b": [[1.0, 2.0], [3.0, 4.0]]}\n']);
  });

  test.each([
    ["default", { default: {}, other: {} }, '{"data": 1}', "default"],
    ["the only one", { other: {} }, '{"data": 1}', "other"],
    ["the only one, by the name default", { other: {} }, '{"model_name": "default", "data": 1}', "other"],
    ["the one that is named", { default: {}, other: {} }, '{"model_name": "other", "data": 1}', "other"],
  ])("asks %s", async (_, names, body, expected) => {
    const asked: string[] = [];
    const models = Object.keys(names).map((name) => {
      const run = (_signature: string, inputs: ReadonlyMap<string, Tensor>) => {
        asked.push(name);
        return inputs;
      };
      return [name, { signatures: { serving_default: echo(["x", "int32"]) }, run }] as const;
    });
    const { ask } = await stfsService(Object.fromEntries(models));
    expect((await ask("POST", "/", body)).status).toBe(200);
    expect(asked).toEqual([expected]);
  });

  test.each([
    ["the highest", "", 10n],
    ["by number", '"model_version": 2,', 2n],
    ["by text", '"model_version": "2",', 2n],
    ["by label", '"model_version": "stable",', 2n],
  ])("asks the version %s", async (_, version, expected) => {
    const asked: bigint[] = [];
    const { ask, table } = await stfsService({
      m: {
        versions: [2n, 10n],
        signatures: { serving_default: echo(["x", "int32"]) },
        run: (_signature, inputs, _context, of) => {
          asked.push(of);
          return inputs;
        },
      },
    });
    table.setLabels(new Map([["m", new Map([["stable", 2n]])]]));
    expect((await ask("POST", "/", `{${version} "data": 1}`)).text).toBe('{"x": 1}\n');
    expect(asked).toEqual([expected]);
  });

  test.each([
    ["application/json; charset=utf-8", 200],
    ["application/vnd.api+json", 200],
    ["", 200],
    ["text/plain", 400],
    ["application/x-www-form-urlencoded", 400],
  ])("content type %j", async (type, status) => {
    const { ask } = await stfsService({ m: { signatures: { serving_default: KEYS } } });
    const answer = await ask("POST", "/", '{"data": [[1]]}', type === "" ? {} : { "content-type": type });
    expect(answer.status).toBe(status);
    if (status === 400) expect(errorOf(answer.text)).toMatch(/^Error, unsupported content type .* expected application\/json/);
  });

  test.each([
    ["[1]", "Invalid json data: [1], expected an object"],
    ['{"model_name": "no", "data": 1}', "Invalid model name: no, available models: m, n"],
    ['{"data": 1}', "Invalid model name: default, available models: m, n"],
    ['{"model_name": "m", "model_version": 7, "data": 1}', "Invalid model version: 7, available versions of m: 1"],
    ['{"model_name": "m", "model_version": "old", "data": 1}', "Unrecognized servable version label: old"],
    ['{"model_name": "m"}', "Inference with empty data, please check the request JSON"],
    [
      '{"model_name": "m", "signature_name": "s", "data": 1}',
      "Fail to request the signature name: s, please check the request JSON",
    ],
    [
      '{"model_name": "m", "data": {"x": 1}}',
      `Input op name 'keys' does not exist in input data: {"x": 1}, please check the request JSON`,
    ],
    ['{"model_name": "m", "data": ["a"]}', 'JSON Value: "a" Type: String is not of expected type: int32'],
    ['{"model_name": "n", "data": [1]}', "Sess.run() fail because of bad shape, please check shape of input"],
  ])("refuses %s", async (body, message) => {
    const run = () => {
      throw new ServingError("invalid-argument", "bad shape");
    };
    const { ask, faults } = await stfsService({
      m: { signatures: { serving_default: KEYS } },
      n: { signatures: { serving_default: KEYS }, run },
    });
    const { status, text } = await ask("POST", "/", body, JSON_TYPE);
    expect([status, errorOf(text)]).toEqual([400, message]);
    expect(faults).toEqual([]);
  });

  test.each(["model_name", "model_version", "signature_name"])(
    "does not repeat megabytes of a %s that is not there",
    async (name) => {
      const { ask } = await stfsService({ m: { signatures: { serving_default: KEYS } } });
      const { status, text } = await ask("POST", "/", JSON.stringify({ [name]: "n".repeat(5_000_000), data: [[1]] }), JSON_TYPE);
      expect([status, errorOf(text)]).toEqual([400, expect.stringMatching(/: n{100}\.\.\./)]);
      expect(text.length).toBeLessThan(300);
    },
  );

  test("keeps the status of what is nobody's mistake, and tells nothing of a bug", async () => {
    const broken = (reason: unknown) => ({ signatures: { serving_default: KEYS }, run: () => Promise.reject(reason) });
    const bug = new TypeError("secret");
    const { ask, faults } = await stfsService({
      full: broken(new ServingError("resource-exhausted", "too many")),
      buggy: broken(bug),
    });
    const full = await ask("POST", "/", '{"model_name": "full", "data": [[1]]}');
    expect([full.status, errorOf(full.text)]).toEqual([429, "too many"]);
    const buggy = await ask("POST", "/", '{"model_name": "buggy", "data": [[1]]}');
    expect([buggy.status, errorOf(buggy.text)]).toEqual([500, "internal error"]);
    expect(faults).toEqual([bug]);
  });

  test("a model without a version says so", async () => {
    const { ask, table } = await stfsService({});
    table.setStatuses("m", [{ version: 1n, state: "END", error: { code: "data-loss", message: "cut off" } }]);
    const { status, text } = await ask("POST", "/", '{"model_name": "m", "data": 1}');
    expect([status, errorOf(text)]).toEqual([400, "model m has no version that is served"]);
  });

  test("strings that are not UTF-8 come as base64", async () => {
    const run = () => new Map([["s", stringTensor([3], ["ä", Uint8Array.of(0xff, 0xef), ""])]]);
    const { ask } = await stfsService({ m: { signatures: { serving_default: KEYS }, run } });
    expect((await ask("POST", "/", '{"data": [[1]]}')).text).toBe('{"s": ["ä", {"b64": "/+8="}, ""]}\n');
  });
});

describe("what Simple TensorFlow Serving answers for a platform", () => {
  const run = (signature: string, inputs: ReadonlyMap<string, Tensor>) => new Map([[signature, inputs.get("X")!]]);
  const signatures = Object.fromEntries(
    ["serving_default", "predict", "predict_proba", "predict_log_proba", "margin"].map((name) => [
      name,
      echo(["X", "float32", -1]),
    ]),
  );

  test.each([
    ["sklearn", '{"data": [1]}', '{"predict": [1.0], "predict_proba": [1.0], "predict_log_proba": [1.0]}\n'],
    ["sklearn", '{"signature_name": "margin", "data": [1]}', '{"margin": [1.0]}\n'],
    ["xgboost", '{"data": [1]}', '{"result": [1.0]}\n'],
    ["xgboost", '{"signature_name": "margin", "data": [1]}', '{"margin": [1.0]}\n'],
    ["onnx", '{"data": [1]}', '{"serving_default": [1.0]}\n'],
  ])("%s: %s", async (platform, body, expected) => {
    const { ask } = await stfsService({ m: { platform, signatures, run } });
    expect((await ask("POST", "/", body)).text).toBe(expected);
  });

  test("leaves out methods that an estimator lacks", async () => {
    const { serving_default, predict } = signatures;
    const { ask } = await stfsService({ m: { platform: "sklearn", signatures: { serving_default, predict }, run } });
    expect((await ask("POST", "/", '{"data": [1]}')).text).toBe('{"predict": [1.0]}\n');
  });
});

test("a large body is read elsewhere, and given back there", async () => {
  const asked: string[] = [];
  const json: JsonWorker = {
    open: () => Promise.reject(new Error("not this form")),
    openStfs: async (body) => {
      const { head, document } = scanStfsDocument(body);
      asked.push("open");
      return {
        head,
        readInputs: async (inputs) => readStfsInputs(document, head.base64, inputs),
        close: () => void asked.push("close"),
      };
    },
    write: async (format, outputs) => {
      asked.push(`write ${format}`);
      return writePredictResponse(format, outputs);
    },
  };
  const { ask } = await stfsService({ m: { signatures: { serving_default: echo(["x", "float32", -1]) } } }, { json });
  const values = Array.from({ length: LARGE_BODY_BYTES / 4 }, (_, index) => index % 100);
  const { status, text } = await ask("POST", "/", JSON.stringify({ data: values }).padEnd(LARGE_BODY_BYTES));
  expect([status, JSON.parse(text)]).toEqual([200, { x: values }]);
  expect(asked).toEqual(["open", "close", "write named", "close"]);
});

describe("details", () => {
  const signatures = { serving_default: echo(["keys", "int32", -1, 1], ["s", "string"]) };

  test("of a model are Simple TensorFlow Serving's, and more", async () => {
    const { ask, table } = await stfsService({ m: { versions: [2n, 10n], platform: "tensorflow", signatures } });
    table.setLabels(new Map([["m", new Map([["stable", 2n]])]]));
    const { status, text } = await ask("GET", "/v1/models/m/detail");
    const inputs = [
      { name: "keys", dtype: 3, shape: [-1, 1] },
      { name: "s", dtype: 7, shape: [] },
    ];
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      model_name: "m",
      model_base_path: "m-folder",
      model_version_list: [2, 10],
      model_signature: { inputs, outputs: inputs },
      platform: "TensorFlow",
      model_version_status: [
        { version: 2, state: "AVAILABLE", error_code: "OK", error_message: "" },
        { version: 10, state: "AVAILABLE" },
      ],
      labels: { stable: 2 },
      signatures: { serving_default: { inputs: [{ name: "keys", dtype: "DT_INT32", shape: [-1, 1] }, {}] } },
    });
  });

  test("of all models are a list", async () => {
    const { ask, table } = await stfsService({ b: { signatures }, a: { signatures } });
    table.setStatuses("gone", []);
    const { text } = await ask("GET", "/v1/models");
    expect((JSON.parse(text) as { model_name: string }[]).map((model) => model.model_name)).toEqual(["a", "b"]);
  });

  test("names that mean something to JavaScript are names", async () => {
    const { ask, table } = await stfsService({ m: { signatures } });
    table.setLabels(new Map([["m", new Map([["__proto__", 1n]])]]));
    expect((await ask("GET", "/v1/models/m/detail")).text).toContain('"labels":{"__proto__":1}');
  });

  test.each(["detail", "gen_json", "gen_client"])("of an unknown model are not found: %s", async (kind) => {
    const { ask } = await stfsService({ m: { signatures } });
    const { status, headers } = await ask("GET", `/v1/models/no/${kind}`);
    expect([status, headers]).toEqual([404, JSON_TYPE]);
  });

  test.each([
    ["PUT", "/v1/models", 405],
    ["DELETE", "/v1/models/m/detail", 405],
    ["HEAD", "/v1/models/m/detail", 200],
    ["GET", "/v1/models/%E0/detail", 400],
  ])("%s %s is answered with %i", async (method, target, status) => {
    const { ask } = await stfsService({ m: { signatures } });
    expect((await ask(method, target)).status).toBe(status);
  });
});

describe("examples", () => {
  const example = '{"inputs": {"keys": [[9007199254740993]]}}';

  test.each([
    [
      "the model's own",
      { signatures: { serving_default: echo(["keys", "int64", -1, 1]) }, example },
      "",
      '{"data": {"keys": [[9007199254740993]]}}',
    ],
    [
      "rows as columns",
      {
        signatures: { serving_default: echo(["a", "int64", -1]) },
        example: '{"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}',
      },
      "",
      '{"data": {"a": [1, 3], "b": [2, 4]}}',
    ],
    ["made up", { signatures: { serving_default: echo(["keys", "int64", -1, 1]) } }, "", '{"data": {"keys": [[1]]}}'],
    [
      "of a named signature",
      { signatures: { other: echo(["x", "bool"]) } },
      "?signature_name=other",
      '{"signature_name": "other", "data": {"x": true}}',
    ],
  ])("are %s, and the server answers them", async (_, model, query, expected) => {
    const { ask } = await stfsService({ m: model });
    const { text, headers } = await ask("GET", `/v1/models/m/gen_json${query}`);
    expect([text, headers]).toEqual([`${expected}\n`, JSON_TYPE]);
    expect((await ask("POST", "/", text)).status).toBe(200);
  });

  test("a signature that is not there is named with those that are", async () => {
    const { ask } = await stfsService({ m: { signatures: { serving_default: KEYS } } });
    const { status, text } = await ask("GET", "/v1/models/m/gen_json?signature_name=no");
    expect([status, errorOf(text)]).toEqual([400, "model m has no signature no to be called (known: serving_default)"]);
  });
});
