import type { PmmlComparison, PmmlField, PmmlPredicate, PmmlValue } from "../../model/tabular/pmml-fields.ts";
import { parseNumber, parsePmmlValue } from "../../model/tabular/pmml-values.ts";
import { type Element, shortened } from "./element.ts";
import { readWords } from "./read-array.ts";
import type { Scope } from "./scope.ts";

const PREDICATES = ["SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True", "False"];
const COMPARISONS: readonly PmmlComparison[] = ["equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"];
const OPERATORS = [...COMPARISONS, "isMissing", "isNotMissing"] as const;

/** Conditions within conditions within ... */
const MOST_NESTED = 400;

/** The condition that an element holds. */
export function readPredicate(element: Element, scope: Scope): PmmlPredicate {
  return readCondition(element.needChild(...PREDICATES), scope);
}

function readCondition(element: Element, scope: Scope, depth = 0): PmmlPredicate {
  if (depth > MOST_NESTED) throw element.refused(`more than ${MOST_NESTED} conditions within each other`);
  switch (element.name) {
    case "True":
      return { kind: "true" };
    case "False":
      return { kind: "false" };
    case "SimplePredicate":
      return readSimple(element, scope);
    case "SimpleSetPredicate": {
      const slot = scope.slot(element.need("field"), element);
      const is = element.choice("booleanOperator", ["isIn", "isNotIn"]) === "isIn";
      const field = scope.document.fields[slot];
      // What no value of the field is makes no difference.
      const values = readWords(element.needChild("Array")).flatMap((word) => operand(word, field) ?? []);
      return { kind: "set", slot, is, values };
    }
    default: {
      const operator = element.choice("booleanOperator", ["and", "or", "xor", "surrogate"]);
      const of = element.all(...PREDICATES).map((each) => readCondition(each, scope, depth + 1));
      if (of.length === 0) throw element.fault("holds no condition");
      return { kind: "compound", operator, of };
    }
  }
}

function readSimple(element: Element, scope: Scope): PmmlPredicate {
  const slot = scope.slot(element.need("field"), element);
  const operator = element.choice("operator", OPERATORS);
  if (operator === "isMissing" || operator === "isNotMissing") return { kind: "missing", slot, is: operator === "isMissing" };
  const field = scope.document.fields[slot];
  if (operator !== "equal" && operator !== "notEqual" && field.type === "string" && field.order === undefined)
    throw element.refused(`operator="${operator}" of texts`);
  const text = element.need("value");
  const value = operand(text, field);
  return value === undefined ? { kind: "unreadable", slot, text: shortened(text) } : { kind: "compare", operator, slot, value };
}

/** What a field is compared with: whole numbers with a fraction too. Undefined for what is none of its values. */
function operand(text: string, { type }: PmmlField): PmmlValue | undefined {
  const value = type === "integer" ? parseNumber(text) : parsePmmlValue(text, type);
  return typeof value === "number" && Number.isNaN(value) ? undefined : value;
}
