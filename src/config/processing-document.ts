import { ServingError } from "../base/serving-error.ts";
import {
  type DeclaredInput,
  type DeclaredProcessing,
  type DeclaredSignature,
  OUTER_SIGNATURE,
  type ProcessingStep,
} from "../model/processing.ts";
import { type ConfigPath, ConfigTree } from "./config-tree.ts";
import { shapeFault } from "./model-config-fault.ts";
import { processingSchema, type SignatureShape, type StepShape } from "./processing-schema.ts";

/** Most values of one list, nested lists and all. */
const MOST_STEPS_OF_ALL = 10_000;

/**
 * Reads what a processing file says, in YAML or JSON. Whether it fits a model is not looked at, and vocabularies are not read.
 * @param file what messages call it
 * @throws ServingError invalid-argument, `FILE:LINE:COL: what is wrong`
 */
export function parseProcessing(text: string, file: string): DeclaredProcessing {
  const tree = readTree(text, file);
  const refuse = (path: ConfigPath, message: string, part?: "key" | "value") =>
    new ServingError("invalid-argument", `${file}:${tree.place(path, part)}: ${message}`);
  const parsed = processingSchema.safeParse(tree.value);
  if (!parsed.success) {
    const { path, part, message } = shapeFault(parsed.error.issues, tree.value);
    throw refuse(path, message.replace(/^the config\b/, "the file"), part);
  }
  const { $schema: _, signatures: named = new Map<string, SignatureShape>(), ...outside } = parsed.data;
  const signatures = new Map<string, DeclaredSignature>();
  const hasOutside = Object.values(outside).some((part) => part !== undefined);
  if (hasOutside) signatures.set(OUTER_SIGNATURE, declared(OUTER_SIGNATURE, outside));
  for (const [name, shape] of named) {
    if (name === "") throw refuse(["signatures", name], "the name of a signature is empty", "key");
    if (signatures.has(name)) {
      throw refuse(["signatures", name], `${name} is declared twice: here, and by what stands outside signatures`, "key");
    }
    signatures.set(name, declared(name, shape));
  }
  if (signatures.size === 0)
    throw refuse([], "it declares nothing: expected inputs, preprocess, postprocess, outputs or signatures");
  const steps = [...signatures.values()].reduce((sum, each) => sum + each.preprocess.length + each.postprocess.length, 0);
  if (steps > MOST_STEPS_OF_ALL) throw refuse([], `it has ${steps} steps, of at most ${MOST_STEPS_OF_ALL}`);
  return { file, signatures, vocabularies: new Map() };
}

function readTree(text: string, file: string): ConfigTree {
  try {
    return new ConfigTree(text);
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    throw new ServingError(reason.code, `${file}:${reason.message}`, { cause: reason });
  }
}

function declared(name: string, shape: SignatureShape): DeclaredSignature {
  return {
    from: shape.from ?? name,
    inputs: shape.inputs ?? new Map<string, DeclaredInput>(),
    preprocess: (shape.preprocess ?? []).map(declaredStep),
    postprocess: (shape.postprocess ?? []).map(declaredStep),
    ...(shape.outputs !== undefined && { outputs: shape.outputs }),
  };
}

function declaredStep(shape: StepShape): ProcessingStep {
  const [[kind, members]] = Object.entries(shape) as [[string, Readonly<Record<string, unknown>> | null]];
  const { vocabulary } = members ?? {};
  const list = Array.isArray(vocabulary) && { vocabulary: vocabulary.map(String) };
  return { kind, ...members, ...list } as ProcessingStep;
}
