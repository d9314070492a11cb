import { NO_RUN_LIMITS } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { ServedSpec } from "../codec/model-spec-message.ts";
import type { SessionRunRequest } from "../codec/session-run-message.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import { DEFAULT_SIGNATURE, type Signature } from "../tensor/signature.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import { type CallKind, checkCallable, checkMethodName } from "./check-signature.ts";
import { type ClassScore, classifications, classifyOutputs, exampleTensor } from "./classify.ts";
import { EngineRuns } from "./engine-runs.ts";
import { exampleSignature } from "./example-signature.ts";
import { graphRun } from "./graph-run.ts";
import { type InferenceOutcome, type InferenceTask, type PlannedTask, planTasks, taskOutcome } from "./multi-inference.ts";
import { wantedOutputs } from "./predict.ts";
import { regressions, regressOutputs } from "./regress.ts";
import type { RequestLog } from "./request-log.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import { RunQueue } from "./run-queue.ts";
import type { ServingTable } from "./serving-table.ts";
import { withCountedServable } from "./with-counted-servable.ts";

/** How one protocol reads and writes a predict call. The steps run in this order, so that errors come in the protocol's order. */
export interface PredictShell<Result> {
  /** The error for a signature the model does not have. */
  unknownSignature(name: string): ServingError;
  /** Decodes and checks the inputs once the signature is known; later where that takes long. */
  readInputs(signature: Signature): NamedTensors | Promise<NamedTensors>;
  /** Output aliases to return; empty for all. */
  readonly outputFilter: readonly string[];
  /** Encodes the answer while the version is still pinned; later where that takes long. */
  write(outputs: NamedTensors, resolved: ServedSpec, signature: Signature): Result | Promise<Result>;
}

/** What a classify or regress call takes. */
export interface ExampleCall {
  readonly spec: ModelSpec;
  /** Serialized `tf.Example`s, context already put before each. */
  readonly examples: readonly Uint8Array[] | StringArray;
}

/** How an {@link Inference} goes about its calls. */
export interface InferenceOptions {
  /** Where runs wait while the thread is late. Default: one without limits. */
  readonly queue?: RunQueue;
  /** Whether signatures whose method name does not fit the call are refused, as TensorFlow Serving did of old. Default: false. */
  readonly signatureMethodNameCheck?: boolean;
}

/** Reading a body from this size on costs more than to ask whether it is worth it. */
const LARGE_BODY_BYTES = 16 * 1024;

/** The inference calls of every protocol, free of any. One per serving thread. */
export class Inference {
  readonly #table: ServingTable;
  readonly #metrics: RequestMetrics;
  readonly #runs: EngineRuns;
  readonly #checksMethodNames: boolean;
  #log: RequestLog | undefined;

  constructor(table: ServingTable, metrics: RequestMetrics, options: InferenceOptions = {}) {
    const { queue = new RunQueue(NO_RUN_LIMITS, setImmediate), signatureMethodNameCheck = false } = options;
    this.#table = table;
    this.#metrics = metrics;
    this.#runs = new EngineRuns(metrics, queue);
    this.#checksMethodNames = signatureMethodNameCheck;
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
      this.#runs.admit(handle.servable, model, undefined);
    } catch (reason) {
      this.#table.figures(handle.servable)?.failed();
      throw reason;
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
    return withCountedServable(this.#table, spec, ({ id, servable }) => {
      const name = spec.signatureName || DEFAULT_SIGNATURE;
      const signature = servable.signatures.get(name);
      if (signature === undefined) throw shell.unknownSignature(name);
      const resolved = { name: spec.name, version: id.version, signatureName: name };
      return this.#metrics.onSignature(spec.name, name, "predict", () => {
        this.#check("predict", name, signature);
        this.#runs.admit(servable, spec.name, name);
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
    resolved: ServedSpec,
    shell: PredictShell<Result>,
    context: RunContext,
  ): Result | Promise<Result> {
    const wanted = wantedOutputs(signature, shell.outputFilter);
    const run = () => servable.run(resolved.signatureName, inputs, wanted, context);
    const outputs = this.#runs.run(servable, resolved.name, "Predict", run, context);
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
  classify(call: ExampleCall, context: RunContext): Promise<{ resolved: ServedSpec; rows: readonly (readonly ClassScore[])[] }> {
    return this.#onExamples(call, "Classify", classifyOutputs, classifications, context).then(({ resolved, value }) => {
      this.#log?.classify(call.spec, resolved, call.examples, value);
      return { resolved, rows: value };
    });
  }

