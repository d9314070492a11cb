import { CLASSIFY_METHOD, REGRESS_METHOD, type Signature, type TensorInfo } from "../../tensor/signature.ts";
import type { TabularOutput, TabularProgram } from "./tabular-program.ts";

/** Aliases that TensorFlow Serving gives the tensors of such signatures. */
export const EXAMPLES_INPUT = "inputs";
export const CLASSES_OUTPUT = "classes";
export const SCORES_OUTPUT = "scores";
const REGRESSION_OUTPUT = "outputs";

/**
 * The program with the signatures that classify and regress calls take: `classify` where it has classes, `regress` where it has a
 * regression, unless a method of its own is called so. Their input is a vector of serialized `tf.Example`s; outputs are float32 as
 * TensorFlow Serving's are, and classes are the same in each row, in the order of the scores.
 */
export function withExampleSignatures(program: TabularProgram): TabularProgram {
  const { classes, regression } = program;
  const signatures = new Map(program.signatures);
  const outputs = new Map(program.outputs);
  const add = (name: string, signature: Signature, values: readonly (readonly [string, TabularOutput])[]): void => {
    if (signatures.has(name)) return;
    signatures.set(name, signature);
    outputs.set(name, new Map(values));
  };
  if (classes !== undefined) {
    const shape = [-1, classes.labels.length];
    const declared = [info(CLASSES_OUTPUT, "string", shape), info(SCORES_OUTPUT, "float32", shape)];
    const scores: TabularOutput = { value: classes.scores, dtype: "float32", vector: false };
    add("classify", { inputs: EXAMPLES, outputs: declared, methodName: CLASSIFY_METHOD }, [[SCORES_OUTPUT, scores]]);
  }
  if (regression !== undefined) {
    const declared = [info(REGRESSION_OUTPUT, "float32", [-1])];
    const value: TabularOutput = { value: regression, dtype: "float32", vector: true };
    add("regress", { inputs: EXAMPLES, outputs: declared, methodName: REGRESS_METHOD }, [[REGRESSION_OUTPUT, value]]);
  }
  return { ...program, signatures, outputs };
}

const EXAMPLES: readonly TensorInfo[] = [info(EXAMPLES_INPUT, "string", [-1])];

function info(alias: string, dtype: "string" | "float32", shape: readonly number[]): TensorInfo {
  return { alias, name: alias, dtype, shape };
}
