import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import type { TabularOutput, TabularProgram } from "../../model/tabular-program.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import type { Signatures } from "../../tensor/signature.ts";
import { MISSING_TEXT } from "../../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { stringTensor } from "../../tensor/tensor.ts";
import { Evaluation } from "./evaluation.ts";
import { type Matrix, rowsOf, type Texts, type Value } from "./matrix.ts";
import { readInputs } from "./read-inputs.ts";

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
    const { rows, values } = readInputs(this.#program.inputs, inputs);
    if (rows <= this.#slice) return answer(outputs, [this.#evaluation.values(values, names)]);
    return this.#runInSlices(values, rows, names, context?.signal).then((parts) => answer(outputs, parts));
  }

  detach(): void {
    // There is nothing but memory, which the garbage collector has.
  }

  /** Many rows hold up the thread for long: others have their turn between slices of them. */
  async #runInSlices(
    inputs: ReadonlyMap<string, Matrix | Texts>,
    rows: number,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ReadonlyMap<string, Value>[]> {
    const parts: ReadonlyMap<string, Value>[] = [];
    for (let start = 0; start < rows; start += this.#slice) {
      if (start > 0) await nextTurn();
      throwIfAborted(signal);
      const end = Math.min(rows, start + this.#slice);
      const slice = new Map(Array.from(inputs, ([name, value]) => [name, rowsOf(value, start, end)] as const));
      parts.push(this.#evaluation.values(slice, names));
    }
    return parts;
  }
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
  if (first !== undefined && "texts" in first) {
    const texts = parts.flatMap((part) => (part as Texts).texts);
    const width = Math.max(...parts.map((part) => (part as Texts).width));
    return stringTensor(
      vector ? [rows] : [rows, width],
      texts.map((text) => text ?? MISSING_TEXT),
    );
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
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      for (let i = 0; i < numbers.length; i++) data[next + i] = BigInt(numbers[i]!);
    } else data.set(numbers, next);
    next += numbers.length;
  }
  return { dtype, shape, data };
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
