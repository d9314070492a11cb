import type { PmmlLayer, PmmlNetwork } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import { expressionNumber, onLine } from "../expressions.ts";
import type { FieldReaders } from "../field-readers.ts";
import { exponential, simplemax, softmax } from "../inverse-links.ts";
import type { ReadNumber, Row } from "../row.ts";

/** A neural network. */
export class NetworkEvaluator extends Evaluator {
  readonly #model: PmmlNetwork;
  readonly #inputs: readonly ReadNumber[];
  /** Of inputs, then of neurons. */
  readonly #values: Float64Array;
  readonly #shares: Float64Array;

  constructor(model: PmmlNetwork, fields: FieldReaders) {
    super(model, fields, model.classifies ? model.answers.map(({ label }) => label!) : []);
    this.#model = model;
    this.#inputs = model.inputs.map((input) => expressionNumber(input, fields));
    const neurons = model.layers.reduce((sum, { biases }) => sum + biases.length, 0);
    this.#values = new Float64Array(model.inputs.length + neurons);
    this.#shares = new Float64Array(model.answers.length);
  }

  protected override evaluate(row: Row): void {
    const values = this.#values;
    const { layers, answers, classifies, float } = this.#model;
    let size = this.#inputs.length;
    for (let i = 0; i < size; i++) {
      values[i] = float ? Math.fround(this.#inputs[i](row)) : this.#inputs[i](row);
      if (!Number.isNaN(values[i])) continue;
      this.value = null;
      this.shares = undefined;
      return;
    }
    for (const layer of layers) {
      evaluateLayer(layer, values, size, float);
      size += layer.biases.length;
    }
    if (classifies) {
      for (const [i, { neuron }] of answers.entries()) this.#shares[i] = values[neuron];
      this.predictByShares(this.#shares);
      return;
    }
    const [{ neuron, orig, norm }] = answers;
    // Norms turned back: pieces of a line with the sides changed.
    const value = orig.length === 0 ? values[neuron] : onLine(norm, orig, values[neuron]);
    this.value = float ? Math.fround(value) : value;
  }

  override entity(): string | null {
    const { answers, classifies } = this.#model;
    if (this.value === null || !classifies) return null;
    return answers.find(({ label }) => label === this.value)?.id ?? null;
  }
}

function evaluateLayer(layer: PmmlLayer, values: Float64Array, size: number, float: boolean): void {
  const { biases, starts, from, weights, activation, normalization, widths, altitudes, threshold } = layer;
  const round = float ? Math.fround : (value: number) => value;
  const exp = exponential(float);
  for (let neuron = 0; neuron < biases.length; neuron++) {
    const [start, end] = [starts[neuron], starts[neuron + 1]];
    if (activation === "radialBasis") {
      let distance = 0;
      for (let i = start; i < end; i++) distance += (weights[i] - values[from[i]]) ** 2;
      const z = distance / (2 * widths[neuron] ** 2);
      values[size + neuron] = Math.exp((end - start) * Math.log(altitudes[neuron]) - z);
      continue;
    }
    let sum = 0;
    for (let i = start; i < end; i++) sum = round(sum + round(values[from[i]] * round(weights[i])));
    values[size + neuron] = round(activate(activation, round(sum + round(biases[neuron])), threshold, exp));
  }
  const own = values.subarray(size, size + biases.length);
  if (normalization === "softmax") softmax(own, float);
  else if (normalization === "simplemax") simplemax(own, float);
}

function activate(
  activation: Exclude<PmmlLayer["activation"], "radialBasis">,
  z: number,
  threshold: number,
  exp: (value: number) => number,
): number {
  switch (activation) {
    case "threshold":
      return z > threshold ? 1 : 0;
    case "logistic":
      return 1 / (1 + exp(-z));
    case "tanh":
      return Math.tanh(z);
    case "identity":
      return z;
    case "exponential":
      return exp(z);
    case "reciprocal":
      return 1 / z;
    case "square":
      return z * z;
    case "Gauss":
      return exp(-z * z);
    case "sine":
      return Math.sin(z);
    case "cosine":
      return Math.cos(z);
    case "Elliott":
      return z / (1 + Math.abs(z));
    case "arctan":
      return (2 * Math.atan(z)) / Math.PI;
    case "rectifier":
      return Math.max(0, z);
  }
}
