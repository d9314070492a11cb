import type { PmmlAssociation, PmmlAssociationRule } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator, type ResultValue, type RuleQuery } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { type Read, type Row, RowFault, shown } from "../row.ts";

const YES: ReadonlySet<unknown> = new Set([true, 1, "T", "true", "1"]);
const NO: ReadonlySet<unknown> = new Set([false, 0, "F", "false", "0"]);

/** What baskets have that is in rules. */
export class AssociationEvaluator extends Evaluator {
  readonly #model: PmmlAssociation;
  readonly #reads: readonly Read[];
  readonly #names: ReadonlyMap<string, number>;
  #items: ReadonlySet<number> = new Set();

  constructor(model: PmmlAssociation, fields: FieldReaders) {
    super(model, fields);
    this.#model = model;
    this.#reads = model.items.map(({ slot }) => fields.reader(slot));
    this.#names = new Map(model.values.map((value, i) => [value, i]));
  }

  protected override evaluate(row: Row): void {
    const items = new Set<number>();
    const { list } = this.#model;
    if (list !== undefined) {
      const given = (row.columns[list] as readonly (readonly (string | null)[] | null)[])[row.index];
      if (given === null) throw new RowFault("the items are missing");
      for (const item of given) {
        const number = item === null ? undefined : this.#names.get(item);
        if (number !== undefined) items.add(number);
      }
    }
    for (const [i, { value, item }] of this.#model.items.entries()) {
      const given = this.#reads[i](row);
      if (given === null) continue;
      if (value !== null ? given === value : isYes(given)) items.add(item);
    }
    this.#items = items;
  }

  override entity(rank: number): string | null {
    return (
      this.#ranked({
        kind: "rule",
        part: "ruleId",
        algorithm: "exclusiveRecommendation",
        basis: "confidence",
        ascending: false,
        rank,
      })[rank - 1]?.id ?? null
    );
  }

  override rules(query: RuleQuery): ResultValue {
    const ranked = this.#ranked(query);
    if (query.rank === 0) return ranked.map((rule) => this.#part(rule, query.part) as string | number | null);
    const rule = ranked[query.rank - 1];
    return rule === undefined ? null : this.#part(rule, query.part);
  }

  #ranked({ algorithm, basis, ascending }: RuleQuery): readonly PmmlAssociationRule[] {
    const sign = ascending ? 1 : -1;
    return this.#model.rules.filter((rule) => this.#fires(rule, algorithm)).sort((a, b) => sign * (a[basis] - b[basis]) || 0);
  }

  #fires({ antecedent, consequent }: PmmlAssociationRule, algorithm: RuleQuery["algorithm"]): boolean {
    const has = (items: readonly number[]) => items.every((item) => this.#items.has(item));
    if (!has(antecedent)) return false;
    if (algorithm === "recommendation") return true;
    return has(consequent) === (algorithm === "ruleAssociation");
  }

  #part(rule: PmmlAssociationRule, part: RuleQuery["part"]): ResultValue {
    const names = (items: readonly number[]) => items.map((item) => this.#model.values[item]);
    switch (part) {
      case "antecedent":
      case "consequent":
        return names(rule[part]);
      case "rule":
        return `{${names(rule.antecedent).join(",")}}->{${names(rule.consequent).join(",")}}`;
      case "ruleId":
        return rule.id;
      case "confidence":
      case "support":
      case "lift":
      case "leverage":
      case "affinity":
        return Number.isNaN(rule[part]) ? null : rule[part];
    }
  }
}

function isYes(value: string | number | boolean): boolean {
  if (YES.has(value)) return true;
  if (NO.has(value)) return false;
  throw new RowFault(`${shown(value)} does not say whether an item is there`);
}
