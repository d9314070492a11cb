import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphShape, GraphValue } from "../../graph/graph-value.ts";
import type { DType } from "../../tensor/dtype.ts";
import { neededSteps, numberBlobs, type Step, type Steps } from "./blobs.ts";
import { Call, type InputNeed, inPlace } from "./call.ts";
import { givenBlobs } from "./given-blobs.ts";
import { inputNeeds } from "./input-needs.ts";
import { type Net, operatorLabel } from "./net-def.ts";
import { OPERATORS } from "./operators.ts";
import type { DeclaredInput } from "./value-info.ts";

/** Operators translated between two turns for others. */
const STEPS_IN_ONE_TURN = 50;

/**
 * Makes a graph of a model's two nets: the inputs and outputs have the names of their blobs. Operators that no output needs are left out.
 * @param declared what `value_info.json` says of inputs; empty where there is none
 * @throws ServingError unimplemented for an operator that is not covered, invalid-argument for nets that do not go together; each names file and operator
 */
export async function importNets(
  init: Net,
  predict: Net,
  declared: ReadonlyMap<string, DeclaredInput>,
  signal: AbortSignal,
): Promise<GraphBuilder> {
  const steps = numberBlobs(init, predict, givenBlobs(init, predict, declared));
  const outputs = outputBlobs(predict, steps);
  if (outputs.size === 0) throw new ServingError("invalid-argument", `${predict.file} gives nothing`);
  const importer = new Importer(signal);
  const needed = neededSteps([...steps.init, ...steps.predict], outputs.values());
  await importer.translate(steps.init.filter((step) => needed.has(step)));
  const rest = steps.predict.filter((step) => needed.has(step));
  const read = new Set([...rest.flatMap(({ inputs }) => inputs), ...outputs.values()]);
  const needs = inputNeeds(rest, importer.values);
  for (const [name, blob] of steps.inputs) if (read.has(blob)) importer.input(name, blob, declared.get(name), needs.get(blob));
  await importer.translate(rest);
  return importer.finish(predict.file, outputs);
}

/** Blobs that a net gives out, by name: those it lists, or those that nothing reads. By-products count only where there is nothing else. */
function outputBlobs({ externalOutputs }: Net, { predict, inputs, last }: Steps): ReadonlyMap<string, number> {
  const byproducts = new Set<number>();
  const read = new Set<number>();
  const written = new Map<string, number>();
  for (const step of predict) {
    const from = OPERATORS.get(step.operator.type)?.byproducts ?? Number.POSITIVE_INFINITY;
    // What gives nothing, as Print, uses nothing up.
    if (step.outputs.length > 0) for (const blob of step.inputs) read.add(blob);
    step.outputs.forEach((blob, i) => {
      if (i >= from) byproducts.add(blob);
      written.set(step.operator.outputs[i]!, blob);
    });
  }
  const listed = [...new Set(externalOutputs)].filter((name) => last.has(name) && (written.has(name) || !inputs.has(name)));
  const names = listed.length > 0 ? listed : [...written].filter(([, blob]) => !read.has(blob)).map(([name]) => name);
  const proper = names.filter((name) => !byproducts.has(last.get(name)!));
  return new Map((proper.length > 0 ? proper : names).map((name) => [name, last.get(name)!]));
}

class Importer {
  readonly values = new Map<number, GraphValue>();
  readonly #graph = new GraphBuilder();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  input(name: string, blob: number, declared: DeclaredInput | undefined, need: InputNeed | undefined): void {
    const dtype: DType = declared?.dtype ?? need?.dtype ?? "float32";
    const shape: GraphShape = declared === undefined ? need?.shape : declaredShape(declared.shape);
    this.values.set(blob, this.#graph.input(name, dtype, shape));
  }

  async translate(steps: readonly Step[]): Promise<void> {
    for (const [i, step] of steps.entries()) {
      if (i % STEPS_IN_ONE_TURN === STEPS_IN_ONE_TURN - 1) {
        await nextTurn();
        throwIfAborted(this.#signal);
      }
      const label = operatorLabel(step.file, step.operator);
      this.#graph.at(label);
      inPlace(label, () => this.#translate(step));
    }
  }

  #translate({ operator, inputs, outputs }: Step): void {
    const graph = this.#graph;
    const translation = OPERATORS.get(operator.type);
    if (translation === undefined) throw graph.fault("unimplemented", `operator ${JSON.stringify(operator.type)} is not covered`);
    const nested = [...operator.args].find(([, argument]) => argument.nested === true);
    if (nested !== undefined) throw graph.fault("unimplemented", `argument ${JSON.stringify(nested[0])} holds a net or tensors`);
    const values = inputs.map((blob, i) => {
      const value = this.values.get(blob);
      if (value !== undefined) return value;
      throw graph.fault(
        "unimplemented",
        `its input ${JSON.stringify(operator.inputs[i])} is a by-product that has no value here`,
      );
    });
    const results = translation.translate(new Call(graph, operator, values));
    const list = Array.isArray(results) ? (results as readonly (GraphValue | undefined)[]) : [results as GraphValue];
    outputs.forEach((blob, i) => {
      const value = list[i];
      if (value !== undefined) this.values.set(blob, value);
    });
  }

  finish(file: string, outputs: ReadonlyMap<string, number>): GraphBuilder {
    const graph = this.#graph.at("");
    for (const [name, blob] of outputs) {
      const value = this.values.get(blob);
      if (value !== undefined) graph.output(name, value);
    }
    if (graph.outputs.length === 0)
      throw new ServingError("unimplemented", `${file} gives only by-products, which have no value here`);
    return graph;
  }
}

/** The first size is the batch's; the others are as they are said to be. */
function declaredShape(shape: readonly number[]): GraphShape {
  return shape.map((size, i) => (i === 0 ? "batch" : size === 0 ? undefined : size));
}
