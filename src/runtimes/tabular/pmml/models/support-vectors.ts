import type { PmmlValue } from "../../../../model/tabular/pmml-fields.ts";
import type { PmmlKernel, PmmlSupportVectors } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import { expressionNumber } from "../expressions.ts";
import type { FieldReaders } from "../field-readers.ts";
import { type ReadNumber, type Row, RowFault } from "../row.ts";

/** Support vector machines. */
export class SupportVectorsEvaluator extends Evaluator {
  readonly #model: PmmlSupportVectors;
  readonly #fields: readonly ReadNumber[];
  readonly #point: Float64Array;
  readonly #kernels: Float64Array;

  constructor(model: PmmlSupportVectors, fields: FieldReaders) {
    super(model, fields);
    this.#model = model;
    this.#fields = model.fields.map((field) => expressionNumber(field, fields));
    this.#point = new Float64Array(model.fields.length);
    this.#kernels = new Float64Array(model.fields.length === 0 ? 0 : model.vectors.length / model.fields.length);
  }

  protected override evaluate(row: Row): void {
    const { classifies, oneAgainstAll, maxWins } = this.#model;
    for (let i = 0; i < this.#point.length; i++) {
      this.#point[i] = this.#fields[i](row);
      if (Number.isNaN(this.#point[i])) throw new RowFault("a support vector machine does not take a missing value");
    }
    this.#evaluateKernels();
    if (!classifies) {
      this.value = this.#sum(0);
      return;
    }
    this.value = oneAgainstAll ? this.#best(maxWins) : this.#elect();
  }

  /** The label whose machine gives most, or least. */
  #best(maxWins: boolean): PmmlValue | null {
    let best = 0;
    for (let i = 1; i < this.#model.machines.length; i++) {
      const [sum, least] = [this.#sum(i), this.#sum(best)];
      if (maxWins ? sum > least : sum < least) best = i;
    }
    return this.#model.machines[best].label;
  }

  /** The label that most machines are for; of equals the one that came up first. */
  #elect(): PmmlValue | null {
    const votes = new Map<PmmlValue | null, number>();
    for (const [i, { label, alternate, threshold }] of this.#model.machines.entries()) {
      const winner = isLabel(this.#sum(i), threshold, this.#model) ? label : alternate;
      votes.set(winner, (votes.get(winner) ?? 0) + 1);
    }
    let elected: PmmlValue | null = null;
    let most = 0;
    for (const [label, count] of votes) if (count > most) [elected, most] = [label, count];
    return elected;
  }

  #evaluateKernels(): void {
    const { vectors, kernel } = this.#model;
    const width = this.#point.length;
    for (let i = 0; i < this.#kernels.length; i++) this.#kernels[i] = kernelOf(kernel, vectors, i * width, this.#point);
  }

  #sum(machine: number): number {
    const { vectors, coefficients, intercept } = this.#model.machines[machine];
    let sum = 0;
    for (let i = 0; i < coefficients.length; i++) {
      sum += coefficients[i] * (vectors === undefined ? this.#point[i] : this.#kernels[vectors[i]]);
    }
    return sum + intercept;
  }
}

/** Whether a sum speaks for the machine's label. @throws RowFault where it is to be 0 or 1, and is neither */
function isLabel(sum: number, threshold: number, { maxWins, coded }: PmmlSupportVectors): boolean {
  if (coded === "no") return maxWins ? sum > threshold : sum < threshold;
  if (coded === "sign") return sum > threshold;
  const code = Math.floor(sum + 0.5);
  if (code !== 0 && code !== 1)
    throw new RowFault(`the sum of a support vector machine is ${sum}, where it is to round to 0 or 1`);
  return code === 1;
}

function kernelOf(kernel: PmmlKernel, vectors: Float64Array, start: number, point: Float64Array): number {
  if (kernel.kind === "radialBasis") {
    let distance = 0;
    for (let i = 0; i < point.length; i++) distance += (point[i] - vectors[start + i]) ** 2;
    return Math.exp(-kernel.gamma * distance);
  }
  let product = 0;
  for (let i = 0; i < point.length; i++) product += point[i] * vectors[start + i];
  switch (kernel.kind) {
    case "linear":
      return product;
    case "polynomial":
      return (kernel.gamma * product + kernel.coef0) ** kernel.degree;
    case "sigmoid":
      return Math.tanh(kernel.gamma * product + kernel.coef0);
  }
}
