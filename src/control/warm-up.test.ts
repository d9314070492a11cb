import { Buffer } from "node:buffer";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { encodeTfRecord } from "../codec/tf-record/tf-record-writer.ts";
import type { TensorProtoSchema } from "../gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import type { InputSchema } from "../gen/tensorflow_serving/apis/input_pb.ts";
import { PredictionLogSchema } from "../gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { cellWidth } from "../metrics/definition.ts";
import { MODEL_WARMUP_LATENCY } from "../metrics/definitions.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { BatchLimits, ModelBatching } from "../model/batching.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { Servable } from "../model/servable.ts";
import type { Signature } from "../tensor/signature.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../tensor/tensor.ts";
import { WarmUp, type WarmUpOptions } from "./warm-up.ts";

const ID = { name: "m", version: 3n };
const FILE = "assets.extra/tf_serving_warmup_requests";
const OPTIONS: WarmUpOptions = { enabled: true, iterations: 1, automatic: "off" };
const NEVER = new AbortController().signal;

type LogInit = MessageInitShape<typeof PredictionLogSchema>;

let folder: string;
/** One line for each cell of a metric: name, label values, count. */
let counted: () => readonly string[];
let shard: MetricsShard;
/** What the servable was asked: signature, and the shape and values of each input. */
let runs: string[];
let attached: number;
let detached: number;
let lines: { readonly event: string; readonly fields: object }[];
/** Whether the servable can run its graph. */
let graph: boolean;
/** Called at each run, with its number from 1. */
let onRun: (number: number) => void | Promise<void>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "modelport-"));
  const buffers: SharedArrayBuffer[] = [];
  const cells: (() => string)[] = [];
  counted = () => cells.map((cell) => cell());
  shard = new MetricsShard((announced) => {
    if (announced.kind === "buffer") buffers[announced.index] = announced.buffer;
    else {
      const { metric, labelValues, buffer, offset } = announced;
      const histogram = metric === MODEL_WARMUP_LATENCY.name;
      const [from, width] = histogram ? [offset + 1, cellWidth(MODEL_WARMUP_LATENCY) - 1] : [offset, 1];
      const values = new Float64Array(buffers[buffer], from * 8, width);
      cells.push(() => `${metric.split("/").at(-1)} ${labelValues.join(" ")} ${values.reduce((sum, value) => sum + value)}`);
    }
  });
  runs = [];
  lines = [];
  attached = detached = 0;
  graph = false;
  onRun = () => {};
});
afterEach(() => rmSync(folder, { recursive: true }));

const log: Log = {
  debugging: false,
  debug: () => {},
  info: (event, fields = {}) => lines.push({ event, fields }),
  warn: (event, fields = {}) => lines.push({ event, fields }),
  error: (event) => expect.fail(event),
};

const floats = (shape: number[], ...values: number[]): Tensor => ({ dtype: "float32", shape, data: Float32Array.from(values) });

function signature(inputs: Signature["inputs"], ...outputs: string[]): Signature {
  return { inputs, outputs: outputs.map((alias) => ({ alias, name: alias, dtype: "float32", shape: [-1] })), methodName: "" };
}

const X = { alias: "x", name: "x", dtype: "float32", shape: [-1, 2] } as const;
const EXAMPLES = { alias: "inputs", name: "inputs", dtype: "string", shape: [-1] } as const;
const SIGNATURES = new Map([
  ["serving_default", signature([X], "y")],
  ["classify", signature([EXAMPLES], "scores")],
  ["regress", signature([EXAMPLES], "outputs")],
]);

/** Answers for two examples, at once or later. */
function attach(_model: SharedModel, expectLong?: boolean): Servable {
  // A long run would hold up the thread that loads.
  expect(expectLong).toBe(true);
  attached++;
  const answer: NamedTensors = new Map<string, Tensor>([
    ["y", stringTensor([1], ["not looked at"])],
    ["scores", floats([2, 1], 0.5, 0.25)],
    ["outputs", floats([2], 1, 2)],
  ]);
  return {
    runtime: "onnxruntime",
    signatures: SIGNATURES,
    run(name, inputs, wanted) {
      expect(detached).toBe(0);
      const [tensor] = inputs.values();
      const values = tensor.dtype === "string" ? tensor.data.length : `[${Array.from(tensor.data as Float32Array).join(",")}]`;
      runs.push(`${name} [${tensor.shape.join(",")}] ${values} -> ${wanted.join(",")}`);
      const outputs = new Map(wanted.map((alias) => [alias, answer.get(alias)!]));
      const wait = onRun(runs.length);
      return wait === undefined ? outputs : wait.then(() => outputs);
    },
    ...(graph && {
      runGraph(feeds: NamedTensors, fetches: readonly string[], targets: readonly string[]) {
        runs.push(`graph ${[...feeds.keys()].join(",")} -> ${fetches.join(",")} ${targets.join(",")}`);
        return fetches.map(() => answer.get("y")!);
      },
    }),
    detach: () => void detached++,
  };
}

