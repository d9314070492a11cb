import { ServingError } from "../../../src/base/serving-error.ts";
import { parseProcessing } from "../../../src/config/processing-document.ts";
import type { DeclaredProcessing } from "../../../src/model/processing.ts";
import { type ProcessingPlan, planProcessing, vocabularyFiles } from "../../../src/processing/plan-processing.ts";
import { withProcessing } from "../../../src/processing/processed-servable.ts";
import { PREDICT_METHOD, type Signatures, type TensorInfo } from "../../../src/tensor/signature.ts";
import { packStrings } from "../../../src/tensor/string-array.ts";
import { type NamedTensors, stringTensor, type Tensor, zeros } from "../../../src/tensor/tensor.ts";
import { type FuzzTarget, kindsOf, type Outcome, refusal } from "../target.ts";

const WORDS = [
  "inputs: ",
  "preprocess:\n- ",
  "postprocess:\n- ",
  "outputs: [y]",
  "signatures: {new: {from: serving_default, ",
  "x: {dtype: uint8, shape: [-1, 2]}",
  "default: 3",
  "input: x, ",
  "output: y, ",
  "cast: {to: float32}",
  "rounding: nearest, overflow: saturate",
  "reshape: {shape: [-1, 2]}",
  "transpose: {axes: [0, 1]}",
  "layout: {to: NCHW}",
  "normalize: {scale: 1/255, mean: [0, 1], std: 2}",
  "min_max: {min: 0, max: 1}",
  "clip: {min: 0}",
  "round: ",
  "sigmoid: {}",
  "softmax: {input: y}",
  "log_softmax: {axis: 1}",
  "threshold: {at: 1}",
  "argmax: {input: y}",
  "top_k: {input: y, k: 1, vocabulary: [a, b]}",
  "one_hot: {input: z, depth: 3}",
  "lookup: {vocabulary: v.txt, unknown: 0}",
  "labels: {input: z, vocabulary: v.txt, unknown: q}",
  "tokenize: {vocabulary: v.txt, unknown: 0, length: 2}",
  "pad: {length: 4}",
  "constant: {output: c, value: [1, 2], dtype: int8, shape: [-1, 2]}",
  "concat: {inputs: [a, b], output: x}",
  "split: {outputs: [a, b]}",
  "rename: {input: y, output: a}",
  "dtype: string",
  "\n- ",
  "{",
  "}",
  ", ",
  ": ",
  "-1",
  "1e9",
  "&a ",
  "*a",
  "!!str ",
  "null",
  "<<: ",
  "__proto__",
];

const info = (alias: string, dtype: TensorInfo["dtype"], shape: TensorInfo["shape"]): TensorInfo => ({
  alias,
  name: alias,
  dtype,
  shape,
});

const MODEL: Signatures = new Map([
  [
    "serving_default",
    {
      inputs: [info("x", "float32", [-1, 2])],
      outputs: [info("y", "float32", [-1, 2]), info("z", "int64", [-1])],
      methodName: PREDICT_METHOD,
    },
  ],
]);

/** Two rows, in any size that is free. */
function madeUp({ dtype, shape }: TensorInfo): Tensor {
  const sizes = (shape ?? [2, 1]).map((size, axis) => (size < 0 ? (axis === 0 ? 2 : 1) : size));
  const count = sizes.reduce((product, size) => product * size, 1);
  if (count > MOST_ELEMENTS) throw new ServingError("resource-exhausted", "too large for a test");
  return dtype === "string"
    ? stringTensor(
        sizes,
        Array.from({ length: count }, () => "a"),
      )
    : zeros(dtype, sizes);
}

/** Files may ask for tensors of any size, which is their author's business. */
const MOST_ELEMENTS = 10_000;

function isSmall(plan: ProcessingPlan): boolean {
  const steps = [...plan.planned.values()].flatMap(({ before, after }) => [...before, ...after]);
  const shapes = steps.flatMap(({ makes }) => makes.map(([, { shape }]) => shape ?? []));
  return shapes.every((shape) => shape.reduce((product, size) => product * Math.abs(size), 2) <= MOST_ELEMENTS);
}

/** A refusal without the words that the input has chosen. */
function refusalOf(reason: unknown): Outcome {
  if (!(reason instanceof ServingError) || reason.code === "internal") return refusal(reason);
  return refusal(new ServingError(reason.code, reason.message.replace(/"[^"]*"|\([^)]*\)/g, "")));
}

/** Steps that were accepted must run, or refuse what they are given, and make what they declared. */
function run(processing: DeclaredProcessing): void {
  const engine = {
    runtime: "onnxruntime",
    signatures: MODEL,
    run: (_: string, inputs: NamedTensors) => {
      const x = inputs.get("x")!;
      if (x.dtype !== "float32" || (x.shape.length === 2 && x.shape[1] !== 2))
        throw new ServingError("invalid-argument", "wrong input");
      return new Map<string, Tensor>([
        ["y", zeros("float32", [2, 2])],
        ["z", zeros("int64", [2])],
      ]);
    },
    detach: () => undefined,
  } as const;
  const servable = withProcessing(
    { runtime: "onnxruntime", handle: 0, signatures: MODEL, processing: { ...processing, inner: MODEL } },
    engine,
  );
  for (const name of processing.signatures.keys()) {
    const { inputs, outputs } = servable.signatures.get(name)!;
    try {
      const given = new Map(inputs.map((each) => [each.alias, madeUp(each)]));
      const answer = servable.run(
        name,
        given,
        outputs.map(({ alias }) => alias),
      );
      // Images take their time, and nobody waits for these.
      if (answer instanceof Promise) answer.catch(() => undefined);
      else for (const each of outputs) check(each, answer.get(each.alias)!);
    } catch (reason) {
      refusal(reason);
    }
  }
}

function check({ alias, dtype, shape }: TensorInfo, made: Tensor): void {
  const declared =
    shape === undefined ||
    (shape.length === made.shape.length && shape.every((size, axis) => size < 0 || size === made.shape[axis]));
  if (made.dtype !== dtype || !declared) {
    throw new Error(`${alias} is declared ${dtype} [${shape?.join()}] and is ${made.dtype} [${made.shape.join()}]`);
  }
}

/** Processing files, planned for a model and run. */
export const processing: FuzzTarget = {
  name: "processing",
  dictionary: WORDS,
  longest: 400,
  ordinaryInputs: 3000,
  run(input): Outcome {
    let declared: DeclaredProcessing;
    let small: boolean;
    try {
      declared = parseProcessing(input.toString("utf8"), "processing.yaml");
      const vocabularies = new Map([...vocabularyFiles(declared)].map((file) => [file, packStrings(["a", "b"])]));
      declared = { ...declared, vocabularies };
      small = isSmall(planProcessing(declared, MODEL));
    } catch (reason) {
      if (reason instanceof ServingError && !reason.message.startsWith("processing.yaml:"))
        throw new Error(`no file: ${reason.message}`);
      return refusalOf(reason);
    }
    if (small) run(declared);
    const kinds = [...declared.signatures.values()].flatMap(({ preprocess, postprocess }) => [...preprocess, ...postprocess]);
    return { accepted: true, shape: kindsOf(kinds.map(({ kind }) => kind)) };
  },
};
