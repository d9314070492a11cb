import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { RunContext, Servable } from "../../model/servable.ts";
import type { BinTrees } from "../../model/tabular/catboost-operations.ts";
import { CLASSES_OUTPUT, EXAMPLES_INPUT } from "../../model/tabular/example-signatures.ts";
import type { TabularOutput, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import { CLASSIFY_METHOD, REGRESS_METHOD, type Signature, type Signatures } from "../../tensor/signature.ts";
import { MISSING_TEXT } from "../../tensor/string-array.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import { stringTensor } from "../../tensor/tensor.ts";
import { featureCost, isFeatureStep } from "./columns/feature-steps.ts";
import { isEstimatorStep, productsOfRow } from "./estimators/estimator-steps.ts";
import { Evaluation } from "./evaluation.ts";
import { h2oStepsOfRow, isH2oStep } from "./h2o/h2o-steps.ts";
import { type Matrix, rowsOf, type Texts, type Value, type Words, zerosLike } from "./matrix.ts";
import { pmmlStepsOfRow } from "./pmml/row-cost.ts";
import { ExampleFeatures } from "./read-examples.ts";
import { type ReadInputs, readInputs } from "./read-inputs.ts";
import { RowError } from "./row-error.ts";
import { isSparkStep, sparkStepsOfRow } from "./spark/spark-steps.ts";

/** Steps down a tree, and products, that are done before others have their turn: about a millisecond. */
const SLICE_STEPS = 200_000;
/** Numbers of the input that go through all steps together, and the least rows that do. */
const BLOCK_NUMBERS = 8192;
const LEAST_BLOCK = 128;
/** Numbers that the answers to one request may have. */
const MOST_NUMBERS = 2 ** 27;

/** A tabular model as one thread serves it. */
export class TabularServable implements Servable {
  readonly runtime = "tabular";
  readonly signatures: Signatures;
  readonly #program: TabularProgram;
  readonly #evaluation: Evaluation;
  readonly #features: ExampleFeatures;
  /** Rows that are evaluated before others have their turn, and rows that go through all steps together. */
  readonly #slice: number;
  readonly #block: number;

  constructor(program: TabularProgram) {
    this.signatures = program.signatures;
    this.#program = program;
    this.#evaluation = new Evaluation(program);
    this.#features = new ExampleFeatures(program.inputs);
    this.#slice = Math.max(1, Math.floor(SLICE_STEPS / stepsOfRow(program)));
    const columns = program.inputs.reduce((sum, input) => sum + input.columns, 0);
    this.#block = Math.max(LEAST_BLOCK, Math.floor(BLOCK_NUMBERS / Math.max(1, columns)));
  }

  run(
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const declared = this.#program.outputs.get(signature);
    if (declared === undefined) throw new ServingError("invalid-argument", `there is no signature "${signature}"`);
    if (takesExamples(this.signatures.get(signature)!)) {
      return this.#runOnExamples(declared, inputs, wanted, context);
    }
    return this.#runOn(readInputs(this.#program.inputs, inputs), declared, wanted, context);
  }

  #runOn(
    { rows, values }: ReadInputs,
    declared: ReadonlyMap<string, TabularOutput>,
    wanted: readonly string[],
    context: RunContext | undefined,
  ): NamedTensors | Promise<NamedTensors> {
    const outputs = wanted.map((alias) => [alias, declared.get(alias)!] as const);
    const names = outputs.map(([, { value }]) => value);
    if (rows <= this.#slice) return answer(outputs, this.#runInBlocks(values, rows, names));
    return this.#runInSlices(values, rows, names, context?.signal).then((parts) => answer(outputs, parts));
  }

  /** Classes are the same in each row, and no value of the program. */
  #runOnExamples(
    declared: ReadonlyMap<string, TabularOutput>,
    inputs: NamedTensors,
    wanted: readonly string[],
    context: RunContext | undefined,
  ): NamedTensors | Promise<NamedTensors> {
    const read = this.#features.read(inputs.get(EXAMPLES_INPUT));
    const evaluated = this.#runOn(
      read,
      declared,
      wanted.filter((alias) => declared.has(alias)),
      context,
    );
    if (!wanted.includes(CLASSES_OUTPUT)) return evaluated;
    const classes = this.#classes(read.rows);
    return evaluated instanceof Promise
      ? evaluated.then((outputs) => new Map([...outputs, [CLASSES_OUTPUT, classes]]))
      : new Map([...evaluated, [CLASSES_OUTPUT, classes]]);
  }

  #classes(rows: number): Tensor {
    const labels = (this.#program.classes?.labels ?? []).map(String);
    return stringTensor([rows, labels.length], Array.from({ length: rows }, () => labels).flat());
  }

  detach(): void {
    // There is nothing but memory, which the garbage collector has.
  }

  /** The values of a slice; an error of one of its rows is of the row of the request. */
  #valuesFrom(start: number, slice: ReadonlyMap<string, Value>, names: readonly string[]): ReadonlyMap<string, Value> {
    try {
      return this.#evaluation.values(slice, names);
    } catch (reason) {
      throw reason instanceof RowError ? reason.shifted(start) : reason;
    }
  }

  /** Values of many rows would leave the core's cache, and their memory would come fresh from the system, between one step and the next. */
  #runInBlocks(
    inputs: ReadonlyMap<string, Matrix | Texts>,
    rows: number,
    names: readonly string[],
  ): readonly ReadonlyMap<string, Value>[] {
    const block = this.#block;
    if (rows <= block) return [this.#evaluation.values(inputs, names)];
    const parts: ReadonlyMap<string, Value>[] = [];
    for (let start = 0; start < rows; start += block) {
      const end = Math.min(rows, start + block);
      const part = new Map(Array.from(inputs, ([name, value]) => [name, rowsOf(value, start, end)] as const));
      parts.push(this.#valuesFrom(start, part, names));
    }
    return parts;
  }

  /** Many rows hold up the thread for long: others have their turn between slices of them. */
  async #runInSlices(
    inputs: ReadonlyMap<string, Matrix | Texts>,
    rows: number,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ReadonlyMap<string, Value>[]> {
    const parts: ReadonlyMap<string, Value>[] = [];
    let numbers = 0;
    for (let start = 0; start < rows; start += this.#slice) {
      if (start > 0) await nextTurn();
      throwIfAborted(signal);
      const end = Math.min(rows, start + this.#slice);
      const slice = new Map(Array.from(inputs, ([name, value]) => [name, rowsOf(value, start, end)] as const));
      const values = this.#valuesFrom(start, slice, names);
      // Values on the way to these are many times as large.
      const part = new Map(names.map((name) => [name, values.get(name)!] as const));
      for (const value of part.values()) numbers += "data" in value ? value.data.length : 0;
      if (numbers > MOST_NUMBERS) {
        throw new ServingError(
          "resource-exhausted",
          `the answers to ${rows} rows have more than ${MOST_NUMBERS} numbers: send fewer rows`,
        );
      }
      parts.push(part);
    }
    return parts;
  }
}

function takesExamples({ methodName }: Signature): boolean {
  return methodName === CLASSIFY_METHOD || methodName === REGRESS_METHOD;
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
  if (first !== undefined && "words" in first) return wordsTensor(parts as readonly Words[], rows);
  if (first !== undefined && "texts" in first) {
    const texts = parts.flatMap((part) => (part as Texts).texts);
    const width = Math.max(...parts.map((part) => (part as Texts).width));
    return stringTensor(
      vector ? [rows] : [rows, width],
      texts.map((text) => text ?? MISSING_TEXT),
    );
  }
  const width = (parts as readonly Matrix[]).reduce((most, part) => Math.max(most, part.width), 0);
  const matrices = (parts as readonly Matrix[]).map((part) => (part.width === width ? part : widened(part, width)));
  const shape = vector ? [rows] : [rows, width];
  if (dtype === "string") throw new ServingError("internal", "numbers cannot be answered as strings");
  if (matrices.length === 1 && matrices[0]!.data instanceof ARRAY_TYPES[dtype].array)
    return { dtype, shape, data: matrices[0]!.data };
  if (dtype === "bool" && matrices.some((matrix) => matrix.data.some(Number.isNaN)))
    throw new ServingError("invalid-argument", "an output is missing in some row, which a truth value cannot be");
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

/** Rows that end in missing numbers, as those of another part of the request have more. */
function widened({ rows, width, data }: Matrix, to: number): Matrix {
  const wide = zerosLike(data, rows * to).fill(Number.NaN);
  for (let row = 0; row < rows; row++) wide.set(data.subarray(row * width, (row + 1) * width), row * to);
  return { rows, width: to, data: wide };
}

/** Words as a matrix of texts: rows with fewer end in missing ones. */
function wordsTensor(parts: readonly Words[], rows: number): Tensor {
  const words = parts.flatMap((part) => part.words);
  const width = words.reduce((most, row) => Math.max(most, row?.length ?? 0), 0);
  const texts = words.flatMap((row) => Array.from({ length: width }, (_, i) => row?.[i] ?? MISSING_TEXT));
  return stringTensor([rows, width], texts);
}

/** About what one row costs, in steps down a tree or products. */
function stepsOfRow({ operations }: TabularProgram): number {
  let steps = 1;
  for (const operation of operations) {
    if (
      operation.kind === "tree-sums" ||
      operation.kind === "tree-leaves" ||
      operation.kind === "tree-vectors" ||
      operation.kind === "tree-vector-sums"
    ) {
      const { roots, features } = operation.ensemble;
      const perTree = features.length / Math.max(1, roots.length);
      steps += roots.length * Math.max(1, Math.ceil(Math.log2(perTree + 1)));
      if (operation.kind === "tree-vectors") steps += roots.length * operation.width;
      if (operation.kind === "tree-vector-sums") steps += roots.length * operation.base.length;
    } else if (operation.kind === "linear") steps += operation.weights.length;
    else if (operation.kind === "bin-tree-sums") steps += stepsOfBins(operation.model);
    else if (operation.kind === "squares") steps += operation.points.length;
    else if (isEstimatorStep(operation)) steps += productsOfRow(operation);
    else if (isFeatureStep(operation)) steps += featureCost(operation);
    else if (isSparkStep(operation)) steps += sparkStepsOfRow(operation);
    else if (operation.kind === "one-hot") steps += operation.sizes.reduce((sum, size) => sum + size, 0);
    else if (isH2oStep(operation)) steps += h2oStepsOfRow(operation);
    else if (operation.kind === "pmml") steps += pmmlStepsOfRow(operation);
  }
  return steps;
}

function stepsOfBins({ bins, trees, groups }: BinTrees): number {
  // A border is found, or a node's leaf, in some eight steps.
  const ofTrees =
    trees.kind === "oblivious" ? trees.levels.length + trees.depths.length * groups : trees.roots.length * (8 + groups);
  return ofTrees + bins * 8;
}