function warmUp(options: Partial<WarmUpOptions> = {}, signal = NEVER, batching?: ModelBatching): Promise<void> {
  const model: SharedModel = { runtime: "onnxruntime", signatures: SIGNATURES, handle: 0, ...(batching && { batching }) };
  const version = { id: ID, folder, runtime: { attach }, model };
  return new WarmUp({ shard, clock: new FakeClock(), log }, { ...OPTIONS, ...options }).run(version, signal);
}

function write(...pieces: readonly Uint8Array[]): void {
  mkdirSync(join(folder, "assets.extra"), { recursive: true });
  writeFileSync(join(folder, FILE), Buffer.concat(pieces));
}

const record = (init: LogInit) => encodeTfRecord(toBinary(PredictionLogSchema, create(PredictionLogSchema, init)));

const tensor = (...values: number[]): MessageInitShape<typeof TensorProtoSchema> => ({
  dtype: DataType.DT_FLOAT,
  tensorShape: { dim: [{ size: 1n }, { size: 2n }] },
  floatVal: values,
});

/** A logged predict call on inputs of any name. */
const predict = (inputs: Record<string, MessageInitShape<typeof TensorProtoSchema>>, spec = {}): LogInit => ({
  logType: { case: "predictLog", value: { request: { modelSpec: { name: "elsewhere", ...spec }, inputs } } },
});

const input: MessageInitShape<typeof InputSchema> = { kind: { case: "exampleList", value: { examples: [{}, {}] } } };
const classify: LogInit = {
  logType: { case: "classifyLog", value: { request: { modelSpec: { signatureName: "classify" }, input } } },
};
const regress: LogInit = {
  logType: { case: "regressLog", value: { request: { modelSpec: { signatureName: "regress" }, input } } },
};
const multiInference: LogInit = {
  logType: {
    case: "multiInferenceLog",
    value: {
      request: {
        input,
        tasks: [
          { modelSpec: { name: "a", signatureName: "classify" }, methodName: "tensorflow/serving/classify" },
          { modelSpec: { name: "b", signatureName: "regress" }, methodName: "tensorflow/serving/regress" },
        ],
      },
    },
  },
};

describe("a version without recorded requests", () => {
  test("is left alone", async () => {
    await warmUp();
    expect([attached, runs, lines, counted()]).toEqual([0, [], [], []]);
  });

  test("is left alone when it is a bare file", async () => {
    const file = join(folder, "model.onnx");
    writeFileSync(file, "");
    folder = join(folder, "model.onnx");
    await warmUp();
    folder = join(folder, "..");
    expect(attached).toBe(0);
  });
});

