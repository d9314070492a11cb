import type { PmmlValue } from "../../../../model/tabular/pmml-fields.ts";
import type { PmmlMining, PmmlModel, PmmlOutputFeature, PmmlSegment } from "../../../../model/tabular/pmml-models.ts";
import { combineNumbers, type NumberPart } from "../combine-numbers.ts";
import { Evaluator, type ResultValue, type RuleQuery } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { predicateTest, type Test, TRUE } from "../predicates.ts";
import { type Row, RowFault } from "../row.ts";
import { type Part, sharesOfParts } from "../vote.ts";

/** A segment, as what its model says of the row that it was run for last. */
class Segment implements Part, NumberPart {
  readonly id: string;
  readonly weight: number;
  /** Undefined for one that is for every row. */
  readonly test: Test | undefined;
  readonly model: Evaluator;
  readonly #labels: readonly PmmlValue[];
  /** By label, its number among the model's; undefined where the model's shares are another's. */
  readonly #numbers: Int32Array | undefined;

  constructor(
    { id, weight, predicate, model: source }: PmmlSegment,
    model: Evaluator,
    labels: readonly PmmlValue[],
    fields: FieldReaders,
  ) {
    this.id = id;
    this.weight = weight;
    this.test = predicate.kind === "true" ? undefined : predicateTest(predicate, fields);
    this.model = model;
    this.#labels = labels;
    this.#numbers = source.kind === "mining" ? undefined : Int32Array.from(labels, (label) => model.numberOf(label));
  }

  get value(): PmmlValue | null {
    return this.model.value;
  }

  get number(): number {
    return Number(this.model.value);
  }

  share(label: number): number {
    const { shares } = this.model;
    if (this.#numbers !== undefined && shares !== undefined) {
      const number = this.#numbers[label];
      return number < 0 ? 0 : shares[this.model.sharesStart + number];
    }
    const share = this.model.probability(this.#labels[label]);
    if (share === null) throw new RowFault(`segment "${this.id}" has no probabilities`);
    return share;
  }
}

/** Several models of which one answers, or all together. */
export class MiningEvaluator extends Evaluator {
  readonly #model: PmmlMining;
  readonly #segments: readonly Segment[];
  readonly #shares: Float64Array;
  readonly #numbers: ReadonlyMap<PmmlValue, number>;
  /** Segments that were run for the row. */
  readonly #active: Segment[] = [];
  /** The segment whose answer is the model's. */
  #selected: Segment | undefined;

  constructor(model: PmmlMining, fields: FieldReaders, make: (model: PmmlModel) => Evaluator) {
    super(model, fields, model.labels);
    this.#model = model;
    this.#segments = model.segments.map((segment) => new Segment(segment, make(segment.model), model.labels, fields));
    this.#shares = new Float64Array(model.labels.length);
    this.#numbers = new Map(model.labels.map((label, i) => [label, i]));
  }

