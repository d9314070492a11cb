import { setMaxListeners } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { createTfsRestHandler } from "../api/tfs-rest/tfs-rest-handler.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { Servable } from "../model/servable.ts";
import { Inference } from "../serving/inference.ts";
import { RequestMetrics } from "../serving/request-metrics.ts";
import { ServingTable } from "../serving/serving-table.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { MISSING_TEXT } from "../tensor/string-array.ts";
import { type NamedTensors, stringTensor, type Tensor } from "../tensor/tensor.ts";
import { BodyCollector } from "../transport/http1/body-collector.ts";
import type { JsonThreadHandlers, StartJsonThread } from "./json-thread-link.ts";
import { JsonThreads } from "./json-threads.ts";
import { answerJson, JsonWork, requestMemory, type ToJsonThread } from "./json-work.ts";

const silent = { debugging: false, debug() {}, info() {}, warn() {}, error() {} };

/** Threads that work on the test's own, on what was cloned or moved as between threads; each message when the test says so. */
class FakeThreads {
  started = 0;
  ended = 0;
  /** Whether messages are worked on as they come. */
  running = true;
  readonly #work: (() => void)[] = [];
  #handlers: JsonThreadHandlers | undefined;

  readonly start: StartJsonThread = (handlers) => {
    this.started++;
    this.#handlers = handlers;
    const work = new JsonWork();
    return {
      post: (message) => {
        const memory = message.kind === "request" ? requestMemory(message.body) : [];
        const received = structuredClone<ToJsonThread>(message, { transfer: memory as ArrayBuffer[] });
        this.#work.push(() => this.#perform(work, received, handlers));
        if (this.running) setImmediate(() => this.step());
      },
      end: () => {
        this.ended++;
        handlers.ended("ended");
      },
    };
  };

  /** Works on the next message. */
  step(): void {
    this.#work.shift()?.();
  }

  /** The thread dies, with all it was asked. */
  die(): void {
    this.#work.length = 0;
    this.#handlers?.ended(new Error("died"));
  }

  #perform(work: JsonWork, message: ToJsonThread, handlers: JsonThreadHandlers): void {
    answerJson(
      work,
      message,
      (answer, memory) => handlers.answered(structuredClone(answer, { transfer: memory as ArrayBuffer[] })),
      () => undefined,
    );
  }
}

const never = new AbortController().signal;
setMaxListeners(0, never);
const body = (text: string): Uint8Array => new TextEncoder().encode(text);
const INFO: TensorInfo[] = [{ alias: "x", name: "x", dtype: "float32", shape: [-1] }];

function setUp() {
  const threads = new FakeThreads();
  const clock = new FakeClock();
  const json = new JsonThreads({ start: threads.start, clock, log: silent });
  return { threads, clock, json };
}