describe("recorded requests", () => {
  test("of every kind are run in their order, on this model whatever they name, and their signatures count", async () => {
    write(
      record(predict({ x: tensor(1, 2) }, { versionChoice: { case: "version", value: { value: 99n } } })),
      record(classify),
      record(regress),
      record(multiInference),
      record(predict({ x: tensor(3, 4) }, { versionChoice: { case: "versionLabel", value: "canary" } })),
    );
    await warmUp();
    expect(runs).toEqual([
      "serving_default [1,2] [1,2] -> y",
      "classify [2] 2 -> scores",
      "regress [2] 2 -> outputs",
      "classify [2] 2 -> scores",
      "regress [2] 2 -> outputs",
      "serving_default [1,2] [3,4] -> y",
    ]);
    expect([attached, detached]).toEqual([1, 1]);
    expect(lines).toEqual([
      {
        event: "model_warmed_up",
        fields: { model: "m", version: "3", source: "records", requests: 5, iterations: 1, milliseconds: 0 },
      },
    ]);
    expect(counted()).toEqual(["model_warmup_latency m/3 OK 1", "model_warmup_records_read m/3 OK 5"]);
  });

  test("of a graph's own names are run where there is a graph", async () => {
    graph = true;
    const request = { feed: [{ name: "x:0", tensor: tensor(1, 2) }], fetch: ["y:0"], target: ["init"] };
    write(record({ logType: { case: "sessionRunLog", value: { request } } }));
    await warmUp();
    expect(runs).toEqual(["graph x:0 -> y:0 init"]);
  });

  test("that were streamed are run as a predict, the first of each", async () => {
    const request = [tensor(1, 2), tensor(3, 4)].map((x) => ({ inputs: { x } }));
    write(record({ logType: { case: "predictStreamedLog", value: { request } } }));
    await warmUp();
    expect(runs).toEqual(["serving_default [1,2] [1,2] -> y"]);
  });

  test("are each run as often as is told, in a row", async () => {
    write(record(predict({ x: tensor(1, 2) })), record(regress));
    await warmUp({ iterations: 3 });
    expect(runs.map((run) => run.split(" ")[0])).toEqual([...Array(3).fill("serving_default"), ...Array(3).fill("regress")]);
  });

  test("are not run when warm-up is off", async () => {
    write(Buffer.from("damaged"));
    await warmUp({ enabled: false, automatic: "zeros" });
    expect([attached, counted()]).toEqual([0, []]);
  });

  test("of no kind are passed over, and counted", async () => {
    write(record({}), record(regress));
    await warmUp();
    expect(runs).toHaveLength(1);
    expect(counted()[1]).toBe("model_warmup_records_read m/3 OK 2");
  });

  test("may be none", async () => {
    write();
    await warmUp();
    expect(counted()[1]).toBe("model_warmup_records_read m/3 OK 0");
  });

  test("may be a thousand", async () => {
    write(...Array<Uint8Array>(1000).fill(record(regress)));
    await warmUp();
    expect(runs).toHaveLength(1000);
  });

  test("of which there is one more than that fail after it was run", async () => {
    write(...Array<Uint8Array>(1002).fill(record(regress)));
    await expect(warmUp()).rejects.toMatchObject({
      code: "invalid-argument",
      message: `Number of warmup records exceeds the maximum (1000) at ${FILE}`,
    });
    expect(runs).toHaveLength(1001);
    expect(counted()[1]).toMatch(/records_read m\/3 INVALID_ARGUMENT: Number of warmup records.* 1001$/);
  });

  test("longer than what is read at once are put together", async () => {
    const floatVal = Array<number>(200_000).fill(7);
    const long = predict({ x: { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 200_000n }] }, floatVal } });
    write(record(long), record(regress));
    await warmUp();
    expect(runs[0]).toContain("[200000] [7,7,7");
    expect(runs[1]).toContain("regress");
  });
});

