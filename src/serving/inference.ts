import { performance } from "node:perf_hooks";
import { NO_RUN_LIMITS, RefusedError } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import { DEFAULT_SIGNATURE, type Signature } from "../tensor/signature.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { type ClassScore, classifications, classifyOutputs, exampleTensor } from "./classify.ts";
import { wantedOutputs } from "./predict.ts";
import { regressions, regressOutputs } from "./regress.ts";
import type { RequestLog } from "./request-log.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import { RunQueue } from "./run-queue.ts";
import type { ServingTable } from "./serving-table.ts";
import { withServable } from "./with-servable.ts";

/** What a request was resolved to; goes back in the answer. */
export interface ResolvedSpec {
  readonly name: string;
  readonly version: bigint;
  readonly signatureName: string;
}

/** How one protocol reads and writes a predict call. The steps run in this order, so that errors come in the protocol's order. */
export interface PredictShell<Result> {
  /** The error for a signature the model does not have. */
  unknownSignature(name: string): ServingError;
  /** Decodes and checks the inputs once the signature is known; later where that takes long. */
  readInputs(signature: Signature): NamedTensors | Promise<NamedTensors>;
  /** Output aliases to return; empty for all. */
  readonly outputFilter: readonly string[];
  /** Encodes the answer while the version is still pinned; later where that takes long. */
  write(outputs: NamedTensors, resolved: ResolvedSpec, signature: Signature): Result | Promise<Result>;
}

/** What a classify or regress call takes. */
export interface ExampleCall {
  readonly spec: ModelSpec;
  /** Serialized `tf.Example`s, context already put before each. */
  readonly examples: readonly Uint8Array[] | StringArray;
}

/** One task of a multi-inference call. */
export interface InferenceTask {
  readonly spec: ModelSpec | undefined;
  readonly methodName: string;
}

/** What one task of a multi-inference call gives. */
export type InferenceOutcome =
  | { readonly kind: "classify"; readonly resolved: ResolvedSpec; readonly rows: readonly (readonly ClassScore[])[] }
  | { readonly kind: "regress"; readonly resolved: ResolvedSpec; readonly values: Float32Array };

const CLASSIFY_METHOD = "tensorflow/serving/classify";
const REGRESS_METHOD = "tensorflow/serving/regress";

/** Reading a body from this size on costs more than to ask whether it is worth it. */
const LARGE_BODY_BYTES = 16 * 1024;

/** The inference calls of every protocol, free of any. One per serving thread. */
export class Inference {
  readonly #table: ServingTable;
  readonly #metrics: RequestMetrics;
  readonly #queue: RunQueue;
  #log: RequestLog | undefined;

  constructor(table: ServingTable, metrics: RequestMetrics, queue = new RunQueue(NO_RUN_LIMITS, setImmediate)) {
    this.#table = table;
    this.#metrics = metrics;
    this.#queue = queue;
  }

  /**
   * Asked before a request's body is read, which may take longer than the run itself.
   * @throws RefusedError when too many runs of the model wait already; nothing else is found out here.
   */
  admit(model: string, bodyBytes: number): void {
    if (bodyBytes < LARGE_BODY_BYTES) return;
    const handle = this.#table.servables.acquire(model);
    if (handle === undefined) return;
    try {
      this.#admit(handle.servable, model, undefined);
    } finally {
      handle.release();
    }
  }

  /** Shows every call that goes well to this log from now on; undefined for none. */
  setRequestLog(log: RequestLog | undefined): void {
    this.#log = log;
  }

