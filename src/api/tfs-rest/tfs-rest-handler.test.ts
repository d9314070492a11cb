import { describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { deferred } from "../../base/deferred.ts";
import { ServingError } from "../../base/serving-error.ts";
import { MetricsShard } from "../../metrics/metrics-shard.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import { Inference } from "../../serving/inference.ts";
import { RequestMetrics } from "../../serving/request-metrics.ts";
import { ServingTable } from "../../serving/serving-table.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import { createTfsRestHandler, type TfsRestServices } from "./tfs-rest-handler.ts";

const floats = (alias: string, ...shape: number[]): TensorInfo => ({ alias, name: alias, dtype: "float32", shape });
const HALF_PLUS_TWO: Signature = {
  inputs: [floats("x", -1)],
  outputs: [floats("y", -1)],
  methodName: "tensorflow/serving/predict",
};
const CLASSIFY: Signature = {
  inputs: [{ alias: "inputs", name: "inputs", dtype: "string", shape: [-1] }],
  outputs: [{ alias: "scores", name: "scores", dtype: "float32", shape: [-1, 2] }],
  methodName: "tensorflow/serving/classify",
};
const REGRESS: Signature = { ...CLASSIFY, outputs: [{ alias: "outputs", name: "outputs", dtype: "float32", shape: [-1] }] };

type Run = (inputs: NamedTensors, context: RunContext | undefined) => NamedTensors | Promise<NamedTensors>;

const halfPlusTwo: Run = (inputs) => {
  const x = inputs.get("x") as Tensor & { dtype: "float32" };
  return new Map([["y", { ...x, data: (x.data as Float32Array).map((value) => value / 2 + 2) }]]);
};

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
}

/** A REST handler over versions 1 and 2 of the model `m`. */
async function handler(options: Partial<TfsRestServices> & { run?: Run; signatures?: Record<string, Signature> } = {}) {
  const { run = halfPlusTwo, signatures = { serving_default: HALF_PLUS_TWO }, ...services } = options;
  const servable: Servable = {
    runtime: "onnxruntime",
    signatures: new Map(Object.entries(signatures)),
    run: (_signature, inputs, _wanted, context) => run(inputs, context),
    detach() {},
  };
  const table = new ServingTable();
  for (const version of [1n, 2n]) await table.servables.publish({ name: "m", version }, servable);
  table.setLabels(
    new Map([
      [
        "m",
        new Map([
          ["stable", 1n],
          ["gone", 9n],
        ]),
      ],
    ]),
  );
  table.setStatuses("m", [
    { version: 1n, state: "AVAILABLE" },
    { version: 2n, state: "AVAILABLE" },
    { version: 3n, state: "END", error: { code: "data-loss", message: 'model.onnx "x" is cut off' } },
  ]);
  const metrics = new RequestMetrics(new MetricsShard(() => {}));
  const handle = createTfsRestHandler({
    table,
    inference: new Inference(table, metrics),
    metrics,
    timeoutMs: 30_000,
    clock: systemClock,
    reportFault: () => {},
    ...services,
  });
  return async (method: string, target: string, body = "", headers: Record<string, string> = {}, signal?: AbortSignal) => {
    const request: HttpRequest = {
      method,
      target,
      header: (name) => headers[name],
      body: new TextEncoder().encode(body),
      signal: signal ?? new AbortController().signal,
    };
    const response = await handle(request);
    const text = new TextDecoder().decode(response.body as Uint8Array);
    return { status: response.status, headers: Object.fromEntries(response.headers), text } satisfies Answer;
  };
}

const error = (message: string) => `{\n    "error": ${JSON.stringify(message)}\n}`;

