import type { PmmlAnomaly } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import type { Row } from "../row.ts";
import type { ClusteringEvaluator } from "./clustering.ts";

/** A score of how odd a row is, by another model. */
export class AnomalyEvaluator extends Evaluator {
  readonly #model: PmmlAnomaly;
  readonly #of: Evaluator;

  constructor(model: PmmlAnomaly, fields: FieldReaders, of: Evaluator) {
    super(model, fields);
    this.#model = model;
    this.#of = of;
  }

  protected override evaluate(row: Row): void {
    this.#of.run(row);
    this.value = this.#score(this.#of.value === null ? Number.NaN : Number(this.#of.value));
  }

  #score(value: number): number | null {
    const { score } = this.#model;
    if (score.kind === "cluster-distance") {
      const { distances } = this.#of as ClusteringEvaluator;
      const nearest = distances.reduce((best, far, i) => (far < distances[best] ? i : best), 0);
      return distances[nearest] / score.means[nearest];
    }
    if (Number.isNaN(value)) return null;
    return score.kind === "as-is" ? value : 2 ** (-value / score.mean);
  }
}
