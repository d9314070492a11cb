import { describe, expect, test } from "vitest";
import { RefusedError } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import { METRICS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { Servable } from "../model/servable.ts";
import type { DType } from "../tensor/dtype.ts";
import type { Signature } from "../tensor/signature.ts";
import { stringAt } from "../tensor/string-array.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../tensor/tensor.ts";
import { Inference } from "./inference.ts";
import type { InferenceOutcome } from "./multi-inference.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { RunQueue } from "./run-queue.ts";
import { ServingTable } from "./serving-table.ts";

const context = { signal: new AbortController().signal };
const floats = (shape: number[], ...values: number[]): Tensor => ({ dtype: "float32", shape, data: Float32Array.from(values) });

function signatureOf(outputs: Record<string, DType>, input = "inputs"): Signature {
  return {
    inputs: [{ alias: input, name: input, dtype: "string", shape: [-1] }],
    outputs: Object.entries(outputs).map(([alias, dtype]) => ({ alias, name: alias, dtype, shape: undefined })),
    methodName: "",
  };
}

/** A model whose every signature answers with fixed tensors. */
async function inferenceOn(
  signatures: Record<string, Signature>,
  answer: Record<string, Tensor>,
): Promise<{ inference: Inference; table: ServingTable }> {
  const servable: Servable = {
    runtime: "onnxruntime",
    signatures: new Map(Object.entries(signatures)),
    run: (_signature, _inputs, wanted): NamedTensors => new Map(wanted.map((alias) => [alias, answer[alias]])),
    detach() {},
  };
  const table = new ServingTable();
  await table.servables.publish({ name: "m", version: 3n }, servable);
  return { table, inference: new Inference(table, new RequestMetrics(new MetricsShard(() => {}))) };
}

const call = (count: number, signatureName = "") => ({
  spec: { name: "m", signatureName },
  examples: Array.from({ length: count }, () => new Uint8Array([1])),
});

describe("classify", () => {
  const both = signatureOf({ classes: "string", scores: "float32" });
  const answer = { classes: stringTensor([2, 2], ["cat", "dog", "cat", "dog"]), scores: floats([2, 2], 0.25, 0.75, 1, 0) };

  test("pairs classes with scores, row by row", async () => {
    const { inference } = await inferenceOn({ serving_default: both }, answer);
    const { rows, resolved } = await inference.classify(call(2), context);
    expect(resolved).toEqual({ name: "m", version: 3n, signatureName: "serving_default" });
    expect(rows.map((row) => row.map(({ label, score }) => [new TextDecoder().decode(label), score]))).toEqual([
      [
        ["cat", 0.25],
        ["dog", 0.75],
      ],
      [
        ["cat", 1],
        ["dog", 0],
      ],
    ]);
  });

  test("without a name means the signature called classify, where the default one takes rows and is of another form, and it says what it is", async () => {
    const named = { ...both, methodName: "tensorflow/serving/classify" };
    const other = { ...signatureOf({ y: "float32" }, "x"), rowwise: true };
    const askedOf = async (signatures: Record<string, Signature>, signatureName = "") => {
      const { inference } = await inferenceOn(signatures, answer);
      return (await inference.classify(call(2, signatureName), context)).resolved.signatureName;
    };
    expect(await askedOf({ serving_default: other, classify: named })).toBe("classify");
    expect(await askedOf({ serving_default: both, classify: named })).toBe("serving_default");
    const refused = "No classification inputs found in SignatureDef";
    // As TensorFlow Serving has it.
    await expect(askedOf({ serving_default: { ...other, rowwise: false }, classify: named })).rejects.toThrow(refused);
    await expect(askedOf({ serving_default: other, classify: both })).rejects.toThrow(refused);
    await expect(askedOf({ serving_default: other, classify: named }, "serving_default")).rejects.toThrow(refused);
  });

  test("without classes leaves labels empty, without scores gives zeros", async () => {
    const scoresOnly = await inferenceOn({ serving_default: signatureOf({ scores: "float32" }) }, answer);
    const classesOnly = await inferenceOn({ serving_default: signatureOf({ classes: "string" }) }, answer);
    expect((await scoresOnly.inference.classify(call(2), context)).rows[0][0]).toEqual({ label: new Uint8Array(0), score: 0.25 });
    expect((await classesOnly.inference.classify(call(2), context)).rows[0][0].score).toBe(0);
  });

  test.each<[string, Record<string, Signature>, Record<string, Tensor>, number, string]>([
    ["no examples", { serving_default: both }, answer, 0, "Input is empty."],
    ["another batch size", { serving_default: both }, answer, 3, "Expected classes output batch size of 3. Got: 2"],
    [
      "a predict signature",
      { serving_default: signatureOf({ y: "float32" }, "x") },
      {},
      1,
      "No classification inputs found in SignatureDef: inputs {x: DT_STRING}",
    ],
    [
      "scores of another type",
      { serving_default: signatureOf({ scores: "float64" }) },
      { scores: { dtype: "float64", shape: [1, 1], data: new Float64Array(1) } },
      1,
      "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE",
    ],
    [
      "a vector",
      { serving_default: signatureOf({ scores: "float32" }) },
      { scores: floats([1], 1) },
      1,
      "Expected Tensor shape: [batch_size num_classes] but got [1]",
    ],
    ["no such signature", {}, {}, 1, "No signature was found with the name: serving_default"],
    [
      "three outputs, whatever the input is called",
      { serving_default: signatureOf({ classes: "string", scores: "float32", more: "float32" }, "x") },
      {},
      1,
      "Expected one or two output Tensors, found 3",
    ],
    [
      "neither classes nor scores",
      { serving_default: signatureOf({ logits: "float32" }) },
      {},
      1,
      'Expected classification signature outputs to contain at least one of "classes" or "scores". Signature was: inputs {inputs: DT_STRING}',
    ],
  ])("refuses %s", async (_name, signatures, outputs, count, message) => {
    const { inference } = await inferenceOn(signatures, outputs);
    await expect(inference.classify(call(count), context)).rejects.toThrow(message);
  });
});

describe("regress", () => {
  const signature = signatureOf({ outputs: "float32" });

  test.each([[[2]], [[2, 1]]])("reads an output of shape %j", async (shape) => {
    const { inference } = await inferenceOn({ serving_default: signature }, { outputs: floats(shape, 1.5, -2) });
    expect([...(await inference.regress(call(2), context)).values]).toEqual([1.5, -2]);
  });

  test.each<[Tensor, string]>([
    [floats([1, 2], 1, 2), "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]"],
    [floats([3], 1, 2, 3), "Input batch size did not match output batch size: 2 vs. 3"],
    [{ dtype: "int32", shape: [2], data: new Int32Array(2) }, "Expected output Tensor of DT_FLOAT.  Got: DT_INT32"],
  ])("refuses other outputs", async (outputs, message) => {
    const { inference } = await inferenceOn({ serving_default: signature }, { outputs });
    await expect(inference.regress(call(2), context)).rejects.toThrow(message);
  });
});

describe("multi-inference", () => {
  const signatures = { c: signatureOf({ classes: "string" }), r: signatureOf({ outputs: "float32" }) };
  const answer = { classes: stringTensor([1, 1], ["cat"]), outputs: floats([1], 4) };
  const task = (signatureName: string, method: string, name = "m") => ({
    spec: { name, signatureName },
    methodName: `tensorflow/serving/${method}`,
  });

  test("answers tasks in their order", async () => {
    const { inference } = await inferenceOn(signatures, answer);
    const [regressed, classified] = (await inference.multiInference(
      [task("r", "regress"), task("c", "classify")],
      call(1).examples,
      context,
    )) as [InferenceOutcome & { kind: "regress" }, InferenceOutcome & { kind: "classify" }];
    expect(regressed.values[0]).toBe(4);
    expect(stringAt({ length: 1, offsets: Uint32Array.of(0, 3), bytes: classified.rows[0][0].label }, 0)).toBe("cat");
    expect(classified.resolved.signatureName).toBe("c");
  });

  test.each([
    [[], "invalid-argument", "ModelSpec has no name specified."],
    [[task("c", "classify"), task("r", "regress", "")], "invalid-argument", "Found ModelSpec with an empty model name."],
    [
      [task("c", "classify"), task("r", "regress", "n")],
      "invalid-argument",
      "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    ],
    [[task("c", "classify"), task("c", "classify")], "invalid-argument", "Duplicate evaluation of signature: c"],
    [[task("q", "classify")], "invalid-argument", "Requested signature not found in model graph: q"],
    [[task("c", "predict")], "unimplemented", "Unsupported signature method_name: tensorflow/serving/predict"],
  ])("refuses %j", async (tasks, code, message) => {
    const { inference } = await inferenceOn(signatures, answer);
    await expect(inference.multiInference(tasks, call(1).examples, context)).rejects.toMatchObject({ code, message });
  });
});

describe("multi-inference on an engine that runs signatures together", () => {
  const signatures = {
    c: signatureOf({ scores: "float32" }),
    r: signatureOf({ outputs: "float32" }),
    q: signatureOf({ y: "float32" }, "x"),
  };
  const answer = { scores: floats([2, 1], 0.5, 1), outputs: floats([2], 4, 5) };
  const tasksOf = (...names: ("c" | "r")[]) =>
    names.map((name) => ({
      spec: { name: "m", signatureName: name },
      methodName: `tensorflow/serving/${name === "c" ? "classify" : "regress"}`,
    }));

  /** A model that says what it was asked. */
  async function togetherOn(runTogether: NonNullable<Servable["runTogether"]>) {
    const asked: string[] = [];
    const servable: Servable = {
      runtime: "tensorflow",
      signatures: new Map(Object.entries(signatures)),
      run: (name, _inputs, wanted) => {
        asked.push(name);
        return new Map(wanted.map((alias) => [alias, answer[alias as keyof typeof answer]]));
      },
      runTogether: (tasks, inputs, given) => {
        expect([...inputs.keys()]).toEqual(["inputs"]);
        expect(given).toBe(context);
        asked.push(tasks.map(({ signature, wanted }) => `${signature}:${wanted.join()}`).join(" "));
        return runTogether(tasks, inputs, given);
      },
      detach() {},
    };
    const table = new ServingTable();
    await table.servables.publish({ name: "m", version: 3n }, servable);
    const catalog = new MetricsCatalog(METRICS);
    const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
    const counted = () =>
      catalog.render("prometheus").match(/(?<=^modelport_signature_requests_total\{model_name="m",).*$/gm) ?? [];
    return { inference: new Inference(table, new RequestMetrics(shard)), table, asked, counted };
  }
  const outputsOf: NonNullable<Servable["runTogether"]> = (tasks) =>
    tasks.map(({ wanted }) => new Map(wanted.map((alias) => [alias, answer[alias as keyof typeof answer]])));

  test("is one run, whose answers are in the order of the tasks and counted for each signature", async () => {
    const { inference, asked, counted } = await togetherOn(async (...given) => await outputsOf(...given));
    const outcomes = await inference.multiInference(tasksOf("r", "c"), call(2).examples, context);
    expect(asked).toEqual(["r:outputs c:scores"]);
    expect(outcomes.map(({ kind, resolved }) => [kind, resolved.signatureName, resolved.version])).toEqual([
      ["regress", "r", 3n],
      ["classify", "c", 3n],
    ]);
    expect(outcomes[0]).toMatchObject({ values: Float32Array.of(4, 5) });
    expect(counted()).toEqual([
      'signature_name="c",method="multi_inference",status="OK"} 1',
      'signature_name="r",method="multi_inference",status="OK"} 1',
    ]);
  });

  test("of one task is a run of its signature, which can be batched", async () => {
    const { inference, asked } = await togetherOn(outputsOf);
    await inference.multiInference(tasksOf("r"), call(2).examples, context);
    expect(asked).toEqual(["r"]);
  });

  test.each([
    ["at once", () => outputsOf([{ signature: "r", wanted: ["outputs"] }], new Map())],
    ["later", () => Promise.reject(new ServingError("internal", "broken"))],
  ])("that fails %s fails the call, and gives the version back", async (_, run) => {
    const { inference, table, counted } = await togetherOn(run);
    await expect(inference.multiInference(tasksOf("r", "c"), call(2).examples, context)).rejects.toThrow();
    expect(counted().length).toBeGreaterThan(0);
    await expect(table.servables.retire({ name: "m", version: 3n })).resolves.toBeUndefined();
  });

  test.each([
    ["a task that has not the form of its kind, before it is seen that there are no examples", "q", 0, /^No regression inputs/],
    ["no examples", "c", 0, "Input is empty."],
  ])("refuses %s, and runs nothing", async (_, name, count, message) => {
    const { inference, asked } = await togetherOn(outputsOf);
    const other = {
      spec: { name: "m", signatureName: name },
      methodName: `tensorflow/serving/${name === "q" ? "regress" : "classify"}`,
    };
    await expect(inference.multiInference([...tasksOf("r"), other], call(count).examples, context)).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });
});

describe("a signature that the call does not fit", () => {
  const named = (signature: Signature, methodName: string, uncallable?: string): Signature => ({
    ...signature,
    methodName,
    ...(uncallable !== undefined && { uncallable }),
  });
  const both = { scores: "float32", outputs: "float32" } as const;
  const answer = { scores: floats([1, 1], 1), outputs: floats([1], 1) };
  const kinds = ["predict", "classify", "regress", "multi-inference classify", "multi-inference regress"] as const;

  async function outcome(kind: (typeof kinds)[number], signature: Signature, signatureMethodNameCheck: boolean): Promise<string> {
    const { table } = await inferenceOn({ serving_default: signature }, answer);
    const inference = new Inference(table, new RequestMetrics(new MetricsShard(() => {})), { signatureMethodNameCheck });
    const shell = {
      unknownSignature: () => new ServingError("not-found", "signature"),
      readInputs: () => {
        if (signature.uncallable !== undefined) throw new Error("inputs were read");
        return new Map();
      },
      outputFilter: [],
      write: () => "answer",
    };
    const spec = { name: "m", signatureName: "" };
    const multi = (method: string) =>
      inference.multiInference([{ spec, methodName: `tensorflow/serving/${method}` }], call(1).examples, context);
    try {
      if (kind === "predict") await inference.predict(spec, shell, context);
      else if (kind === "classify") await inference.classify(call(1), context);
      else if (kind === "regress") await inference.regress(call(1), context);
      else await multi(kind.split(" ")[1]!);
      return "ok";
    } catch (reason) {
      const { code, message } = ServingError.from(reason);
      return `${code}: ${message}`;
    }
  }

  const form = (kind: string) => signatureOf(kind.endsWith("classify") ? { scores: both.scores } : { outputs: both.outputs });
  const PREDICT = "tensorflow/serving/predict";
  const CLASSIFY = "tensorflow/serving/classify";
  const REGRESS = "tensorflow/serving/regress";
  const noPredict = (was: string) =>
    `internal: Expected prediction signature method_name to be one of {${PREDICT}, ${CLASSIFY}, ${REGRESS}}. Was: ${was}`;
  const noClassify = (was: string) =>
    `invalid-argument: Expected classification signature method_name to be ${CLASSIFY}. Was: ${was}`;
  const noRegress = (was: string) => `invalid-argument: Expected regression signature method_name to be ${REGRESS}. Was: ${was}`;

  test.each<[string, readonly string[]]>([
    [PREDICT, ["ok", noClassify(PREDICT), noRegress(PREDICT), noClassify(PREDICT), noRegress(PREDICT)]],
    [CLASSIFY, ["ok", "ok", noRegress(CLASSIFY), "ok", noRegress(CLASSIFY)]],
    [REGRESS, ["ok", noClassify(REGRESS), "ok", noClassify(REGRESS), "ok"]],
    ["", [noPredict(""), noClassify(""), noRegress(""), noClassify(""), noRegress("")]],
    [
      "own/method",
      [
        noPredict("own/method"),
        noClassify("own/method"),
        noRegress("own/method"),
        noClassify("own/method"),
        noRegress("own/method"),
      ],
    ],
  ])("by its method name %j is refused only where that is checked", async (methodName, expected) => {
    const outcomes = (check: boolean) => Promise.all(kinds.map((kind) => outcome(kind, named(form(kind), methodName), check)));
    expect(await outcomes(true)).toEqual(expected);
    expect(await outcomes(false)).toEqual(kinds.map(() => "ok"));
  });

  test.each(kinds)("because it cannot be called is refused before its inputs are read: %s", async (kind) => {
    const signature = named(form(kind), PREDICT, 'input "x" is a sparse tensor');
    expect(await outcome(kind, signature, false)).toBe(
      'invalid-argument: signature "serving_default" cannot be called: input "x" is a sparse tensor',
    );
  });
});

test("a version is given back after an answer, an error and a rejection", async () => {
  const signature = signatureOf({ outputs: "float32" });
  const { inference, table } = await inferenceOn({ serving_default: signature }, { outputs: floats([1], 1) });
  await inference.regress(call(1), context);
  await expect(inference.regress(call(2), context)).rejects.toThrow();
  await expect(inference.regress(call(1, "q"), context)).rejects.toThrow();
  await expect(table.servables.retire({ name: "m", version: 3n })).resolves.toBeUndefined();
});

describe("a model for which too many runs wait", () => {
  const refused = new RefusedError("queue_delay", "too many");
  const signatures = new Map([["serving_default", signatureOf({ outputs: "float32" })]]);
  const servableWith = (parts: Partial<Servable>): Servable => ({
    runtime: "onnxruntime",
    signatures,
    run: () => new Map(),
    detach() {},
    ...parts,
  });
  const full = {
    admit() {
      throw refused;
    },
  };

  async function inferenceOf(servable: Servable, queue?: RunQueue) {
    const table = new ServingTable();
    await table.servables.publish({ name: "m", version: 1n }, servable);
    const counted: string[] = [];
    const metrics = new RequestMetrics(new MetricsShard(() => {}));
    metrics.refused = (model, reason) => void counted.push(`${model} ${reason}`);
    return { inference: new Inference(table, metrics, queue && { queue }), table, counted };
  }

  test("refuses a large body before it is read, a small one is read first, and another model's is none of its business", async () => {
    const { inference, counted } = await inferenceOf(servableWith(full));
    expect(() => inference.admit("m", 1_000_000)).toThrow(refused);
    inference.admit("m", 1000);
    inference.admit("another", 1_000_000);
    expect(counted).toEqual(["m queue_delay"]);
  });

  test("refuses before the inputs are read, and gives the version back", async () => {
    const { inference, table, counted } = await inferenceOf(servableWith(full));
    const shell = {
      unknownSignature: () => new ServingError("not-found", "signature"),
      readInputs: () => {
        throw new Error("inputs were read");
      },
      outputFilter: [],
      write: () => "answer",
    };
    expect(() => inference.predict({ name: "m", signatureName: "" }, shell, context)).toThrow(refused);
    expect(counted).toEqual(["m queue_delay"]);
    await table.servables.retire({ name: "m", version: 1n });
  });

  test("counts a run that is refused after it has waited for a late thread once", async () => {
    const turns: (() => void)[] = [];
    const queue = new RunQueue({ maxDelayMs: 0, alwaysWaiting: 0 }, (action) => turns.push(action));
    const { inference, counted } = await inferenceOf(servableWith({ run: () => Promise.reject(refused) }), queue);
    queue.ran(5);
    const answer = inference.regress(call(1), context);
    answer.catch(() => undefined);
    await Promise.resolve();
    for (const turn of turns.splice(0)) turn();
    await expect(answer).rejects.toBe(refused);
    expect(counted).toEqual(["m queue_delay"]);
  });

  test("counts a run that is refused at once, when nothing was asked before it", async () => {
    const run = (): never => {
      throw refused;
    };
    const { inference, counted } = await inferenceOf(servableWith({ run }));
    await expect(inference.regress(call(1), context)).rejects.toBe(refused);
    expect(counted).toEqual(["m queue_delay"]);
  });

  test("counts a run that is refused later once", async () => {
    const { inference, counted } = await inferenceOf(servableWith({ run: () => Promise.reject(refused) }));
    await expect(inference.regress(call(1), context)).rejects.toBe(refused);
    expect(counted).toEqual(["m queue_delay"]);
  });
});

test("calls are counted by signature and method once they have reached one, and never by a name that the model does not have", async () => {
  const catalog = new MetricsCatalog(METRICS);
  const shard = new MetricsShard((announcement) => catalog.accept(0, announcement));
  const signature = signatureOf({ outputs: "float32" });
  const { table } = await inferenceOn({ serving_default: signature, other: signature }, { outputs: floats([1], 1) });
  const inference = new Inference(table, new RequestMetrics(shard));
  await inference.regress(call(1), context);
  await expect(inference.regress(call(2), context)).rejects.toThrow();
  await expect(inference.regress(call(1, "q"), context)).rejects.toThrow();
  const task = { spec: { name: "m", signatureName: "other" }, methodName: "tensorflow/serving/regress" };
  await inference.multiInference([task], call(1).examples, context);

  const counted = catalog.render("prometheus").match(/(?<=^modelport_signature_requests_total\{model_name="m",).*$/gm);
  expect(counted).toEqual([
    'signature_name="other",method="multi_inference",status="OK"} 1',
    'signature_name="serving_default",method="regress",status="INVALID_ARGUMENT"} 1',
    'signature_name="serving_default",method="regress",status="OK"} 1',
  ]);
});
