import { ServingError } from "../base/serving-error.ts";
import type { DeclaredInput, DeclaredSignature, ProcessingStep, VocabularySource } from "../model/processing.ts";
import { PREDICT_METHOD, type Signature, type TensorInfo } from "../tensor/signature.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { constantMaker } from "./constant.ts";
import { type ListedStep, listed, planSteps } from "./step-list.ts";
import { canBe, describeInfo, knownShape, type ValueInfo } from "./value-info.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** One signature that callers see, checked, and how it is run. */
export interface SignaturePlan {
  /** What callers see. */
  readonly signature: Signature;
  /** The engine's signature. */
  readonly inner: string;
  readonly before: readonly ListedStep[];
  readonly after: readonly ListedStep[];
  /** Makers of what is taken for an input that a caller leaves out, for so many rows. */
  readonly defaults: ReadonlyMap<string, (rows: number) => Tensor>;
  /** Aliases of the engine's inputs. */
  readonly engineInputs: readonly string[];
  /** What the engine says its outputs are. */
  readonly engineOutputs: ReadonlyMap<string, ValueInfo>;
}

/**
 * Checks a declared signature against the engine's of the same name, and infers what callers see.
 * @throws ServingError invalid-argument that names the step or the tensor at fault.
 */
export function planSignature(
  declared: DeclaredSignature,
  inner: Signature,
  vocabulary: (source: VocabularySource) => Vocabulary,
): SignaturePlan {
  const engine = new Map(inner.inputs.map((info) => [info.alias, info]));
  const given = givenInputs(declared, engine);
  const optional = new Set(
    [...given].filter(([, info]) => info.optional && !declared.inputs.has(info.alias)).map(([alias]) => alias),
  );
  const target = (alias: string) => engine.get(alias);
  const unreadable = (alias: string) =>
    optional.has(alias) ? `"${alias}" may be left out by callers: give it a default under inputs` : undefined;
  const { steps: before, end } = planSteps(declared.preprocess, given, { side: "preprocess", unreadable, vocabulary, target });
  checkEngineInputs(inner, end);
  checkUsed(declared, engine, before);
  const engineOutputs = new Map(inner.outputs.map((info) => [info.alias, info]));
  const after = planSteps(declared.postprocess, engineOutputs, { side: "postprocess", vocabulary, target: () => undefined });
  const changed = before.length + after.steps.length + declared.inputs.size > 0 || declared.outputs !== undefined;
  const signature: Signature = {
    inputs: [...given.values()],
    outputs: outputsOf(declared, inner, after),
    methodName: changed ? PREDICT_METHOD : inner.methodName,
    ...(!changed && inner.rowwise && { rowwise: true }),
    ...(!changed && inner.definition !== undefined && { definition: inner.definition }),
    ...(inner.uncallable !== undefined && { uncallable: inner.uncallable }),
  };
  return {
    signature,
    inner: declared.from,
    before,
    after: after.steps,
    defaults: defaultsOf(declared, given),
    engineInputs: inner.inputs.map(({ alias }) => alias),
    engineOutputs,
  };
}

/** What callers give: what is declared, and what of the engine's inputs no step makes. */
function givenInputs(
  { inputs, preprocess }: DeclaredSignature,
  engine: ReadonlyMap<string, TensorInfo>,
): Map<string, TensorInfo> {
  const made = madeBeforeRead(preprocess, inputs.size === 0 && engine.size === 1 ? [...engine.keys()][0] : undefined);
  const given = new Map<string, TensorInfo>();
  for (const info of engine.values()) {
    const own = inputs.get(info.alias);
    if (own !== undefined) given.set(info.alias, declaredInput(info.alias, own, info));
    else if (!made.has(info.alias)) given.set(info.alias, info);
  }
  for (const [alias, own] of inputs) if (!engine.has(alias)) given.set(alias, declaredInput(alias, own, undefined));
  return given;
}