describe("predict", () => {
  test("answers rows in rows and columns in columns", async () => {
    const ask = await handler();
    expect((await ask("POST", "/v1/models/m:predict", '{"instances": [1, 2]}')).text).toBe(
      '{\n    "predictions": [2.5, 3.0\n    ]\n}',
    );
    expect((await ask("POST", "/v1/models/m:predict", '{"inputs": [1, 2]}')).text).toBe(
      '{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}',
    );
  });

  test("answers with JSON and nothing else in its headers", async () => {
    const ask = await handler();
    const { status, headers } = await ask("POST", "/v1/models/m:predict", '{"instances": [1]}');
    expect([status, headers]).toEqual([200, { "content-type": "application/json" }]);
  });

  const SYNTAX = '{"instances": [1,';
  const ROOT = "[1]";
  const NAME = '{"signature_name": 7, "instances": ["x"]}';
  const UNKNOWN_SIGNATURE = '{"signature_name": "q", "instances": ["x"]}';
  const TENSOR = '{"instances": ["x"]}';
  test.each<[string, string, string, number, string | RegExp]>([
    ["the path before the body", "m:guess", SYNTAX, 400, "Malformed request: POST /v1/models/m:guess"],
    ["syntax before the model", "none:predict", SYNTAX, 400, /^JSON Parse error: .* at offset: \d+$/],
    ["the root before the model", "none:predict", ROOT, 400, /Is not object/],
    ["the kind of signature_name before the model", "none:predict", NAME, 400, /'signature_name' key must be a string value/],
    ["the model before the signature", "none:predict", UNKNOWN_SIGNATURE, 404, "Servable not found for request: Latest(none)"],
    [
      "the version before the signature",
      "m/versions/9:predict",
      UNKNOWN_SIGNATURE,
      404,
      "Servable not found for request: Specific(m, 9)",
    ],
    [
      "the label before the signature",
      "m/labels/new:predict",
      UNKNOWN_SIGNATURE,
      400,
      "Unrecognized servable version label: new",
    ],
    [
      "a label's version before the signature",
      "m/labels/gone:predict",
      UNKNOWN_SIGNATURE,
      404,
      "Servable not found for request: Specific(m, 9)",
    ],
    ["the model before the tensors", "none:predict", TENSOR, 404, "Servable not found for request: Latest(none)"],
    [
      "the signature before the tensors",
      "m:predict",
      UNKNOWN_SIGNATURE,
      400,
      'Serving signature name: "q" not found in signature def',
    ],
    ["the tensors at last", "m:predict", TENSOR, 400, /is not of expected type: float/],
  ])("checks %s", async (_case, path, body, status, message) => {
    const ask = await handler({ run: () => expect.fail("ran") });
    const answer = await ask("POST", `/v1/models/${path}`, body);
    expect(answer.status, answer.text).toBe(status);
    const { error: text } = JSON.parse(answer.text) as { error: string };
    if (typeof message === "string") expect(answer.text).toBe(error(message));
    else expect(text).toMatch(message);
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  test("answers a model's failure, thrown or rejected, and hides what is no ServingError", async () => {
    const body = '{"instances": [1]}';
    const exhausted = await handler({
      run: () => {
        throw new ServingError("resource-exhausted", "too many runs");
      },
    });
    expect(await exhausted("POST", "/v1/models/m:predict", body)).toMatchObject({ status: 429, text: error("too many runs") });
    const bug = await handler({ run: () => Promise.reject(new TypeError("secret")) });
    expect(await bug("POST", "/v1/models/m:predict", body)).toMatchObject({ status: 500, text: error("internal error") });
  });

  test("waits for a model that answers later", async () => {
    const answer = deferred<NamedTensors>();
    const ask = await handler({ run: () => answer.promise });
    const asked = ask("POST", "/v1/models/m:predict", '{"inputs": [1]}');
    answer.resolve(new Map([["y", { dtype: "float32", shape: [1], data: Float32Array.of(4) }]]));
    expect(await asked).toMatchObject({ status: 200, text: expect.stringContaining("4.0") });
  });

  const untilAborted: Run = (_inputs, context) =>
    new Promise((_resolve, reject) =>
      context!.signal.addEventListener("abort", () => reject(context!.signal.reason as ServingError)),
    );

  test("is ended at the time limit", async () => {
    const ask = await handler({ run: untilAborted, timeoutMs: 1 });
    expect(await ask("POST", "/v1/models/m:predict", '{"inputs": [1]}')).toMatchObject({
      status: 504,
      text: error("the model did not answer within 1 ms"),
    });
  });

  test.each([0, 30_000])("is ended when the caller goes away (limit %d ms)", async (timeoutMs) => {
    const ask = await handler({ run: untilAborted, timeoutMs });
    const caller = new AbortController();
    const asked = ask("POST", "/v1/models/m:predict", '{"inputs": [1]}', {}, caller.signal);
    caller.abort(new ServingError("cancelled", "the caller went away"));
    expect(await asked).toMatchObject({ status: 499 });
  });
});

describe("classify and regress", () => {
  const signatures = { serving_default: CLASSIFY, r: REGRESS };
  const run: Run = () =>
    new Map<string, Tensor>([
      ["scores", { dtype: "float32", shape: [1, 2], data: Float32Array.of(0.25, 0.75) }],
      ["outputs", { dtype: "float32", shape: [1], data: Float32Array.of(1.5) }],
    ]);

  test("answer with results", async () => {
    const ask = await handler({ signatures, run });
    const classified = await ask("POST", "/v1/models/m:classify", '{"examples": [{"x": 1}]}');
    expect(JSON.parse(classified.text)).toEqual({
      results: [
        [
          ["", 0.25],
          ["", 0.75],
        ],
      ],
    });
    const regressed = await ask("POST", "/v1/models/m:regress", '{"signature_name": "r", "examples": [{"x": 1}]}');
    expect(JSON.parse(regressed.text)).toEqual({ results: [1.5] });
  });

  test.each(["classify", "regress"])("check the whole body of %s before the model", async (verb) => {
    const ask = await handler({ signatures, run });
    const path = `/v1/models/none:${verb}`;
    expect(await ask("POST", path, '{"examples": [7]}')).toMatchObject({
      status: 400,
      text: expect.stringContaining("Example must be JSON object"),
    });
    expect(await ask("POST", path, '{"examples": [{"x": 1}]}')).toMatchObject({ status: 404 });
  });
});

describe("status", () => {
  const version = (number: number, state: string, code = "OK", message = "") =>
    `  {\n   "version": "${number}",\n   "state": "${state}",\n   "status": {\n    "error_code": "${code}",\n    "error_message": ${JSON.stringify(message)}\n   }\n  }`;
  const page = (...versions: string[]) => `{\n "model_version_status": [\n${versions.join(",\n")}\n ]\n}\n`;
  const ALL = page(version(1, "AVAILABLE"), version(2, "AVAILABLE"), version(3, "END", "DATA_LOSS", 'model.onnx "x" is cut off'));

  test.each([
    ["all versions, ascending", "/v1/models/m", ALL],
    ["one version", "/v1/models/m/versions/2", page(version(2, "AVAILABLE"))],
    ["all versions for a label, whether it is known or not", "/v1/models/m/labels/stable", ALL],
    ["all versions for an unknown label", "/v1/models/m/labels/none", ALL],
    ["the same whatever the query", "/v1/models/m?x=1", ALL],
    ["the same in any case of letters", "/V1/Models/m", ALL],
  ])("shows %s", async (_case, path, text) => {
    const ask = await handler();
    expect(await ask("GET", path)).toMatchObject({ status: 200, text });
  });

  test.each([
    ["/v1/models/none", "Could not find any versions of model none"],
    ["/v1/models/m/versions/7", "Could not find version 7 of model m"],
    ["/v1/models/__proto__", "Could not find any versions of model __proto__"],
    ["/v1/models/constructor", "Could not find any versions of model constructor"],
  ])("of what is unknown is not found: %s", async (path, message) => {
    const ask = await handler();
    expect(await ask("GET", path)).toEqual({
      status: 404,
      headers: { "content-type": "application/json" },
      text: error(message),
    });
  });
});

describe("metadata", () => {
  const TEXT = `{
 "model_spec": {
  "name": "m",
  "signature_name": "",
  "version": "2"
 },
 "metadata": {
  "signature_def": {
   "signature_def": {
    "serving_default": {
     "inputs": {
      "x": {
       "dtype": "DT_FLOAT",
       "tensor_shape": {
        "dim": [
         {
          "size": "-1",
          "name": ""
         }
        ],
        "unknown_rank": false
       },
       "name": "x"
      }
     },
     "outputs": {
      "y": {
       "dtype": "DT_FLOAT",
       "tensor_shape": {
        "dim": [
         {
          "size": "-1",
          "name": ""
         }
        ],
        "unknown_rank": false
       },
       "name": "y"
      }
     },
     "method_name": "tensorflow/serving/predict",
     "defaults": {}
    }
   }
  }
 }
}
`;

  test("is the whole message with its defaults", async () => {
    const ask = await handler();
    const { status, text } = await ask("GET", "/v1/models/m/metadata");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual(JSON.parse(TEXT));
    // The order of keys is free, the layout is not.
    expect(
      text
        .split("\n")
        .map((line) => line.replace(/,$/, ""))
        .sort(),
    ).toEqual(
      TEXT.split("\n")
        .map((line) => line.replace(/,$/, ""))
        .sort(),
    );
  });

  test.each([
    ["/v1/models/m/versions/1/metadata", "1"],
    ["/v1/models/m/labels/stable/metadata", "1"],
    ["/v1/models/m/metadata", "2"],
  ])("names the version that is meant: %s", async (path, version) => {
    const ask = await handler();
    const { model_spec } = JSON.parse((await ask("GET", path)).text) as { model_spec: { version: string } };
    expect(model_spec.version).toBe(version);
  });

  test("keeps names that are properties of every object", async () => {
    const signature: Signature = { ...HALF_PLUS_TWO, inputs: ["__proto__", "constructor"].map((alias) => floats(alias, 1)) };
    const ask = await handler({ signatures: { serving_default: signature } });
    const { text } = await ask("GET", "/v1/models/m/metadata");
    expect(text).toContain('"__proto__": {');
    expect(text).toContain('"constructor": {');
  });

  test.each([
    ["/v1/models/none/metadata", 404, "Servable not found for request: Latest(none)"],
    ["/v1/models/m/labels/none/metadata", 400, "Unrecognized servable version label: none"],
  ])("of what is unknown: %s", async (path, status, message) => {
    const ask = await handler();
    expect(await ask("GET", path)).toMatchObject({ status, text: error(message) });
  });
});

describe("methods", () => {
  test("HEAD is answered as GET is: the transport leaves the body out", async () => {
    const ask = await handler();
    expect(await ask("HEAD", "/v1/models/m")).toEqual(await ask("GET", "/v1/models/m"));
    expect((await ask("HEAD", "/v1/models/none")).status).toBe(404);
  });

  test.each([
    ["PUT", "/v1/models/m"],
    ["DELETE", "/v1/models/m"],
    ["POST", "/v1/models/m"],
    ["GET", "/v1/models/m:predict"],
    ["HEAD", "/v1/models/m:predict"],
  ])("%s %s is malformed", async (method, path) => {
    const ask = await handler();
    expect(await ask(method, path)).toMatchObject({ status: 400, text: error(`Malformed request: ${method} ${path}`) });
  });
});

test.each<[string | undefined, number]>([
  ["https://a.example", 200],
  ["null", 400],
  [undefined, 400],
])("a preflight that nobody has answered before (origin %s) is %d, and allows nothing", async (origin, status) => {
  const ask = await handler();
  expect(await ask("OPTIONS", "/v1/anything", "", origin === undefined ? {} : { origin })).toEqual({
    status,
    headers: {},
    text: "",
  });
});

test("each finished request is told to the log, without its body", async () => {
  const fields: object[] = [];
  const ask = await handler({ logRequest: (each) => fields.push(each) });
  await ask("POST", "/v1/models/m:predict", '{"instances": [1]}');
  await ask("POST", "/v1/models/none:predict", '{"instances": ["secret"]}');
  expect(fields).toEqual([
    { method: "POST", target: "/v1/models/m:predict", status: 200, microseconds: expect.any(Number) },
    {
      method: "POST",
      target: "/v1/models/none:predict",
      status: 404,
      microseconds: expect.any(Number),
      err: expect.objectContaining({ code: "not-found" }),
    },
  ]);
});

test("a string output whose name ends in _bytes is base64", async () => {
  const outputs: TensorInfo[] = [{ alias: "image_bytes", name: "image_bytes", dtype: "string", shape: [-1] }];
  const ask = await handler({
    signatures: { serving_default: { ...HALF_PLUS_TWO, outputs } },
    run: () => new Map([["image_bytes", stringTensor([1], [new Uint8Array([255, 0])])]]),
  });
  const { text } = await ask("POST", "/v1/models/m:predict", '{"instances": [1]}');
  expect(JSON.parse(text)).toEqual({ predictions: [{ b64: "/wA=" }] });
});
