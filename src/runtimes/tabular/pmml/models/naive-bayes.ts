import type { PmmlBayesInput, PmmlDistribution, PmmlNaiveBayes } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import { expressionNumber, expressionReader } from "../expressions.ts";
import type { FieldReaders } from "../field-readers.ts";
import type { Row } from "../row.ts";

/** Adds the logarithms of an input's likelihoods to those of labels. */
type AddTo = (row: Row, logs: Float64Array) => void;

/** Counts and distributions of inputs, taken as if none hung on another. A missing input counts nothing. */
export class NaiveBayesEvaluator extends Evaluator {
  readonly #model: PmmlNaiveBayes;
  readonly #inputs: readonly AddTo[];
  readonly #logs: Float64Array;

  constructor(model: PmmlNaiveBayes, fields: FieldReaders) {
    super(model, fields, model.labels);
    this.#model = model;
    this.#inputs = model.inputs.map((input) => inputReader(input, model, fields));
    this.#logs = new Float64Array(model.labels.length);
  }

  protected override evaluate(row: Row): void {
    const { counts } = this.#model;
    const logs = this.#logs;
    for (let label = 0; label < logs.length; label++) logs[label] = Math.log(counts[label]);
    for (const add of this.#inputs) add(row, logs);
    const most = logs.reduce((found, value) => Math.max(found, value), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (const log of logs) sum += Math.exp(log - most);
    for (let label = 0; label < logs.length; label++) logs[label] = Math.exp(logs[label] - most) / sum;
    this.predictByShares(logs);
  }
}

function inputReader(input: PmmlBayesInput, { threshold, labels }: PmmlNaiveBayes, fields: FieldReaders): AddTo {
  if (input.kind === "continuous") {
    const read = expressionNumber(input.of, fields);
    const { distributions } = input;
    return (row, logs) => {
      const value = read(row);
      if (Number.isNaN(value)) return;
      for (let label = 0; label < logs.length; label++) {
        const distribution = distributions[label];
        if (distribution !== null) logs[label] += Math.log(Math.max(threshold, density(distribution, value)));
      }
    };
  }
  const read = expressionReader(input.of, fields);
  const { counts, sums } = input;
  const places = new Map(input.values.map((value, i) => [value, i * labels.length]));
  return (row, logs) => {
    const value = read(row);
    const start = value === null ? undefined : places.get(value);
    if (start === undefined) return;
    for (let label = 0; label < logs.length; label++) {
      const count = counts[start + label];
      if (!Number.isNaN(count)) logs[label] += Math.log(count === 0 ? threshold : count / sums[label]);
    }
  };
}

function density(distribution: PmmlDistribution, value: number): number {
  switch (distribution.kind) {
    case "gaussian": {
      const { mean, variance } = distribution;
      return Math.exp(-((value - mean) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
    }
    case "poisson": {
      const { mean } = distribution;
      if (!Number.isInteger(value) || value < 0) return 0;
      let log = -mean + value * Math.log(mean);
      for (let i = 2; i <= Math.min(value, 1e6); i++) log -= Math.log(i);
      return Math.exp(log);
    }
    case "uniform": {
      const { low, high } = distribution;
      return value >= low && value <= high ? 1 / (high - low) : 0;
    }
  }
}