  /** One value for each example. @throws ServingError invalid-argument when the signature is not one that regresses. */
  regress(call: ExampleCall, context: RunContext): Promise<{ resolved: ServedSpec; values: Float32Array }> {
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
    return await withCountedServable(this.#table, first, async ({ id, servable }) => {
      const plans = planTasks(tasks, first.name, servable.signatures, (kind, name, signature) =>
        this.#check(kind, name, signature),
      );
      const inputs = new Map([["inputs", exampleTensor(examples)]]);
      this.#metrics.examples(first.name, examples.length);
      const answer = (plan: PlannedTask, outputs: () => Promise<NamedTensors>) =>
        this.#metrics.onSignature(first.name, plan.signature, "multi_inference", async () => {
          const resolved = { name: first.name, version: id.version, signatureName: plan.signature };
          return taskOutcome(plan, resolved, await outputs(), examples.length);
        });
      const outcomes = await this.#runTasks(servable, first.name, plans, inputs, context, answer);
      this.#log?.multiInference(tasks, examples, outcomes);
      return outcomes;
    });
  }

  /** In one run where the engine can, else one after the other; a single task as any other call of its signature, which may be batched. */
  async #runTasks<Outcome>(
    servable: Servable,
    model: string,
    plans: readonly PlannedTask[],
    inputs: NamedTensors,
    context: RunContext,
    answer: (plan: PlannedTask, outputs: () => Promise<NamedTensors>) => Outcome | Promise<Outcome>,
  ): Promise<readonly Outcome[]> {
    const run = async <Outputs>(start: () => Outputs | Promise<Outputs>) =>
      await this.#runs.run(servable, model, "MultiInference", start, context);
    if (servable.runTogether !== undefined && plans.length > 1) {
      // Begins when the time of every task has begun.
      const together = Promise.resolve().then(() => run(() => servable.runTogether!(plans, inputs, context)));
      return await Promise.all(plans.map((plan, index) => answer(plan, async () => (await together)[index]!)));
    }
    const outcomes: Outcome[] = [];
    for (const plan of plans) {
      outcomes.push(await answer(plan, () => run(() => servable.run(plan.signature, inputs, plan.wanted, context))));
    }
    return outcomes;
  }

  /**
   * The tensors that the request fetches, in its order, from the graph itself. The spec's signature counts only where the request's
   * names are aliases. @throws ServingError unimplemented when the model's engine has no such names; as {@link graphRun} and the servable do.
   */
  async sessionRun(
    spec: ModelSpec,
    request: SessionRunRequest,
    context: RunContext,
  ): Promise<{ resolved: ServedSpec; tensors: readonly Tensor[] }> {
    return await withCountedServable(this.#table, spec, async ({ id, servable }) => {
      if (servable.runGraph === undefined) {
        throw new ServingError("unimplemented", `model ${spec.name} is not a TensorFlow graph`);
      }
      const signatureName = request.namesAreAliases ? spec.signatureName || DEFAULT_SIGNATURE : "";
      const { feeds, fetches } = graphRun(request, signatureName, servable.signatures);
      const run = () => servable.runGraph!(feeds, fetches, request.targets, context);
      const tensors = await this.#runs.run(servable, spec.name, "SessionRun", run, context);
      const resolved = { name: spec.name, version: id.version, signatureName };
      this.#log?.sessionRun(request, resolved, tensors);
      return { resolved, tensors };
    });
  }

  async #onExamples<Value>(
    call: ExampleCall,
    api: "Classify" | "Regress",
    outputsOf: (signature: Signature) => readonly string[],
    read: (outputs: NamedTensors, batch: number) => Value,
    context: RunContext,
  ): Promise<{ resolved: ServedSpec; value: Value }> {
    return await withCountedServable(this.#table, call.spec, async ({ id, servable }) => {
      const kind = api === "Classify" ? "classify" : "regress";
      const name = call.spec.signatureName || exampleSignature(kind, servable.signatures);
      const signature = servable.signatures.get(name);
      if (signature === undefined) throw new ServingError("invalid-argument", `No signature was found with the name: ${name}`);
      return this.#metrics.onSignature(call.spec.name, name, kind, async () => {
        this.#check(kind, name, signature);
        const wanted = outputsOf(signature);
        const inputs = new Map([["inputs", exampleTensor(call.examples)]]);
        const run = () => servable.run(name, inputs, wanted, context);
        const outputs = await this.#runs.run(servable, call.spec.name, api, run, context);
        return {
          resolved: { name: call.spec.name, version: id.version, signatureName: name },
          value: read(outputs, call.examples.length),
        };
      });
    });
  }

  /** @throws ServingError when no such call can be made to the signature. */
  #check(kind: CallKind, name: string, signature: Signature): void {
    checkCallable(name, signature);
    if (this.#checksMethodNames) checkMethodName(kind, signature);
  }
}