describe("what fails the load", () => {
  const wrongTensor = predict({ x: { ...tensor(1, 2), tensorContent: new Uint8Array(3) } });

  test.each<[string, () => readonly Uint8Array[], string, string | RegExp]>([
    [
      "a session run on what is no graph",
      () => [record({ logType: { case: "sessionRunLog", value: {} } })],
      "unimplemented",
      `model m is not a TensorFlow graph (record 1 of ${FILE})`,
    ],
    [
      "a session run that is malformed",
      () => [encodeTfRecord(Buffer.from("2a040a021205", "hex"))],
      "invalid-argument",
      /^Failed to parse warmup record: /,
    ],
    [
      "a record that is no PredictionLog",
      () => [record(regress), encodeTfRecord(Buffer.from("text"))],
      "invalid-argument",
      /^Failed to parse warmup record: .+ \(record 2 of assets\.extra\/tf_serving_warmup_requests\)$/,
    ],
    [
      "a request that is malformed",
      () => [encodeTfRecord(Buffer.from("32040a020a05", "hex"))],
      "invalid-argument",
      /^Failed to parse warmup record: /,
    ],
    [
      "a damaged file",
      () => [record(regress), record(regress).fill(0, 14, 20)],
      "data-loss",
      /^assets\.extra\/tf_serving_warmup_requests: .+ Please verify your warmup data is in TFRecord format\.$/,
    ],
    ["a file of another format", () => [Buffer.from("a line of text, no record")], "data-loss", /verify your warmup data/],
    ["a file that was cut off", () => [record(regress).subarray(0, 20)], "data-loss", /verify your warmup data/],
    [
      "inputs the signature has not",
      () => [record(predict({ z: tensor(1, 2) }))],
      "invalid-argument",
      /^Signature input alias: x/,
    ],
    ["a tensor that is wrong", () => [record(wrongTensor)], "invalid-argument", /^tensor parsing error: x \(record 1 of /],
    [
      "a signature the model has not",
      () => [record(predict({ x: tensor(1, 2) }, { signatureName: "none" }))],
      "failed-precondition",
      /^Serving signature key "none" not found\. \(record 1 of /,
    ],
    ["no request in the log", () => [record({ logType: { case: "classifyLog", value: {} } })], "invalid-argument", /record 1 of/],
  ])("%s", async (_name, pieces, code, message) => {
    write(...pieces());
    const error = await warmUp().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServingError);
    expect(error).toMatchObject({ code, message: typeof message === "string" ? message : expect.stringMatching(message) });
    expect((error as Error).message).not.toContain(folder);
    expect([attached, detached]).toEqual([1, 1]);
    const status = `m/3 ${code.toUpperCase().replace("-", "_")}: ${(error as Error).message}`;
    expect(counted()).toEqual([
      `model_warmup_latency ${status} 1`,
      expect.stringContaining(`model_warmup_records_read ${status} `),
    ]);
    expect(lines).toEqual([]);
  });

  test("a run that fails, with its own code", async () => {
    write(record(regress), record(regress));
    onRun = async (number) => {
      if (number === 2) throw new ServingError("resource-exhausted", "no memory");
    };
    await expect(warmUp()).rejects.toMatchObject({ code: "resource-exhausted", message: `no memory (record 2 of ${FILE})` });
    expect(detached).toBe(1);
  });

  test("a link out of the version's folder, unread", async () => {
    const outside = mkdtempSync(join(tmpdir(), "modelport-"));
    try {
      writeFileSync(join(outside, "file"), record(regress));
      mkdirSync(join(folder, "assets.extra"));
      symlinkSync(join(outside, "file"), join(folder, FILE));
      await expect(warmUp()).rejects.toMatchObject({
        code: "invalid-argument",
        message: `the model names the file "${FILE}": it leads out of the model's folder`,
      });
      expect(attached).toBe(0);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test("a folder in the file's place", async () => {
    mkdirSync(join(folder, FILE), { recursive: true });
    await expect(warmUp()).rejects.toMatchObject({ message: expect.stringContaining("not a regular file") });
  });
});

describe("a load that is cancelled", () => {
  const reason = new ServingError("cancelled", "Loading of servable cancelled");

  test.each(["records", "made-up requests"])("ends after the present run of %s", async (source) => {
    const cancellation = new AbortController();
    if (source === "records") write(record(regress), record(regress), record(regress));
    onRun = (number) => {
      if (number === 2) cancellation.abort(reason);
    };
    await expect(warmUp({ automatic: "zeros" }, cancellation.signal)).rejects.toBe(reason);
    expect([runs.length, detached]).toEqual([2, 1]);
  });

  test("before the first run does nothing", async () => {
    write(record(regress));
    await expect(warmUp({}, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect([runs.length, attached, detached]).toEqual([0, 1, 1]);
  });
});

test("other work of the thread gets its turn between any two runs", async () => {
  write(record(regress), record(regress));
  const events: string[] = [];
  onRun = (number) => {
    events.push(`run ${number}`);
    setImmediate(() => events.push("other work"));
  };
  await warmUp({ iterations: 2 });
  expect(events.slice(0, 7)).toEqual(["run 1", "other work", "run 2", "other work", "run 3", "other work", "run 4"]);
});

describe("made-up requests", () => {
  test("are run on every signature, with each size of batches it may have, as often as is told", async () => {
    const limits = { allowedBatchSizes: [1, 2, 4] } as unknown as BatchLimits;
    const batching = { limits, signatures: new Map([["serving_default", { unbatchedInputs: [] }]]) };
    await warmUp({ automatic: "zeros", iterations: 2 }, NEVER, batching);
    expect(runs.map((run) => run.split(" ").slice(0, 2).join(" "))).toEqual([
      ...["[1,2]", "[1,2]", "[2,2]", "[2,2]", "[4,2]", "[4,2]"].map((shape) => `serving_default ${shape}`),
      ...["[1]", "[1]"].map((shape) => `classify ${shape}`),
      ...["[1]", "[1]"].map((shape) => `regress ${shape}`),
    ]);
    expect(lines).toMatchObject([{ event: "model_warmed_up", fields: { source: "zeros", requests: 5, iterations: 2 } }]);
    expect([attached, detached, counted()]).toEqual([1, 1, []]);
  });

  test("are the same at every load", async () => {
    await warmUp({ automatic: "random" });
    const first = runs;
    runs = [];
    detached = 0;
    await warmUp({ automatic: "random" });
    expect(runs).toEqual(first);
    expect(first[0]).toMatch(/^serving_default \[1,2\] \[0\.\d+,0\.\d+\] -> y$/);
  });

  test("that fail are logged and fail nothing", async () => {
    onRun = (number) => {
      if (number === 1) throw new ServingError("invalid-argument", "log of zero");
    };
    await warmUp({ automatic: "zeros" });
    expect(lines).toEqual([
      {
        event: "warmup_failed",
        fields: {
          model: "m",
          version: "3",
          source: "zeros",
          signature: "serving_default",
          code: "INVALID_ARGUMENT",
          error: "log of zero",
        },
      },
      { event: "model_warmed_up", fields: expect.objectContaining({ requests: 2 }) },
    ]);
    expect(detached).toBe(1);
  });

  test("give way to recorded ones", async () => {
    write(record(regress));
    await warmUp({ automatic: "zeros" });
    expect(runs).toHaveLength(1);
  });
});
