import type { PmmlGeneralRegression, PmmlGeneralTerm, PmmlOrValue } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { type InverseLink, inverseLink, softmax } from "../inverse-links.ts";
import type { ReadNumber, Row } from "../row.ts";

/** Products of predictors times coefficients, for all labels or one by one. */
export class GeneralRegressionEvaluator extends Evaluator {
  readonly #model: PmmlGeneralRegression;
  readonly #terms: readonly ReadNumber[];
  readonly #inverse: InverseLink;
  readonly #offset: ReadNumber;
  readonly #trials: ReadNumber;
  /** By label, the equation; -1 for the reference. */
  readonly #equationOf: Int32Array;
  readonly #sums: Float64Array;
  readonly #shares: Float64Array;

  constructor(model: PmmlGeneralRegression, fields: FieldReaders) {
    super(model, fields, model.labels);
    this.#model = model;
    this.#terms = model.terms.map((term) => termReader(term, fields));
    this.#inverse = inverseOf(model);
    this.#offset = orValue(model.offset, fields);
    this.#trials = orValue(model.trials, fields);
    this.#equationOf = Int32Array.from(model.labels, (label) => model.equations.findIndex((each) => each.label === label));
    this.#sums = new Float64Array(model.equations.length);
    this.#shares = new Float64Array(model.labels.length);
  }

  protected override evaluate(row: Row): void {
    const { equations, classifies, modelType } = this.#model;
    for (const [i, { terms, betas }] of equations.entries()) {
      let sum = 0;
      for (let term = 0; term < terms.length; term++) sum += betas[term] * this.#terms[terms[term]](row);
      this.#sums[i] = sum + this.#offset(row);
      if (!Number.isNaN(this.#sums[i])) continue;
      this.value = null;
      this.shares = undefined;
      return;
    }
    if (!classifies) {
      const value = this.#inverse(this.#sums[0]) * this.#trials(row);
      this.value = Number.isNaN(value) ? null : value;
      return;
    }
    const shares = this.#shares;
    if (modelType === "ordinalMultinomial") this.#cumulate(shares);
    else if (modelType === "generalizedLinear" || modelType === "regression" || modelType === "generalLinear")
      this.#share(shares);
    else {
      for (let i = 0; i < shares.length; i++) shares[i] = this.#equationOf[i] < 0 ? 0 : this.#sums[this.#equationOf[i]];
      softmax(shares, false);
    }
    this.predictByShares(shares);
  }

  /** The label with an equation, and the rest. */
  #share(shares: Float64Array): void {
    const p = this.#inverse(this.#sums[0]);
    for (let i = 0; i < shares.length; i++) shares[i] = this.#equationOf[i] === 0 ? p : 1 - p;
  }

  /** Equations give the probability of a label or one before it. */
  #cumulate(shares: Float64Array): void {
    let before = 0;
    for (let i = 0; i < shares.length; i++) {
      const equation = this.#equationOf[i];
      const until = equation < 0 || i === shares.length - 1 ? 1 : this.#inverse(this.#sums[equation]);
      shares[i] = until - before;
      before = until;
    }
  }
}

function inverseOf({ link, linkPower, dispersion }: PmmlGeneralRegression): InverseLink {
  switch (link) {
    case "negbin":
      return (value) => 1 / (dispersion * (Math.exp(-value) - 1));
    case "oddspower":
      return linkPower === 0 ? inverseLink("logit", false) : (value) => 1 / (1 + (1 + linkPower * value) ** (-1 / linkPower));
    case "power":
      return linkPower === 0 ? Math.exp : (value) => value ** (1 / linkPower);
    case "cauchit":
    case "cloglog":
    case "identity":
    case "log":
    case "logc":
    case "logit":
    case "loglog":
    case "probit":
      return inverseLink(link, false);
  }
}

function orValue({ slot, value }: PmmlOrValue, fields: FieldReaders): ReadNumber {
  return slot === undefined ? () => value : fields.number(slot);
}

/** NaN where a predictor is missing. */
function termReader({ factors, covariates, contrasts }: PmmlGeneralTerm, fields: FieldReaders): ReadNumber {
  const isValue = factors.map(({ slot, value }) => ({ read: fields.reader(slot), value }));
  const powers = covariates.map(({ slot, exponent }) => ({ read: fields.number(slot), exponent }));
  const coded = contrasts.map(({ slot, values, numbers }) => ({
    read: fields.reader(slot),
    numbers: new Map(values.map((value, i) => [value, numbers[i]])),
  }));
  return (row) => {
    let product = 1;
    for (const { read, value } of isValue) {
      const given = read(row);
      if (given === null) return Number.NaN;
      if (given !== value) product = 0;
    }
    for (const { read, exponent } of powers) {
      const given = read(row);
      if (Number.isNaN(given)) return given;
      product *= exponent === 1 ? given : given ** exponent;
    }
    for (const { read, numbers } of coded) {
      const given = read(row);
      if (given === null) return Number.NaN;
      product *= numbers.get(given) ?? 0;
    }
    return product;
  };
}
