import type { PmmlValue } from "../../../../model/tabular/pmml-fields.ts";
import type { PmmlRegression, PmmlRegressionTable } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { type InverseLink, inverseLink, simplemax, softmax } from "../inverse-links.ts";
import { type ReadNumber, type Row, RowFault } from "../row.ts";

/** A linear function, or one for each label. */
export class RegressionEvaluator extends Evaluator {
  readonly #model: PmmlRegression;
  readonly #tables: readonly ReadNumber[];
  readonly #inverse: InverseLink;
  readonly #sums: Float64Array;

  constructor(model: PmmlRegression, fields: FieldReaders) {
    super(model, fields, model.classifies ? model.tables.map(({ label }) => label!) : []);
    this.#model = model;
    this.#tables = model.tables.map((table) => tableReader(table, fields, model.float));
    this.#inverse = model.link === "simplemax" ? (value) => value : inverseLink(model.link, model.float);
    this.#sums = new Float64Array(model.tables.length);
  }

  protected override evaluate(row: Row): void {
    const sums = this.#sums;
    for (let i = 0; i < sums.length; i++) {
      const sum = this.#tables[i](row);
      if (Number.isNaN(sum)) {
        this.value = null;
        this.shares = undefined;
        return;
      }
      sums[i] = sum;
    }
    if (!this.#model.classifies) {
      const value = this.#inverse(sums[0]);
      this.value = this.#model.float ? Math.fround(value) : value;
      return;
    }
    if (this.#model.ordinal) this.#cumulate(sums);
    else if (sums.length === 2) this.#share(sums);
    else this.#normalize(sums);
    this.predictByShares(sums);
  }

  /** Two labels: the first has a probability, and the other the rest. */
  #share(sums: Float64Array): void {
    const { link, float } = this.#model;
    switch (link) {
      case "none":
        sums[0] = Math.min(1, Math.max(0, sums[0]));
        break;
      case "simplemax":
        simplemax(sums, float);
        return;
      case "softmax":
        softmax(sums, float);
        return;
      case "logit":
      case "probit":
      case "cloglog":
      case "exp":
      case "loglog":
      case "cauchit":
        sums[0] = this.#inverse(sums[0]);
        if (float) sums[0] = Math.fround(sums[0]);
    }
    sums[1] = float ? Math.fround(1 - sums[0]) : 1 - sums[0];
  }

  #normalize(sums: Float64Array): void {
    const { link, float } = this.#model;
    if (link === "softmax") {
      softmax(sums, float);
    } else if (link === "simplemax") {
      simplemax(sums, float);
    } else if (link === "none") {
      // The last label has the rest.
      let rest = 1;
      for (let i = 0; i < sums.length - 1; i++) rest -= sums[i];
      sums[sums.length - 1] = rest;
    } else {
      for (let i = 0; i < sums.length; i++) sums[i] = this.#inverse(sums[i]);
      simplemax(sums, float);
    }
  }

  /** Tables give the probability of a label or one before it. */
  #cumulate(sums: Float64Array): void {
    let before = 0;
    for (let i = 0; i < sums.length - 1; i++) {
      const until = this.#model.link === "none" ? Math.min(1, Math.max(0, sums[i])) : this.#inverse(sums[i]);
      sums[i] = until - before;
      before = until;
    }
    sums[sums.length - 1] = 1 - before;
  }
}

/** The sum of a table: NaN where a number is missing. A category that is missing counts nothing. */
function tableReader(table: PmmlRegressionTable, fields: FieldReaders, float: boolean): ReadNumber {
  const { slots, coefficients, exponents, intercept } = table;
  const numbers = Array.from(slots, (slot) => fields.number(slot));
  const isPlain = exponents.every((exponent) => exponent === 1);
  const bySlot = new Map<number, Map<PmmlValue, number>>();
  for (const { slot, value, coefficient } of table.categories) {
    const found = bySlot.get(slot) ?? new Map<PmmlValue, number>();
    bySlot.set(slot, found.set(value, (found.get(value) ?? 0) + coefficient));
  }
  const categories = Array.from(bySlot, ([slot, found]) => ({ read: fields.reader(slot), found }));
  const terms = table.terms.map(({ coefficient, slots: of }) => ({
    coefficient,
    numbers: of.map((slot) => fields.number(slot)),
  }));
  const round = float ? Math.fround : (value: number) => value;
  return (row) => {
    if (intercept === null) throw new RowFault("a regression table has no intercept");
    let sum = 0;
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i](row);
      if (Number.isNaN(value)) return value;
      sum = round(sum + round(round(coefficients[i]) * round(isPlain ? value : value ** exponents[i])));
    }
    for (const { read, found } of categories) {
      const value = read(row);
      if (value !== null) sum = round(sum + round(found.get(value) ?? 0));
    }
    for (const term of terms) {
      let product = round(term.coefficient);
      for (const read of term.numbers) product = round(product * round(read(row)));
      if (Number.isNaN(product)) return product;
      sum = round(sum + product);
    }
    return round(sum + round(intercept));
  };
}