/** Aliases that a step makes before any has read them; `only`, what a step reads that names nothing. */
function madeBeforeRead(steps: readonly ProcessingStep[], only: string | undefined): ReadonlySet<string> {
  const made = new Set<string>();
  const read = new Set<string>();
  for (const step of steps) {
    const reads = "inputs" in step ? step.inputs : [("input" in step ? step.input : undefined) ?? only];
    for (const alias of reads) if (alias !== undefined && step.kind !== "constant") read.add(alias);
    for (const alias of madeBy(step)) if (!read.has(alias)) made.add(alias);
  }
  return made;
}

function madeBy(step: ProcessingStep): readonly string[] {
  if (step.kind === "split") return step.outputs;
  if (step.kind === "top_k") {
    const { values = "values", indices = "indices", labels = "labels", vocabulary } = step;
    return vocabulary === undefined ? [values, indices] : [values, indices, labels];
  }
  const { output } = step;
  return output === undefined ? [] : [output];
}

function declaredInput(alias: string, own: DeclaredInput, engine: TensorInfo | undefined): TensorInfo {
  const dtype = own.dtype ?? engine?.dtype;
  const shape = own.shape ?? engine?.shape;
  if (dtype === undefined || (shape === undefined && engine === undefined)) {
    throw invalid(`input "${alias}": the model has no input of this name, so it needs dtype and shape`);
  }
  const names = own.shape === undefined ? engine?.dimensionNames : undefined;
  return {
    alias,
    name: engine !== undefined && own.dtype === undefined && own.shape === undefined ? engine.name : alias,
    dtype,
    shape,
    ...(names && { dimensionNames: names }),
    ...(own.default !== undefined && { optional: true }),
  };
}

function defaultsOf(
  { inputs }: DeclaredSignature,
  given: ReadonlyMap<string, TensorInfo>,
): ReadonlyMap<string, (rows: number) => Tensor> {
  const defaults = new Map<string, (rows: number) => Tensor>();
  for (const [alias, own] of inputs) {
    if (own.default === undefined) continue;
    const info = given.get(alias)!;
    try {
      defaults.set(alias, constantMaker(own.default, info.dtype, knownShape(info)));
    } catch (reason) {
      const { code, message } = ServingError.from(reason);
      throw new ServingError(code, `default of input "${alias}": ${message}`, { cause: reason });
    }
  }
  return defaults;
}

/** Every input of the engine must be made or given, as what the engine takes. */
function checkEngineInputs({ inputs }: Signature, end: ReadonlyMap<string, ValueInfo>): void {
  for (const info of inputs) {
    const made = end.get(info.alias);
    if (made === undefined) {
      if (info.optional) continue;
      throw invalid(`the model's input "${info.alias}" is missing after preprocess (there are: ${listed(end.keys())})`);
    }
    if (made.dtype === info.dtype && canBe(made.shape, info.shape)) continue;
    throw invalid(`the model's input "${info.alias}" is ${describeInfo(info)}, and preprocess makes ${describeInfo(made)} of it`);
  }
}

/** What callers have to give should be used. */
function checkUsed({ inputs }: DeclaredSignature, engine: ReadonlyMap<string, TensorInfo>, steps: readonly ListedStep[]): void {
  const read = new Set(steps.flatMap(({ reads }) => reads));
  for (const alias of inputs.keys()) {
    if (!engine.has(alias) && !read.has(alias)) throw invalid(`input "${alias}" is used by no step and not by the model`);
  }
}

function outputsOf(
  { outputs }: DeclaredSignature,
  inner: Signature,
  { steps, end }: { readonly steps: readonly ListedStep[]; readonly end: ReadonlyMap<string, ValueInfo> },
): readonly TensorInfo[] {
  const names = outputs ?? [...end.keys()];
  if (new Set(names).size < names.length) throw invalid("outputs lists a tensor twice");
  if (names.length === 0) throw invalid("nothing is left to answer");
  const touched = new Set(steps.flatMap(({ makes }) => makes.map(([alias]) => alias)));
  return names.map((alias): TensorInfo => {
    const info = end.get(alias);
    if (info === undefined) throw invalid(`outputs: there is no tensor "${alias}" (there are: ${listed(end.keys())})`);
    const engine = touched.has(alias) ? undefined : inner.outputs.find((each) => each.alias === alias);
    return engine ?? { alias, name: alias, ...info };
  });
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
