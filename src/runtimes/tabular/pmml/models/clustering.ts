import type { PmmlClustering, PmmlOutputFeature } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { type Measure, measureOf } from "../measures.ts";
import { type Read, type Row, RowFault } from "../row.ts";

/** The nearest of some centers, or the one most alike. */
export class ClusteringEvaluator extends Evaluator {
  readonly #model: PmmlClustering;
  readonly #reads: readonly Read[];
  readonly #measure: Measure;
  readonly #far: Float64Array;

  constructor(model: PmmlClustering, fields: FieldReaders) {
    super(model, fields);
    this.#model = model;
    this.#reads = model.fields.map(({ slot }) => fields.reader(slot));
    this.#measure = measureOf(model.measure, model.fields, model.missingWeights);
    this.#far = new Float64Array(model.clusters.length);
  }

  protected override evaluate(row: Row): void {
    const { clusters, measure } = this.#model;
    const point = this.#reads.map((read) => read(row));
    let best = 0;
    for (let i = 0; i < clusters.length; i++) {
      this.#far[i] = this.#measure(point, clusters[i].center);
      if (Number.isNaN(this.#far[i])) throw new RowFault("there is nothing to compare with clusters");
      if (measure.kind === "distance" ? this.#far[i] < this.#far[best] : this.#far[i] > this.#far[best]) best = i;
    }
    this.value = clusters[best].id;
  }

  override displayValue(): string | null {
    return this.#model.clusters.find(({ id }) => id === this.value)?.name ?? null;
  }

  override entity(rank: number): string | null {
    return this.#model.clusters[this.#ranked(rank)]?.id ?? null;
  }

  override affinity({ entity, rank }: PmmlOutputFeature & { readonly kind: "affinity" }): number | null {
    const at = entity === null ? this.#ranked(rank) : this.#model.clusters.findIndex(({ id }) => id === entity);
    return this.#far[at] ?? null;
  }

  /** How far each cluster is, in their order. */
  get distances(): Float64Array {
    return this.#far;
  }

  #ranked(rank: number): number {
    const order = Array.from(this.#far.keys());
    const sign = this.#model.measure.kind === "distance" ? 1 : -1;
    return order.sort((a, b) => sign * (this.#far[a] - this.#far[b]))[rank - 1] ?? -1;
  }
}
