import { ServingError } from "../base/serving-error.ts";
import { dataTypeName } from "../codec/data-type.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { type StringArray, stringBytes } from "../tensor/string-array.ts";
import type { NamedTensors, StringTensor, Tensor } from "../tensor/tensor.ts";

/** One class of one example; a label that the model does not give is empty, a score it does not give is 0. */
export interface ClassScore {
  readonly label: Uint8Array;
  readonly score: number;
}

/** Aliases a classify signature uses. */
const INPUTS = "inputs";
const CLASSES = "classes";
const SCORES = "scores";
const NO_LABEL = new Uint8Array(0);

/** A batch of serialized `tf.Example`s, packed already or not, as the one string tensor that classify and regress signatures take. */
export function exampleTensor(examples: readonly Uint8Array[] | StringArray): StringTensor {
  if (examples.length === 0) throw new ServingError("invalid-argument", "Input is empty.");
  if ("offsets" in examples) return { dtype: "string", shape: [examples.length], data: examples };
  let total = 0;
  const offsets = new Uint32Array(examples.length + 1);
  for (let i = 0; i < examples.length; i++) offsets[i + 1] = total += examples[i].length;
  const bytes = new Uint8Array(total);
  for (let i = 0; i < examples.length; i++) bytes.set(examples[i], offsets[i]);
  const data: StringArray = { length: examples.length, offsets, bytes };
  return { dtype: "string", shape: [examples.length], data };
}

/**
 * The outputs to ask of a classify signature.
 * @throws ServingError invalid-argument when the signature has not the form of one.
 */
export function classifyOutputs(signature: Signature): readonly string[] {
  if (signature.inputs.length !== 1) throw new ServingError("invalid-argument", "Expected one input Tensor.");
  const count = signature.outputs.length;
  if (count !== 1 && count !== 2)
    throw new ServingError("invalid-argument", `Expected one or two output Tensors, found ${count}`);
  if (signature.inputs[0].alias !== INPUTS) {
    throw new ServingError("invalid-argument", `No classification inputs found in SignatureDef: ${describeSignature(signature)}`);
  }
  const aliases = signature.outputs.map((output) => output.alias).filter((alias) => alias === CLASSES || alias === SCORES);
  if (aliases.length === 0) {
    throw new ServingError(
      "invalid-argument",
      `Expected classification signature outputs to contain at least one of "${CLASSES}" or "${SCORES}". ` +
        `Signature was: ${describeSignature(signature)}`,
    );
  }
  return aliases;
}

/**
 * Reads a classify signature's outputs for `batch` examples.
 * @throws ServingError invalid-argument when a tensor has another dtype, rank or batch size than the API defines.
 */
export function classifications(outputs: NamedTensors, batch: number): readonly (readonly ClassScore[])[] {
  const classes = outputs.get(CLASSES);
  const scores = outputs.get(SCORES);
  if (classes !== undefined) check(classes, CLASSES, "string", "DT_STRING", batch);
  if (scores !== undefined) check(scores, SCORES, "float32", "DT_FLOAT", batch);
  if (classes !== undefined && scores !== undefined && classes.shape[1] !== scores.shape[1]) {
    throw new ServingError(
      "invalid-argument",
      `Tensors class and score should match in dim_size(1). Got ${classes.shape[1]} vs. ${scores.shape[1]}`,
    );
  }
  const width = (classes ?? scores)!.shape[1];
  return Array.from({ length: batch }, (_, row) =>
    Array.from({ length: width }, (_, column) => ({
      label: classes?.dtype === "string" ? stringBytes(classes.data, row * width + column) : NO_LABEL,
      score: scores === undefined ? 0 : Number((scores.data as Float32Array)[row * width + column]),
    })),
  );
}

/** A signature in one line, for messages. */
export function describeSignature(signature: Signature): string {
  const list = (infos: readonly TensorInfo[]) => infos.map((info) => `${info.alias}: ${dataTypeName(info.dtype)}`).join(", ");
  return `inputs {${list(signature.inputs)}} outputs {${list(signature.outputs)}} method_name: "${signature.methodName}"`;
}

function check(tensor: Tensor, alias: string, dtype: string, name: string, batch: number): void {
  if (tensor.shape.length !== 2) {
    throw new ServingError(
      "invalid-argument",
      `Expected Tensor shape: [batch_size num_classes] but got [${tensor.shape.join(",")}]`,
    );
  }
  if (tensor.dtype !== dtype) {
    throw new ServingError("invalid-argument", `Expected ${alias} Tensor of ${name}. Got: ${dataTypeName(tensor.dtype)}`);
  }
  if (tensor.shape[0] !== batch) {
    throw new ServingError("invalid-argument", `Expected ${alias} output batch size of ${batch}. Got: ${tensor.shape[0]}`);
  }
}
