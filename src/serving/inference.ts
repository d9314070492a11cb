import { ServingError } from "../base/serving-error.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import { DEFAULT_SIGNATURE, type Signature } from "../tensor/signature.ts";
import type { StringArray } from "../tensor/string-array.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { type ClassScore, classifications, classifyOutputs, exampleTensor } from "./classify.ts";
import { timedRun, wantedOutputs } from "./predict.ts";
import { regressions, regressOutputs } from "./regress.ts";
import type { RequestMetrics } from "./request-metrics.ts";
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

/** The inference calls of every protocol, free of any. One per serving thread. */
export class Inference {
  readonly #table: ServingTable;
  readonly #metrics: RequestMetrics;

  constructor(table: ServingTable, metrics: RequestMetrics) {
    this.#table = table;
    this.#metrics = metrics;
  }

  /** Runs any signature on named tensors. @throws ServingError as the shell and the servable do. */
  predict<Result>(spec: ModelSpec, shell: PredictShell<Result>, context: RunContext): Result | Promise<Result> {
    return withServable(this.#table, spec, ({ id, servable }) => {
      const name = spec.signatureName || DEFAULT_SIGNATURE;
      const signature = servable.signatures.get(name);
      if (signature === undefined) throw shell.unknownSignature(name);
      const resolved = { name: spec.name, version: id.version, signatureName: name };
      const inputs = shell.readInputs(signature);
      return inputs instanceof Promise
        ? inputs.then((ready) => this.#predictOn(servable, signature, ready, resolved, shell, context))
        : this.#predictOn(servable, signature, inputs, resolved, shell, context);
    });
  }

  #predictOn<Result>(
    servable: Servable,
    signature: Signature,
    inputs: NamedTensors,
    resolved: ResolvedSpec,
    shell: PredictShell<Result>,
    context: RunContext,
  ): Result | Promise<Result> {
    const wanted = wantedOutputs(signature, shell.outputFilter);
    const outputs = this.#run(servable, resolved.name, "Predict", resolved.signatureName, inputs, wanted, context);
    return outputs instanceof Promise
      ? outputs.then((values) => shell.write(values, resolved, signature))
      : shell.write(outputs, resolved, signature);
  }

  /** Classes and scores of each example. @throws ServingError invalid-argument when the signature is not one that classifies. */
  classify(
    call: ExampleCall,
    context: RunContext,
  ): Promise<{ resolved: ResolvedSpec; rows: readonly (readonly ClassScore[])[] }> {
    return this.#onExamples(call, "Classify", classifyOutputs, classifications, context).then(({ resolved, value }) => ({
      resolved,
      rows: value,
    }));
  }

  /** One value for each example. @throws ServingError invalid-argument when the signature is not one that regresses. */
  regress(call: ExampleCall, context: RunContext): Promise<{ resolved: ResolvedSpec; values: Float32Array }> {
    return this.#onExamples(call, "Regress", regressOutputs, regressions, context).then(({ resolved, value }) => ({
      resolved,
      values: value,
    }));
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
        const outputs = await this.#run(servable, first.name, "MultiInference", name, inputs, wanted, context);
        const resolved = { name: first.name, version: id.version, signatureName: name };
        outcomes.push(
          classify
            ? { kind: "classify", resolved, rows: classifications(outputs, examples.length) }
            : { kind: "regress", resolved, values: regressions(outputs, examples.length) },
        );
      }
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
      const wanted = outputsOf(signature);
      const inputs = new Map([["inputs", exampleTensor(call.examples)]]);
      const outputs = await this.#run(servable, call.spec.name, api, name, inputs, wanted, context);
      return {
        resolved: { name: call.spec.name, version: id.version, signatureName: name },
        value: read(outputs, call.examples.length),
      };
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
    return timedRun(servable, signature, inputs, wanted, context, (microseconds) =>
      this.#metrics.ran(model, api, servable.runtime, microseconds),
    );
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