describe("JSON threads", () => {
  test("one is started for the first body, serves those after it, and ends when there have been none for a while", async () => {
    const { threads, clock, json } = setUp();
    expect(threads.started).toBe(0);
    for (let round = 0; round < 3; round++) {
      const opened = await json.open(body('{"signature_name": "s", "instances": [1, 2]}'), never);
      expect(opened.signatureName).toBe("s");
      const { format, tensors } = await opened.readInputs(INFO);
      expect([format, tensors.get("x")]).toEqual(["row", { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) }]);
      opened.close();
      await settle();
    }
    expect([threads.started, threads.ended]).toEqual([1, 0]);
    await clock.advance(20_000);
    expect(threads.ended).toBe(1);
    (await json.open(body('{"instances": [1]}'), never)).close();
    expect(threads.started).toBe(2);
  });

  test("bodies have their turn one after the other, in order", async () => {
    const { json } = setUp();
    const first = await json.open(body('{"signature_name": "a"}'), never);
    const order: string[] = [];
    const others = ["b", "c"].map(async (name) => {
      const opened = await json.open(body(`{"signature_name": "${name}"}`), never);
      order.push(opened.signatureName);
      opened.close();
    });
    await settle();
    expect(order).toEqual([]);
    first.close();
    first.close();
    await Promise.all(others);
    expect(order).toEqual(["b", "c"]);
  });

  test("a body that was gathered is moved, one that shares its memory is copied", async () => {
    const { json } = setUp();
    const text = body(`{"instances": [1]}${" ".repeat(1 << 20)}`);
    const collector = new BodyCollector(text.length);
    collector.append(text, 0, text.length);
    const gathered = collector.take();
    (await json.open(gathered, never)).close();
    (await json.open(text, never)).close();
    expect([gathered.length, text.length]).toEqual([0, 18 + (1 << 20)]);
  });

  test("what the codec refuses is refused with its code and text, and the next body has its turn", async () => {
    const { json } = setUp();
    await expect(json.open(body("[1"), never)).rejects.toThrow(
      "JSON Parse error: Missing a comma or ] after an array element. at offset: 2",
    );
    const opened = await json.open(body('{"instances": ["a"]}'), never);
    const refused = opened.readInputs(INFO);
    await expect(refused).rejects.toBeInstanceOf(ServingError);
    await expect(refused).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("not of expected type"),
    });
    opened.close();
    await expect(json.open(body("{}"), never)).resolves.toMatchObject({ signatureName: "" });
  });

  test("death fails what the thread was doing with UNAVAILABLE; what waits is done by the next", async () => {
    const { threads, json } = setUp();
    threads.running = false;
    const lost = json.open(body("{}"), never);
    const waits = json.open(body('{"signature_name": "later"}'), never);
    await settle();
    threads.running = true;
    threads.die();
    await expect(lost).rejects.toMatchObject({ code: "unavailable" });
    const opened = await waits;
    expect([opened.signatureName, threads.started]).toEqual(["later", 2]);
    threads.die();
    await expect(opened.readInputs(INFO)).rejects.toMatchObject({ code: "unavailable" });
    opened.close();
    await expect(json.open(body("{}"), never)).resolves.toMatchObject({ signatureName: "" });
  });

  test("who leaves is told at once; its place is free, or is when the thread has done what it was at", async () => {
    const { threads, json } = setUp();
    threads.running = false;
    const [busy, queued] = [new AbortController(), new AbortController()];
    const first = json.open(body("{}"), busy.signal);
    const second = json.open(body("{}"), queued.signal);
    const third = json.open(body('{"signature_name": "third"}'), never);
    await settle();
    const gone = new ServingError("cancelled", "the client closed the connection");
    queued.abort(gone);
    busy.abort(gone);
    await expect(first).rejects.toBe(gone);
    await expect(second).rejects.toBe(gone);
    await expect(json.open(body("{}"), busy.signal)).rejects.toBe(gone);
    threads.running = true;
    threads.step();
    expect((await third).signatureName).toBe("third");
  });

  test("no more than 64 bodies wait", async () => {
    const { json } = setUp();
    const first = await json.open(body("{}"), never);
    const waiting = Array.from({ length: 64 }, () => json.open(body("{}"), never));
    await settle();
    await expect(json.open(body("{}"), never)).rejects.toMatchObject({ code: "unavailable" });
    first.close();
    for (const next of waiting) (await next).close();
  });

  test("after the end nothing is done any more, and all who wait are told", async () => {
    const { threads, json } = setUp();
    threads.running = false;
    const asked = [json.open(body("{}"), never), json.open(body("{}"), never)];
    await settle();
    json.close();
    asked.push(json.open(body("{}"), never));
    for (const refused of asked) await expect(refused).rejects.toMatchObject({ code: "unavailable" });
    expect(threads.ended).toBe(1);
  });

  test("an answer is written as it would be here, and its tensors stay the caller's", async () => {
    const { json } = setUp();
    const values = Float32Array.of(1.5, -2);
    const outputs: NamedTensors = new Map<string, Tensor>([
      ["y", { dtype: "float32", shape: [2], data: values }],
      ["z", stringTensor([2], ["a", "b"])],
    ]);
    const text = new TextDecoder().decode(await json.write("row", outputs, never));
    expect(JSON.parse(text)).toEqual({
      predictions: [
        { y: 1.5, z: "a" },
        { y: -2, z: "b" },
      ],
    });
    expect(values).toEqual(Float32Array.of(1.5, -2));
    await expect(json.write("row", new Map(), never)).rejects.toThrow("Cannot convert empty tensor map to JSON");
  });

  test("missing texts are null where the signature has them, and what they are elsewhere", async () => {
    const { json } = setUp();
    const outputs: NamedTensors = new Map<string, Tensor>([["z", stringTensor([2], ["a", MISSING_TEXT])]]);
    const written = async (missing: boolean) =>
      JSON.parse(new TextDecoder().decode(await json.write("row", outputs, never, missing)));
    expect(await written(true)).toEqual({ predictions: ["a", null] });
    expect(await written(false)).toEqual({ predictions: ["a", "\ufffd"] });
  });
});

