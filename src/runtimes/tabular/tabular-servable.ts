import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import type { TabularOutput, TabularProgram } from "../../model/tabular-program.ts";
import { ARRAY_TYPES, type NumericArray } from "../../tensor/dtype.ts";
import type { Signatures } from "../../tensor/signature.ts";
import type { NamedTensors, NumericTensor, Tensor } from "../../tensor/tensor.ts";
import { stringTensor } from "../../tensor/tensor.ts";
import { Evaluation } from "./evaluation.ts";
import type { Matrix, Value } from "./matrix.ts";

/** Steps down a tree, and products, that are done before others have their turn: about a millisecond. */
const SLICE_STEPS = 200_000;

/** A tabular model as one thread serves it. */
export class TabularServable implements Servable {
  readonly runtime = "tabular";
  readonly signatures: Signatures;
  readonly #program: TabularProgram;
  readonly #evaluation: Evaluation;
  /** Rows that are evaluated in one go. */
  readonly #slice: number;

  constructor(program: TabularProgram) {
    this.signatures = program.signatures;
    this.#program = program;
    this.#evaluation = new Evaluation(program);
    this.#slice = Math.max(1, Math.floor(SLICE_STEPS / stepsOfRow(program)));
  }

  run(
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const declared = this.#program.outputs.get(signature);
    if (declared === undefined) throw new ServingError("invalid-argument", `there is no signature "${signature}"`);
    const outputs = wanted.map((alias) => [alias, declared.get(alias)!] as const);
    const names = outputs.map(([, { value }]) => value);
    const matrix = this.#read(inputs);
    if (matrix.rows <= this.#slice) return answer(outputs, [this.#evaluation.values(matrix, names)]);
    return this.#runInSlices(matrix, names, context?.signal).then((parts) => answer(outputs, parts));
  }

  detach(): void {
    // There is nothing but memory, which the garbage collector has.
  }

  /** Many rows hold up the thread for long: others have their turn between slices of them. */
  async #runInSlices(
    { rows, width, data }: Matrix,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ReadonlyMap<string, Value>[]> {
    const parts: ReadonlyMap<string, Value>[] = [];
    for (let start = 0; start < rows; start += this.#slice) {
      if (start > 0) await nextTurn();
      throwIfAborted(signal);
      const end = Math.min(rows, start + this.#slice);
      parts.push(this.#evaluation.values({ rows: end - start, width, data: data.subarray(start * width, end * width) }, names));
    }
    return parts;
  }

  #read(inputs: NamedTensors): Matrix {
    const { alias, columns, precision } = this.#program.input;
    const tensor = inputs.get(alias);
    if (tensor === undefined) throw new ServingError("invalid-argument", `input "${alias}" is missing`);
    const { dtype, shape } = tensor;
    if (dtype === "string" || dtype.startsWith("complex")) {
      throw new ServingError("invalid-argument", `input "${alias}" must be numbers, got ${dtype}`);
    }
    if (shape.length !== 2 || shape[1] !== columns) {
      throw new ServingError(
        "invalid-argument",
        `input "${alias}" must have the shape [?, ${columns}], got [${shape.join(", ")}]`,
      );
    }
    return { rows: shape[0]!, width: columns, data: inPrecision(tensor as NumericTensor, precision) };
  }
}

function inPrecision({ dtype, data }: NumericTensor, precision: "float32" | "float64"): Float32Array | Float64Array {
  if (dtype === precision) return data as Float32Array | Float64Array;
  if (dtype === "float16" || dtype === "bfloat16") {
    throw new ServingError("invalid-argument", `an input of ${dtype} is not taken, send ${precision}`);
  }
  const numbers = precision === "float32" ? new Float32Array(data.length) : new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) numbers[i] = Number(data[i]);
  return numbers;
}

function answer(
  outputs: readonly (readonly [alias: string, output: TabularOutput])[],
  parts: readonly ReadonlyMap<string, Value>[],
): NamedTensors {
  const tensors = new Map<string, Tensor>();
  for (const [alias, output] of outputs) {
    tensors.set(
      alias,
      tensorOf(
        parts.map((part) => part.get(output.value)!),
        output,
      ),
    );
  }
  return tensors;
}

function tensorOf(parts: readonly Value[], { dtype, vector }: TabularOutput): Tensor {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const [first] = parts;
  if (first !== undefined && "labels" in first) {
    const labels = parts.flatMap((part) => ("labels" in part ? part.labels : []));
    if (dtype === "string") return stringTensor([rows], labels.map(String));
    return { dtype, shape: [rows], data: filled(dtype, labels as readonly number[]) };
  }
  const matrices = parts as readonly Matrix[];
  const width = matrices[0]?.width ?? 0;
  const shape = vector ? [rows] : [rows, width];
  if (dtype === "string") throw new ServingError("internal", "numbers cannot be answered as strings");
  if (matrices.length === 1 && matrices[0]!.data instanceof ARRAY_TYPES[dtype].array)
    return { dtype, shape, data: matrices[0]!.data };
  const data = new ARRAY_TYPES[dtype].array(rows * width);
  let next = 0;
  for (const { data: numbers } of matrices) {
    (data as Float64Array).set(numbers, next);
    next += numbers.length;
  }
  return { dtype, shape, data };
}

function filled(dtype: Exclude<TabularOutput["dtype"], "string">, values: readonly number[]): NumericArray {
  const data = new ARRAY_TYPES[dtype].array(values.length);
  for (let i = 0; i < values.length; i++)
    data[i] = data instanceof BigInt64Array ? (BigInt(values[i]!) as never) : (values[i]! as never);
  return data;
}

/** About what one row costs, in steps down a tree or products. */
function stepsOfRow({ operations }: TabularProgram): number {
  let steps = 1;
  for (const operation of operations) {
    if (operation.kind === "tree-sums" || operation.kind === "tree-leaves" || operation.kind === "tree-vectors") {
      const { roots, features } = operation.ensemble;
      const perTree = features.length / Math.max(1, roots.length);
      steps += roots.length * Math.max(1, Math.ceil(Math.log2(perTree + 1)));
      if (operation.kind === "tree-vectors") steps += roots.length * operation.width;
    } else if (operation.kind === "linear") steps += operation.weights.length;
    else if (operation.kind === "squares") steps += operation.points.length;
  }
  return steps;
}