  /** Runs any signature on named tensors. @throws ServingError as the shell and the servable do. */
  predict<Result>(spec: ModelSpec, shell: PredictShell<Result>, context: RunContext): Result | Promise<Result> {
    return withServable(this.#table, spec, ({ id, servable }) => {
      const name = spec.signatureName || DEFAULT_SIGNATURE;
      const signature = servable.signatures.get(name);
      if (signature === undefined) throw shell.unknownSignature(name);
      const resolved = { name: spec.name, version: id.version, signatureName: name };
      return this.#metrics.onSignature(spec.name, name, "predict", () => {
        this.#admit(servable, spec.name, name);
        const inputs = shell.readInputs(signature);
        return inputs instanceof Promise
          ? inputs.then((ready) => this.#predictOn(servable, signature, ready, spec, resolved, shell, context))
          : this.#predictOn(servable, signature, inputs, spec, resolved, shell, context);
      });
    });
  }

  #predictOn<Result>(
    servable: Servable,
    signature: Signature,
    inputs: NamedTensors,
    spec: ModelSpec,
    resolved: ResolvedSpec,
    shell: PredictShell<Result>,
    context: RunContext,
  ): Result | Promise<Result> {
    const wanted = wantedOutputs(signature, shell.outputFilter);
    const outputs = this.#run(servable, resolved.name, "Predict", resolved.signatureName, inputs, wanted, context);
    if (outputs instanceof Promise) {
      return outputs.then((values) => {
        this.#log?.predict(spec, resolved, shell.outputFilter, inputs, values);
        return shell.write(values, resolved, signature);
      });
    }
    this.#log?.predict(spec, resolved, shell.outputFilter, inputs, outputs);
    return shell.write(outputs, resolved, signature);
  }

  /** Classes and scores of each example. @throws ServingError invalid-argument when the signature is not one that classifies. */
  classify(
    call: ExampleCall,
    context: RunContext,
  ): Promise<{ resolved: ResolvedSpec; rows: readonly (readonly ClassScore[])[] }> {
    return this.#onExamples(call, "Classify", classifyOutputs, classifications, context).then(({ resolved, value }) => {
      this.#log?.classify(call.spec, resolved, call.examples, value);
      return { resolved, rows: value };
    });
  }

  /** One value for each example. @throws ServingError invalid-argument when the signature is not one that regresses. */
  regress(call: ExampleCall, context: RunContext): Promise<{ resolved: ResolvedSpec; values: Float32Array }> {
    return this.#onExamples(call, "Regress", regressOutputs, regressions, context).then(({ resolved, value }) => {
      this.#log?.regress(call.spec, resolved, call.examples, value);
      return { resolved, values: value };
    });
  }

  /**
   * Several classify and regress signatures of one model on the same examples, results in task order.
   * The version is the first task's choice.
   */
  async multiInference(
    tasks: readonly InferenceTask[],
    examples: readonly Uint8Array[],
    context: RunContext,
  ): Promise<readonly InferenceOutcome[]> {
    const first = tasks[0]?.spec;
    if (first === undefined) throw new ServingError("invalid-argument", "ModelSpec has no name specified.");
    return await withServable(this.#table, first, async ({ id, servable }) => {
      const seen = new Set<string>();
      const plans = tasks.map((task) => {
        const name = checkTask(task, first.name, servable, seen);
        return { name, signature: servable.signatures.get(name)!, classify: task.methodName === CLASSIFY_METHOD };
      });
      const inputs = new Map([["inputs", exampleTensor(examples)]]);
      this.#metrics.examples(first.name, examples.length);
      const outcomes: InferenceOutcome[] = [];
      for (const { name, signature, classify } of plans) {
        const wanted = classify ? classifyOutputs(signature) : regressOutputs(signature);
        const outputs = await this.#metrics.onSignature(first.name, name, "multi_inference", () =>
          this.#run(servable, first.name, "MultiInference", name, inputs, wanted, context),
        );
        const resolved = { name: first.name, version: id.version, signatureName: name };
        outcomes.push(
          classify
            ? { kind: "classify", resolved, rows: classifications(outputs, examples.length) }
            : { kind: "regress", resolved, values: regressions(outputs, examples.length) },
        );
      }
      this.#log?.multiInference(tasks, examples, outcomes);
      return outcomes;
    });
  }

  async #onExamples<Value>(
    call: ExampleCall,
    api: "Classify" | "Regress",
    outputsOf: (signature: Signature) => readonly string[],
    read: (outputs: NamedTensors, batch: number) => Value,
    context: RunContext,
  ): Promise<{ resolved: ResolvedSpec; value: Value }> {
    return await withServable(this.#table, call.spec, async ({ id, servable }) => {
      const name = call.spec.signatureName || DEFAULT_SIGNATURE;
      const signature = servable.signatures.get(name);
      if (signature === undefined) throw new ServingError("invalid-argument", `No signature was found with the name: ${name}`);
      return this.#metrics.onSignature(call.spec.name, name, api === "Classify" ? "classify" : "regress", async () => {
        const wanted = outputsOf(signature);
        const inputs = new Map([["inputs", exampleTensor(call.examples)]]);
        const outputs = await this.#run(servable, call.spec.name, api, name, inputs, wanted, context);
        return {
          resolved: { name: call.spec.name, version: id.version, signatureName: name },
          value: read(outputs, call.examples.length),
        };
      });
    });
  }

  #run(
    servable: Servable,
    model: string,
    api: string,
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    if (!this.#queue.late) return this.#runNow(servable, model, api, signature, inputs, wanted, context);
    try {
      this.#queue.check();
    } catch (reason) {
      this.#countRefusal(model, reason);
      throw reason;
    }
    return this.#queue.add(() => this.#runNow(servable, model, api, signature, inputs, wanted, context), context);
  }

  #runNow(
    servable: Servable,
    model: string,
    api: string,
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const start = performance.now();
    let outputs: NamedTensors | Promise<NamedTensors>;
    try {
      outputs = servable.run(signature, inputs, wanted, context);
    } catch (reason) {
      this.#countRefusal(model, reason);
      throw reason;
    }
    if (outputs instanceof Promise) {
      return outputs.then(
        (values) => {
          this.#metrics.ran(model, api, servable.runtime, (performance.now() - start) * 1000);
          return values;
        },
        (reason: unknown) => {
          this.#countRefusal(model, reason);
          throw reason;
        },
      );
    }
    const took = performance.now() - start;
    this.#metrics.ran(model, api, servable.runtime, took * 1000);
    this.#queue.ran(took);
    return outputs;
  }

  #admit(servable: Servable, model: string, signature: string | undefined): void {
    try {
      this.#queue.check();
      servable.admit?.(signature);
    } catch (reason) {
      this.#countRefusal(model, reason);
      throw reason;
    }
  }

  #countRefusal(model: string, reason: unknown): void {
    if (reason instanceof RefusedError) this.#metrics.refused(model, reason.reason);
  }
}

function checkTask(task: InferenceTask, model: string, servable: Servable, seen: Set<string>): string {
  const spec = task.spec;
  if (spec === undefined || spec.name === "")
    throw new ServingError("invalid-argument", "Found ModelSpec with an empty model name.");
  if (spec.name !== model) {
    throw new ServingError("invalid-argument", "All ModelSpecs in a MultiInferenceRequest must access the same model name.");
  }
  const name = spec.signatureName || DEFAULT_SIGNATURE;
  if (seen.has(name)) throw new ServingError("invalid-argument", `Duplicate evaluation of signature: ${name}`);
  seen.add(name);
  if (!servable.signatures.has(name))
    throw new ServingError("invalid-argument", `Requested signature not found in model graph: ${name}`);
  if (task.methodName !== CLASSIFY_METHOD && task.methodName !== REGRESS_METHOD) {
    throw new ServingError("unimplemented", `Unsupported signature method_name: ${task.methodName}`);
  }
  return name;
}
