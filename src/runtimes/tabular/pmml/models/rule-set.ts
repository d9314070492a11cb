import type { PmmlValue } from "../../../../model/tabular/pmml-fields.ts";
import type { PmmlRule, PmmlRuleSet } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { predicateTest, type Test, TRUE } from "../predicates.ts";
import type { Row } from "../row.ts";

type Simple = PmmlRule & { readonly kind: "simple" };
interface Compiled {
  readonly test: Test;
  readonly rule: PmmlRule;
  readonly inner: readonly Compiled[];
}

/** The first rule that fires, or what those that fire say together. */
export class RuleSetEvaluator extends Evaluator {
  readonly #model: PmmlRuleSet;
  readonly #rules: readonly Compiled[];
  #entity: string | null = null;
  #confidences = new Map<PmmlValue, number>();

  constructor(model: PmmlRuleSet, fields: FieldReaders) {
    super(model, fields);
    this.#model = model;
    this.#rules = compile(model.rules, fields);
  }

  protected override evaluate(row: Row): void {
    const fired: Simple[] = [];
    collect(this.#rules, row, fired, this.#model.method === "firstHit");
    this.#confidences = new Map();
    this.#entity = null;
    if (fired.length === 0) {
      const { score, confidence } = this.#model;
      this.value = score;
      if (score !== null) this.#confidences.set(score, confidence);
      return;
    }
    this.#take(fired);
  }

  override confidence(label: PmmlValue | null): number | null {
    const wanted = label ?? this.value;
    return wanted === null ? null : (this.#confidences.get(wanted) ?? 0);
  }

  override probability(label: PmmlValue | null): number | null {
    return this.confidence(label);
  }

  override entity(): string | null {
    return this.#entity;
  }

  #take(fired: readonly Simple[]): void {
    const { method } = this.#model;
    if (method === "firstHit") {
      const [first] = fired;
      this.value = first.score;
      this.#entity = first.id;
      this.#confidences.set(first.score, first.confidence);
      return;
    }
    const weights = new Map<PmmlValue, { total: number; best: Simple }>();
    for (const rule of fired) {
      const known = weights.get(rule.score);
      if (known === undefined) weights.set(rule.score, { total: rule.weight, best: rule });
      else {
        known.total += rule.weight;
        if (rule.weight > known.best.weight) known.best = rule;
      }
    }
    // The rule of most weight stands for its label, and its confidence counts against those of other labels'.
    const points = (each: { total: number; best: Simple }) => (method === "weightedSum" ? each.total : each.best.confidence);
    let winner: PmmlValue | null = null;
    for (const [score, each] of weights) {
      if (winner === null || points(each) > points(weights.get(winner)!)) winner = score;
      this.#confidences.set(score, method === "weightedSum" ? each.total / fired.length : each.best.confidence);
    }
    this.value = winner;
    this.#entity = winner === null ? null : weights.get(winner)!.best.id;
  }
}

function compile(rules: readonly PmmlRule[], fields: FieldReaders): readonly Compiled[] {
  return rules.map((rule) => ({
    test: predicateTest(rule.predicate, fields),
    rule,
    inner: rule.kind === "compound" ? compile(rule.rules, fields) : [],
  }));
}

/** Rules that fire, in order. @returns whether it is enough */
function collect(rules: readonly Compiled[], row: Row, fired: Simple[], onlyFirst: boolean): boolean {
  for (const { test, rule, inner } of rules) {
    if (test(row) !== TRUE) continue;
    if (rule.kind === "compound") {
      if (collect(inner, row, fired, onlyFirst)) return true;
    } else {
      fired.push(rule);
      if (onlyFirst) return true;
    }
  }
  return false;
}
