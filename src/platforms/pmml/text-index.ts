import type { PmmlExpression, PmmlTextNormalization, PmmlTextRules } from "../../model/tabular/pmml-fields.ts";
import { type Element, shortened } from "./element.ts";
import { cellOf, needCell, readInlineTable } from "./inline-table.ts";
import type { Scope } from "./scope.ts";

/** Edits beyond this many are not counted. */
const MOST_DISTANCE = 100;
const SPACES = "\\s+";

/** A `<TextIndex>`: how often a term is in a text. `readTerm` reads the expression that it holds. */
export function readTextIndex(element: Element, scope: Scope, readTerm: (element: Element) => PmmlExpression): PmmlExpression {
  const weights = element.choice(
    "localTermWeights",
    ["termFrequency", "binary", "logarithmic", "augmentedNormalizedTermFrequency"],
    "termFrequency",
  );
  const text = scope.slot(element.need("textField"), element);
  if (scope.document.fields[text].type !== "string") throw element.fault("is of a field that has no texts");
  const rules = { ...readRules(element, { caseSensitive: false, maxDistance: 0, tokenizes: true, separator: SPACES }) };
  return {
    kind: "text-index",
    type: weights === "termFrequency" || weights === "binary" ? "integer" : "double",
    text,
    term: readTerm(element),
    weights,
    hits: element.choice("countHits", ["allHits", "bestHits"], "allHits"),
    rules: { ...rules, normalizations: element.all("TextIndexNormalization").map((each) => readNormalization(each, rules)) },
  };
}

type Rules = Omit<PmmlTextRules, "normalizations">;

function readRules(element: Element, otherwise: Rules): Rules {
  const separator = element.get("wordSeparatorCharacterRE") ?? otherwise.separator;
  checkPattern(separator, element);
  return {
    caseSensitive: element.flag("isCaseSensitive", otherwise.caseSensitive),
    maxDistance: element.integer("maxLevenshteinDistance", 0, MOST_DISTANCE, otherwise.maxDistance),
    tokenizes: element.flag("tokenize", otherwise.tokenizes),
    separator,
  };
}

function readNormalization(element: Element, rules: Rules): PmmlTextNormalization {
  const input = element.get("inField") ?? "string";
  const output = element.get("outField") ?? "stem";
  const regex = element.get("regexField") ?? "regex";
  const rows = readInlineTable(element).map((row) => {
    const flag = cellOf(row, regex)?.trim();
    const find = needCell(row, input, element);
    const isRegex = flag === "true" || flag === "1";
    if (isRegex) checkPattern(find, element);
    return { find, replace: needCell(row, output, element), regex: isRegex };
  });
  return { ...readRules(element, rules), recursive: element.flag("recursive"), rows };
}

/** @throws ServingError unimplemented for a regular expression that JavaScript does not know. */
function checkPattern(pattern: string, element: Element): void {
  try {
    new RegExp(pattern);
  } catch {
    throw element.refused(`the regular expression "${shortened(pattern)}"`);
  }
}
