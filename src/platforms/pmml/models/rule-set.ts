import type { PmmlRule } from "../../../model/tabular/pmml-models.ts";
import { readOptionalValue, readValue } from "../data-dictionary.ts";
import type { Element } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { readPredicate } from "../read-predicate.ts";

const MOST_NESTED = 400;

/** A `<RuleSetModel>`: by the first of its selection methods. */
export function readRuleSet({ element, scope, target }: ModelSource): ReadBody {
  const set = element.needChild("RuleSet");
  const method = set.needChild("RuleSelectionMethod").choice("criterion", ["weightedSum", "weightedMax", "firstHit"]);
  let count = 0;
  const rules = readRules(set);
  const labels = new Set(target.labels);
  addLabels(rules);
  const score = readOptionalValue(set, "defaultScore", target.type);
  if (score !== null) labels.add(score);
  return {
    body: { kind: "rule-set", method, rules, score, confidence: set.number("defaultConfidence", 0) },
    labels: [...labels],
  };

  function readRules(parent: Element, depth = 0): PmmlRule[] {
    if (depth > MOST_NESTED) throw parent.refused(`more than ${MOST_NESTED} rules within each other`);
    return parent.all("SimpleRule", "CompoundRule").map((each): PmmlRule => {
      const predicate = readPredicate(each, scope);
      if (each.name === "CompoundRule") return { kind: "compound", predicate, rules: readRules(each, depth + 1) };
      count++;
      return {
        kind: "simple",
        id: each.get("id") ?? String(count),
        predicate,
        score: readValue(each, "score", target.type),
        weight: each.number("weight", 1),
        confidence: each.number("confidence", 1),
      };
    });
  }

  function addLabels(among: readonly PmmlRule[]): void {
    for (const rule of among) {
      if (rule.kind === "compound") addLabels(rule.rules);
      else labels.add(rule.score);
    }
  }
}