describe("a large body is answered as a small one", () => {
  const CLASSIFY: Signature = {
    inputs: [{ alias: "inputs", name: "inputs", dtype: "string", shape: [-1] }],
    outputs: [{ alias: "scores", name: "scores", dtype: "float32", shape: [-1, 1] }],
    methodName: "tensorflow/serving/classify",
  };
  const PREDICT: Signature = { inputs: INFO, outputs: [{ ...INFO[0], alias: "y" }], methodName: "tensorflow/serving/predict" };
  const TABLE: Signature = {
    inputs: [
      { alias: "age", name: "age", dtype: "float64", shape: [-1], nullable: true },
      { alias: "city", name: "city", dtype: "string", shape: [-1], nullable: true },
    ],
    outputs: [{ alias: "city", name: "city", dtype: "string", shape: [-1], nullable: true }],
    methodName: "tensorflow/serving/predict",
    rowwise: true,
  };
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** Answers by a server that hands large bodies on, or by one that does not. */
  async function handler(handsOn: boolean, timeoutMs = 30_000) {
    const { threads, clock, json } = setUp();
    closers.push(() => json.close());
    const servable: Servable = {
      runtime: "onnxruntime",
      signatures: new Map([
        ["serving_default", PREDICT],
        ["classify", CLASSIFY],
        ["table", TABLE],
      ]),
      run: (signature, inputs): NamedTensors => {
        if (signature === "table") return new Map([["city", inputs.get("city")!]]);
        const [tensor] = inputs.values();
        const count = tensor!.shape[0]!;
        return signature === "classify"
          ? new Map([["scores", { dtype: "float32", shape: [count, 1], data: new Float32Array(count).fill(0.5) }]])
          : new Map([["y", tensor!]]);
      },
      detach() {},
    };
    const table = new ServingTable();
    await table.servables.publish({ name: "m", version: 1n }, servable);
    const metrics = new RequestMetrics(new MetricsShard(() => {}));
    const faults: unknown[] = [];
    const handle = createTfsRestHandler({
      table,
      inference: new Inference(table, metrics),
      metrics,
      timeoutMs,
      clock,
      reportFault: (reason) => void faults.push(reason),
      ...(handsOn && { json }),
    });
    const ask = async (target: string, text: string, signal = never) => {
      const answer = await handle({ method: "POST", target, header: () => undefined, body: body(text), signal });
      return { status: answer.status, text: Buffer.from(answer.body as Uint8Array).toString() };
    };
    return { ask, threads, clock, faults };
  }

  const PAD = " ".repeat(1 << 20);
  const table = (member: string) => `{"signature_name": "table", ${member}${PAD}}`;
  const many = `[${"1.25, ".repeat(200_000)}2]`;

  test.each<[string, string, string]>([
    ["rows", "/v1/models/m:predict", `{"instances": ${many}}`],
    ["columns", "/v1/models/m:predict", `{"inputs": {"x": ${many}}}`],
    ["an empty list", "/v1/models/m:predict", `{"inputs": {"x": []}}${PAD}`],
    ["broken syntax, before an unknown model", "/v1/models/nobody:predict", `{"instances": [1,]${PAD}}`],
    ["a signature name that is none", "/v1/models/nobody:predict", `{"signature_name": 1, "instances": [1]${PAD}}`],
    ["an unknown model, before its inputs", "/v1/models/nobody:predict", `{"instances": ["a"]${PAD}}`],
    ["an unknown signature", "/v1/models/m:predict", `{"signature_name": "other", "instances": ["a"]${PAD}}`],
    ["an element of another type", "/v1/models/m:predict", `{"instances": [1, "a"]${PAD}}`],
    ["no inputs", "/v1/models/m:predict", `{"foo": [1, "a"]${PAD}}`],
    [
      "examples",
      "/v1/models/m:classify",
      `{"signature_name": "classify", "examples": [${'{"a": 1}, '.repeat(150_000)}{"b": "c"}]}`,
    ],
    ["a broken example, before an unknown model", "/v1/models/nobody:regress", `{"examples": [{"a": null}]${PAD}}`],
    ["no examples", "/v1/models/m:classify", `{"signature_name": "classify", "examples": []${PAD}}`],
    ["a signature of another kind", "/v1/models/m:classify", `{"examples": [{"a": 1}]${PAD}}`],
    ["rows that are lists", "/v1/models/m:predict", table(`"instances": [[1, "a"], [null, null], [2, 3]]`)],
    ["rows that lack a value", "/v1/models/m:predict", table(`"instances": [${"{}, ".repeat(70_000)}{"city": "a"}]`)],
    ["columns with what is missing", "/v1/models/m:predict", table('"inputs": {"city": ["a", null]}')],
    ["an unknown column", "/v1/models/m:predict", table('"instances": [{"town": "a"}]')],
  ])("%s", async (_, target, text) => {
    const [here, there] = [await handler(false), await handler(true)];
    expect(await there.ask(target, text)).toEqual(await here.ask(target, text));
    expect([here.threads.started, there.threads.started, there.faults]).toEqual([0, 1, []]);
  });

  test("small ones with small answers are not handed on, large answers are", async () => {
    const { ask, threads } = await handler(true);
    await ask("/v1/models/m:predict", `{"instances": [${"1,".repeat(1000)}1]}`);
    expect(threads.started).toBe(0);
    await ask("/v1/models/m:predict", `{"instances": [${"1,".repeat(140_000)}1]}`);
    expect(threads.started).toBe(1);
  });

  test("the time limit and a caller that leaves hold while it waits", async () => {
    const { ask, threads, clock } = await handler(true, 5000);
    threads.running = false;
    const late = ask("/v1/models/m:predict", `{"instances": ${many}}`);
    const caller = new AbortController();
    const left = ask("/v1/models/m:predict", `{"instances": ${many}}`, caller.signal);
    await settle();
    caller.abort(new ServingError("cancelled", "the client closed the connection"));
    expect((await left).status).toBe(499);
    await clock.advance(5000);
    expect(await late).toEqual({ status: 504, text: expect.stringContaining("within 5000 ms") });
  });
});
