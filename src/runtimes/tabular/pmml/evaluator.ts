import type { PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import type { PmmlModel, PmmlOutput, PmmlOutputFeature, PmmlTarget } from "../../../model/tabular/pmml-models.ts";
import { castPmmlValue, pmmlText } from "../../../model/tabular/pmml-values.ts";
import { expressionReader } from "./expressions.ts";
import type { FieldReaders } from "./field-readers.ts";
import { type Read, type Row, RowFault, shown } from "./row.ts";

/** A result of a row: one value, or several. */
export type ResultValue = PmmlValue | null | readonly (PmmlValue | null)[];
/** What an output that is about rules asks for. */
export type RuleQuery = PmmlOutputFeature & { readonly kind: "rule" };

/** Outputs that a prediction is needed for: where it is missing, others cannot refer to them. */
const OF_PREDICTION: ReadonlySet<string> = new Set([
  "predicted",
  "probability",
  "confidence",
  "residual",
  "affinity",
  "reason-code",
]);

/**
 * A model as one thread evaluates it. {@link run} goes to a row; everything else is about the row that was run last. It has no state but
 * that, and is used by one call at a time.
 */
export abstract class Evaluator {
  /** What is predicted; null where it is missing. */
  value: PmmlValue | null = null;
  /** Labels of {@link shares}. */
  readonly labels: readonly PmmlValue[];
  /** Where the probabilities of labels are, from {@link sharesStart} on. */
  shares: Float64Array | undefined;
  sharesStart = 0;
  readonly #model: PmmlModel;
  readonly #target: PmmlTarget | undefined;
  readonly #numbers: ReadonlyMap<PmmlValue, number>;
  readonly #outputs: readonly { readonly output: PmmlOutput; readonly read: (row: Row) => ResultValue }[];
  readonly #slots = new Map<string, number>();
  readonly #lists = new Map<string, readonly (PmmlValue | null)[]>();
  readonly #rescales: boolean;

  constructor(model: PmmlModel, fields: FieldReaders, labels: readonly PmmlValue[] = []) {
    const target = model.target;
    this.#model = model;
    this.#target = target;
    this.labels = labels;
    this.#numbers = new Map(labels.map((label, i) => [label, i]));
    this.#outputs = model.outputs.map((output) => ({ output, read: outputReader(output, this, fields) }));
    for (const { name, slot, several } of model.outputs) if (!several) this.#slots.set(name, slot);
    const casts = target !== undefined && (target.type === "integer" || target.type === "float");
    this.#rescales =
      target !== undefined && (target.rescale !== undefined || target.otherwise !== null || target.priors.length > 0 || casts);
  }

  /**
   * Evaluates a row.
   * @param outputs whether somebody may ask for the model's own outputs
   * @throws RowFault for a row that the model refuses
   */
  run(row: Row, outputs = true): void {
    this.evaluate(row);
    if (this.#rescales) this.#finish(this.#target!);
    if (!outputs) return;
    for (const { output, read } of this.#outputs) {
      const value = read(row);
      if (output.several) this.#lists.set(output.name, typeof value === "object" ? (value ?? []) : [value]);
      else if (this.value === null && OF_PREDICTION.has(output.what.kind)) {
        row.give(output.slot, undefined);
        row.lost.add(output.slot);
      } else row.give(output.slot, value as PmmlValue | null);
    }
  }

  /** Sets {@link value}, and {@link shares} where there are labels. */
  protected abstract evaluate(row: Row): void;

  /** The number of a label, -1 for one that the model has not. */
  numberOf(label: PmmlValue): number {
    return this.#numbers.get(label) ?? -1;
  }

  /** A result by its name; undefined for a name that it has not. */
  result(name: string, row: Row): ResultValue | undefined {
    const slot = this.#slots.get(name);
    if (slot !== undefined) return row.values[slot] ?? null;
    const list = this.#lists.get(name);
    if (list !== undefined) return list;
    return this.targetResult(name, row);
  }

  protected targetResult(name: string, _row: Row): ResultValue | undefined {
    return name === this.#target?.name ? this.value : undefined;
  }

  /** The prediction for one of several targets. */
  valueOf(_target: string): PmmlValue | null {
    return this.value;
  }

  /** The prediction, or those of all models that were asked. */
  predictions(): ResultValue {
    return this.value;
  }

  /** The prediction as it is shown to people. */
  displayValue(): PmmlValue | null {
    return displayed(this.value, this.#target);
  }

  /** The probability of a label, 0 for one that the model does not know; of the predicted one for null. */
  probability(label: PmmlValue | null): number | null {
    return this.shareIn(this.shares, this.sharesStart, label);
  }

  /** As {@link probability}. */
  confidence(_label: PmmlValue | null): number | null {
    return null;
  }

  /** What was reached: a node, a cluster, a neighbour; the first is of rank 1. */
  entity(_rank: number): string | null {
    return null;
  }

  /** How near an entity is: one by its name, else the predicted one, or that of a rank above 1. */
  affinity(_feature: PmmlOutputFeature & { readonly kind: "affinity" }): number | null {
    return null;
  }

  reasonCode(_rank: number): string | null {
    return null;
  }

  rules(_query: RuleQuery): ResultValue {
    return null;
  }

  /** What of a segment has this number, where it was run. */
  segment(_index: number): Evaluator | undefined {
    return undefined;
  }

  get target(): PmmlTarget | undefined {
    return this.#target;
  }

  /** Whether an output cannot be referred to, for want of a prediction. @returns its name */
  missingOutput(): string | undefined {
    if (this.value !== null) return undefined;
    return this.#model.outputs.find(({ what }) => OF_PREDICTION.has(what.kind))?.name;
  }

  protected shareIn(shares: Float64Array | undefined, start: number, label: PmmlValue | null): number | null {
    const wanted = label ?? this.value;
    if (shares === undefined || wanted === null) return null;
    const number = this.#numbers.get(wanted);
    return number === undefined ? 0 : shares[start + number];
  }

  /** Takes the label with the greatest share, the first of equals. */
  protected predictByShares(shares: Float64Array): void {
    let best = 0;
    for (let i = 1; i < shares.length; i++) if (shares[i] > shares[best]) best = i;
    this.shares = shares;
    this.sharesStart = 0;
    this.value = this.labels[best] ?? null;
  }

  #finish({ rescale, otherwise, priors, type }: PmmlTarget): void {
    if (this.value === null) {
      this.value = otherwise;
      if (priors.length > 0) this.#takePriors(priors);
    }
    if (typeof this.value !== "number") return;
    if (rescale !== undefined) this.value = rescaled(this.value, rescale, this.#model.float);
    if (type !== "integer" && type !== "float") return;
    const made = castPmmlValue(this.value, "double", type);
    if (made === undefined) throw new RowFault(`the prediction ${this.value} is no ${type}, as the target is`);
    this.value = made;
  }

  #takePriors(priors: PmmlTarget["priors"]): void {
    const shares = new Float64Array(this.labels.length);
    for (const { value, probability } of priors) {
      const number = this.#numbers.get(value);
      if (number !== undefined) shares[number] = probability;
    }
    this.predictByShares(shares);
  }
}

function rescaled(
  given: number,
  { low, high, factor, constant, cast }: NonNullable<PmmlTarget["rescale"]>,
  float: boolean,
): number {
  const round = float ? Math.fround : (value: number) => value;
  const clipped = Math.min(high, Math.max(low, given));
  const value = round(round(round(clipped) * round(factor)) + round(constant));
  switch (cast) {
    case "none":
      return value;
    case "round":
      return Math.floor(value + 0.5);
    case "ceiling":
      return Math.ceil(value);
    case "floor":
      return Math.floor(value);
  }
}

function outputReader(output: PmmlOutput, evaluator: Evaluator, fields: FieldReaders): (row: Row) => ResultValue {
  const { type, natural, name } = output;
  const read = featureReader(output.what, evaluator, fields);
  if (type === natural || output.what.kind === "transformed") return read;
  return (row) => {
    const value = read(row);
    if (value === null || typeof value === "object") return value;
    const made = castPmmlValue(value, natural, type);
    if (made === undefined) throw new RowFault(`output "${name}" is ${shown(value)}, which is no ${type}`);
    return made;
  };
}

function featureReader(what: PmmlOutputFeature, evaluator: Evaluator, fields: FieldReaders): (row: Row) => ResultValue {
  switch (what.kind) {
    case "predicted": {
      const { of, display } = what;
      if (display) return () => evaluator.displayValue();
      return () => (of === undefined ? evaluator.predictions() : evaluator.valueOf(of));
    }
    case "probability":
      return () => (evaluator.value === null ? null : evaluator.probability(what.value));
    case "confidence":
      return () => (evaluator.value === null ? null : evaluator.confidence(what.value));
    case "residual":
      return residual(evaluator, fields);
    case "standard-error":
    case "nothing":
      return () => null;
    case "entity":
      return () => evaluator.entity(what.rank);
    case "affinity":
      return () => evaluator.affinity(what);
    case "transformed":
      return expressionReader(what.expression, fields);
    case "reason-code":
      return () => evaluator.reasonCode(what.rank);
    case "rule":
      return () => evaluator.rules(what);
    case "segment": {
      let read: ((row: Row) => ResultValue) | undefined;
      return (row) => {
        const inner = evaluator.segment(what.segment);
        if (inner === undefined) return null;
        read ??= featureReader(what.what, inner, fields);
        return read(row);
      };
    }
  }
}

function displayed(value: PmmlValue | null, target: PmmlTarget | undefined): PmmlValue | null {
  if (value === null) return null;
  const found = target?.displayValues.find((each) => each.value === value);
  return found?.text ?? pmmlText(value, target?.type ?? ("string" satisfies PmmlType));
}

/** What was measured less what is predicted: a number, or whether it is the predicted label less the label's probability. */
function residual(evaluator: Evaluator, fields: FieldReaders): Read {
  const slot = evaluator.target?.actual;
  if (slot === undefined) return () => null;
  const read = fields.reader(slot);
  return (row) => {
    const actual = read(row);
    const { value, labels } = evaluator;
    if (value === null) return null;
    if (actual === null) throw new RowFault(`a residual needs the value of "${evaluator.target?.name}"`);
    if (labels.length === 0) return Number(actual) - Number(value);
    return Number(actual === value) - (evaluator.probability(value) ?? 0);
  };
}
