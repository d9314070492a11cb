import type { PmmlScorecard } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import { expressionNumber } from "../expressions.ts";
import type { FieldReaders } from "../field-readers.ts";
import { predicateTest, type Test, TRUE } from "../predicates.ts";
import { type ReadNumber, type Row, RowFault } from "../row.ts";

interface Attribute {
  readonly test: Test;
  readonly reason: string | null;
  readonly score: ReadNumber;
}

/** Points of characteristics, and what took most of them away. */
export class ScorecardEvaluator extends Evaluator {
  readonly #model: PmmlScorecard;
  readonly #characteristics: readonly {
    readonly name: string;
    readonly baseline: number;
    readonly attributes: readonly Attribute[];
  }[];
  /** Points by reason, in the order in which reasons came up. */
  readonly #points = new Map<string, number>();

  constructor(model: PmmlScorecard, fields: FieldReaders) {
    super(model, fields);
    this.#model = model;
    this.#characteristics = model.characteristics.map(({ name, baseline, attributes }) => ({
      name,
      baseline,
      attributes: attributes.map(({ predicate, reason, score }) => ({
        test: predicateTest(predicate, fields),
        reason,
        score: typeof score === "number" ? () => score : expressionNumber(score, fields),
      })),
    }));
  }

  protected override evaluate(row: Row): void {
    const { initial, pointsAbove, reasons } = this.#model;
    this.#points.clear();
    let sum = initial;
    for (const { name, baseline, attributes } of this.#characteristics) {
      const attribute = attributes.find(({ test }) => test(row) === TRUE);
      if (attribute === undefined) throw new RowFault(`no attribute of the characteristic "${name}" is for it`);
      const score = attribute.score(row);
      if (Number.isNaN(score)) {
        this.value = null;
        return;
      }
      sum += score;
      if (!reasons || attribute.reason === null) continue;
      const lost = pointsAbove ? score - baseline : baseline - score;
      this.#points.set(attribute.reason, (this.#points.get(attribute.reason) ?? 0) + lost);
    }
    this.value = sum;
  }

  /** Reasons that cost points, the most first. */
  override reasonCode(rank: number): string | null {
    const ranked = [...this.#points].filter(([, points]) => points >= 0).sort(([, a], [, b]) => b - a);
    return ranked[rank - 1]?.[0] ?? null;
  }
}
