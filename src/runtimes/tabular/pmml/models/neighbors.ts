import { ServingError } from "../../../../base/serving-error.ts";
import type { PmmlValue } from "../../../../model/tabular/pmml-fields.ts";
import type { PmmlNeighbors, PmmlOutputFeature } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator, type ResultValue } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { type Measure, measureOf } from "../measures.ts";
import { type Read, Row, RowFault } from "../row.ts";

type Target = PmmlNeighbors["targets"][number];

/** What the nearest of some instances have. */
export class NeighborsEvaluator extends Evaluator {
  readonly #model: PmmlNeighbors;
  readonly #reads: readonly Read[];
  readonly #measure: Measure;
  /** What is compared of each instance. */
  readonly #instances: readonly (readonly (PmmlValue | null)[])[];
  readonly #values = new Map<string, PmmlValue | null>();
  /** Instances that somebody asks for, the nearest first. */
  #ranked: readonly number[] = [];
  /** Those that are neighbours. */
  #nearest: readonly number[] = [];
  readonly #ranks: number;
  readonly #far: Float64Array;

  constructor(model: PmmlNeighbors, fields: FieldReaders) {
    super(model, fields, labelsOf(model.targets[0]));
    this.#model = model;
    this.#reads = model.fields.map(({ slot }) => fields.reader(slot));
    this.#measure = measureOf(model.measure, model.fields);
    this.#instances = this.#comparedInstances(fields);
    this.#far = new Float64Array(this.#instances.length);
    this.#ranks = model.outputs.reduce((most, { what }) => Math.max(most, "rank" in what ? what.rank : 0), model.count);
  }

  protected override evaluate(row: Row): void {
    const { count, targets, measure } = this.#model;
    const point = this.#reads.map((read) => read(row));
    for (let i = 0; i < this.#far.length; i++) {
      this.#far[i] = this.#measure(point, this.#instances[i]);
      if (Number.isNaN(this.#far[i])) throw new RowFault("there is nothing to compare with neighbours");
    }
    this.#ranked = nearest(this.#far, this.#ranks, measure.kind === "distance");
    this.#nearest = this.#ranked.slice(0, count);
    if (targets.length === 0) this.value = this.#model.ids[this.#nearest[0]] ?? null;
    for (const [i, target] of targets.entries()) {
      const value = this.#predict(target, i === 0);
      this.#values.set(target.target.name, value);
      if (i === 0) this.value = value;
    }
  }

  protected override targetResult(name: string, row: Row): ResultValue | undefined {
    return this.#values.get(name) ?? super.targetResult(name, row);
  }

  override valueOf(target: string): PmmlValue | null {
    return this.#values.get(target) ?? null;
  }

  override entity(rank: number): string | null {
    return this.#model.ids[this.#ranked[rank - 1]] ?? null;
  }

  override affinity({ entity, rank }: PmmlOutputFeature & { readonly kind: "affinity" }): number | null {
    const at = entity === null ? this.#ranked[rank - 1] : this.#model.ids.indexOf(entity);
    return this.#far[at] ?? null;
  }

  /** Instances have values of fields; others that are compared are made of these. */
  #comparedInstances(fields: FieldReaders): readonly (readonly (PmmlValue | null)[])[] {
    const { given, instances, ids } = this.#model;
    const row = new Row(fields.fields.length);
    return ids.map((_, i) => {
      row.begin(i);
      for (const [j, slot] of given.entries()) row.give(slot, instances[i * given.length + j]);
      try {
        return this.#reads.map((read) => read(row));
      } catch (reason) {
        if (!(reason instanceof RowFault)) throw reason;
        throw new ServingError("data-loss", `training instance ${i} cannot be compared: ${reason.message}`, { cause: reason });
      }
    });
  }

  #predict({ continuous, method, values }: Target, first: boolean): PmmlValue | null {
    const found = this.#nearest.flatMap((at) => {
      const value = values[at];
      return value === null
        ? []
        : [{ value, weight: method.startsWith("weighted") ? 1 / (this.#far[at] + this.#model.threshold) : 1 }];
    });
    if (found.length === 0) return null;
    return continuous ? average(method, found) : this.#vote(found, values, first);
  }

  #vote(found: readonly Weighted[], all: readonly (PmmlValue | null)[], first: boolean): PmmlValue {
    const votes = new Map<PmmlValue, number>();
    for (const { value, weight } of found) votes.set(value, (votes.get(value) ?? 0) + weight);
    const most = Math.max(...votes.values());
    const best = [...votes].flatMap(([value, weight]) => (weight === most ? [value] : []));
    if (first) this.#share(votes);
    if (best.length === 1) return best[0];
    const frequency = (value: PmmlValue) => all.filter((each) => each === value).length;
    // The most frequent of all, then the first by name.
    return best.sort((a, b) => frequency(b) - frequency(a) || (a < b ? -1 : 1))[0];
  }

  #share(votes: ReadonlyMap<PmmlValue, number>): void {
    const total = [...votes.values()].reduce((sum, weight) => sum + weight, 0);
    this.shares = Float64Array.from(this.labels, (label) => (votes.get(label) ?? 0) / total);
  }
}

interface Weighted {
  readonly value: PmmlValue;
  readonly weight: number;
}

function labelsOf(target: Target | undefined): readonly PmmlValue[] {
  if (target === undefined || target.continuous) return [];
  return [...new Set(target.values)].filter((value) => value !== null);
}

function average(method: Target["method"], found: readonly Weighted[]): number {
  if (method === "median") {
    const sorted = found.map(({ value }) => Number(value)).sort((a, b) => a - b);
    const half = Math.floor(sorted.length / 2);
    return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
  const weights = found.reduce((sum, { weight }) => sum + weight, 0);
  return found.reduce((sum, { value, weight }) => sum + Number(value) * weight, 0) / weights;
}

/** The places of the nearest, of equals the first. */
function nearest(far: Float64Array, count: number, least: boolean): readonly number[] {
  const sign = least ? 1 : -1;
  const found: number[] = [];
  for (let i = 0; i < far.length; i++) {
    if (found.length === count && sign * (far[i] - far[found[count - 1]]) >= 0) continue;
    let at = found.length;
    while (at > 0 && sign * (far[found[at - 1]] - far[i]) > 0) at--;
    found.splice(at, 0, i);
    if (found.length > count) found.pop();
  }
  return found;
}