  protected override evaluate(row: Row): void {
    this.#active.length = 0;
    this.#selected = undefined;
    this.value = null;
    this.shares = undefined;
    switch (this.#model.method) {
      case "selectFirst":
        this.#selectFirst(row);
        return;
      case "selectAll":
        this.#selectAll(row);
        return;
      case "modelChain":
      case "multiModelChain":
        this.#chain(row);
        return;
      case "majorityVote":
      case "weightedMajorityVote":
      case "average":
      case "weightedAverage":
      case "median":
      case "weightedMedian":
      case "max":
      case "sum":
      case "weightedSum":
        if (this.#model.purpose === "regression") this.#combineNumbers(row);
        else this.#combineLabels(row);
    }
  }

  protected override targetResult(name: string, row: Row): ResultValue | undefined {
    switch (this.#model.method) {
      case "selectAll":
        return this.#active.length === 0 ? null : this.#active.map(({ model }) => single(model.result(name, row)));
      case "multiModelChain":
        for (let i = this.#active.length - 1; i >= 0; i--) {
          const found = this.#active[i].model.result(name, row);
          if (found !== undefined) return found;
        }
        return null;
      case "selectFirst":
      case "modelChain": {
        const found = this.#selected?.model.result(name, row);
        return found ?? (this.#model.namesTarget && name === this.target?.name ? this.value : null);
      }
      case "majorityVote":
      case "weightedMajorityVote":
      case "average":
      case "weightedAverage":
      case "median":
      case "weightedMedian":
      case "max":
      case "sum":
      case "weightedSum":
        return super.targetResult(name, row);
    }
  }

  override valueOf(target: string): PmmlValue | null {
    for (let i = this.#active.length - 1; i >= 0; i--) {
      const { model } = this.#active[i];
      if (model.target?.name === target) return model.value;
    }
    return this.value;
  }

  override predictions(): ResultValue {
    return this.#model.method === "selectAll" ? this.#active.map(({ model }) => model.value) : this.value;
  }

  override probability(label: PmmlValue | null): number | null {
    return this.#selected === undefined ? super.probability(label) : this.#selected.model.probability(label);
  }

  override displayValue(): PmmlValue | null {
    return this.#selected === undefined || this.target?.displayValues.length !== 0
      ? super.displayValue()
      : this.#selected.model.displayValue();
  }

  override confidence(label: PmmlValue | null): number | null {
    return this.#selected?.model.confidence(label) ?? null;
  }

  override entity(rank: number): string | null {
    return rank === 1 ? (this.#selected?.id ?? null) : null;
  }

  override affinity(feature: PmmlOutputFeature & { readonly kind: "affinity" }): number | null {
    return this.#selected?.model.affinity(feature) ?? null;
  }

  override reasonCode(rank: number): string | null {
    return this.#selected?.model.reasonCode(rank) ?? null;
  }

  override rules(query: RuleQuery): ResultValue {
    return this.#selected?.model.rules(query) ?? null;
  }

  override segment(index: number): Evaluator | undefined {
    const segment = this.#segments[index];
    return this.#active.includes(segment) ? segment.model : undefined;
  }

  #isFor(segment: Segment, row: Row): boolean {
    return segment.test === undefined || segment.test(row) === TRUE;
  }

  #selectFirst(row: Row): void {
    const { missing } = this.#model;
    for (const segment of this.#segments) {
      if (!this.#isFor(segment, row)) continue;
      segment.model.run(row);
      this.#active.push(segment);
      if (segment.model.value === null && missing === "skipSegment") continue;
      if (segment.model.value === null && missing === "returnMissing") return;
      this.#select(segment);
      return;
    }
    this.#checkTargets();
  }

  #selectAll(row: Row): void {
    for (const segment of this.#segments) {
      if (!this.#isFor(segment, row)) continue;
      segment.model.run(row);
      this.#active.push(segment);
    }
    const { missing } = this.#model;
    if (missing === "returnMissing" && this.#active.some(({ model }) => model.value === null)) this.#active.length = 0;
    this.#checkTargets();
  }

  #chain(row: Row): void {
    const { missing } = this.#model;
    for (const segment of this.#segments) {
      if (!this.#isFor(segment, row)) continue;
      segment.model.run(row);
      this.#active.push(segment);
      if (segment.model.value === null) {
        if (missing === "skipSegment") continue;
        if (missing === "returnMissing") {
          this.#selected = undefined;
          this.value = null;
          return;
        }
        const lost = segment.model.missingOutput();
        if (lost !== undefined) throw new RowFault(`the output "${lost}" of segment "${segment.id}" is missing`);
      }
      this.#selected = segment;
    }
    if (this.#selected !== undefined) this.#select(this.#selected);
    else this.#checkTargets();
  }

  #select(segment: Segment): void {
    this.#selected = segment;
    this.value = segment.model.value;
  }

  #checkTargets(): void {
    if (this.#active.length === 0 && this.#model.severalTargets) throw new RowFault("no segment is for it");
  }

  /** Runs the segments that are for a row. @returns how many of them have no prediction, and by weight how many of all */
  #runAll(row: Row): { readonly missing: number; readonly weight: number; readonly share: number } {
    let missing = 0;
    let weight = 0;
    let all = 0;
    for (const segment of this.#segments) {
      if (segment.test !== undefined && segment.test(row) !== TRUE) continue;
      segment.model.run(row, false);
      this.#active.push(segment);
      all += segment.weight;
      if (segment.model.value !== null) continue;
      missing++;
      weight += segment.weight;
    }
    return { missing, weight, share: missing === 0 ? 0 : weight / all };
  }

  /** Of labels with as many votes, the one that had its first vote first. */
  #firstElected(parts: readonly Segment[]): PmmlValue | null {
    const most = this.probability(null);
    return parts.find(({ value }) => this.probability(value) === most)?.value ?? this.value;
  }

  #combineNumbers(row: Row): void {
    const { method, missing: treatment, threshold, float } = this.#model;
    const { missing, share } = this.#runAll(row);
    if (this.#active.length === 0 || (missing > 0 && (treatment !== "skipSegment" || share > threshold))) return;
    const parts = missing === 0 ? this.#active : this.#active.filter(({ model }) => model.value !== null);
    if (parts.length === 0 && !method.endsWith("um")) throw new RowFault("no segment has a prediction");
    this.value = combineNumbers(method, parts, float ? Math.fround : asIs);
  }

  #combineLabels(row: Row): void {
    const { method, missing: treatment, threshold } = this.#model;
    const { missing, weight: lost, share } = this.#runAll(row);
    if (this.#active.length === 0) return;
    if (missing > 0 && (treatment === "returnMissing" || share > threshold)) return;
    const votes = method === "majorityVote" || method === "weightedMajorityVote";
    if (missing > 0 && treatment === "continue" && !votes) return;
    const parts = missing === 0 ? this.#active : this.#active.filter(({ value }) => value !== null);
    if (parts.length === 0) throw new RowFault("no segment has a prediction");
    const most = sharesOfParts(method, parts, this.#numbers, this.#shares);
    // Missing predictions are a vote of their own.
    if (treatment === "continue" && (method === "majorityVote" ? missing : lost) > most) return;
    this.predictByShares(this.#shares);
    if (method === "majorityVote" || method === "weightedMajorityVote") this.value = this.#firstElected(parts);
  }
}

function single(value: ResultValue | undefined): PmmlValue | null {
  return value === undefined || (typeof value === "object" && value !== null) ? null : value;
}

function asIs(value: number): number {
  return value;
}
