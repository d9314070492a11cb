/** What an expression asks of one metric. */
export interface Selection {
  readonly metric: string;
  /** The labels that its matchers name. */
  readonly labels: readonly string[];
}

/** The names in an expression of PromQL. */
export interface PromqlNames {
  readonly selections: readonly Selection[];
  /** The labels that `by`, `on` and their like name. */
  readonly grouping: readonly string[];
}

const TOKEN =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|\d+(?:\.\d+)?(?:e[+-]?\d+)?[smhdwy]?|[a-zA-Z_:][\w:]*|[=!]~|[=!<>]=|\S/g;
const NAME = /^[a-zA-Z_:]/;
const GROUPING: ReadonlySet<string> = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);
const OPERATORS: ReadonlySet<string> = new Set(["and", "or", "unless", "bool", "offset", "inf", "nan"]);

/** Reads the metrics and labels that an expression names; enough of PromQL's grammar for dashboards and rules. */
export function promqlNames(expression: string): PromqlNames {
  const tokens = expression.match(TOKEN) ?? [];
  const selections: Selection[] = [];
  const grouping: string[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    const next = tokens[at + 1];
    if (!NAME.test(token) || (OPERATORS.has(token.toLowerCase()) && next !== "{")) continue;
    if (GROUPING.has(token)) {
      if (next !== "(") continue;
      for (at += 2; tokens[at] !== ")"; at++) if (NAME.test(tokens[at] ?? "")) grouping.push(tokens[at]!);
      continue;
    }
    // An aggregation's labels may come before its brackets: sum by (a) (b).
    if (next === "(" || (next !== undefined && GROUPING.has(next) && isAggregation(tokens, at + 1))) continue;
    const labels: string[] = [];
    if (next === "{") {
      for (at += 2; tokens[at] !== "}"; at++) {
        if (at >= tokens.length) throw new Error(`no end of the matchers: ${expression}`);
        if (NAME.test(tokens[at]!)) labels.push(tokens[at]!);
      }
    }
    selections.push({ metric: token, labels });
  }
  return { selections, grouping };
}

/** Whether the brackets after `by` or `without` are followed by brackets again. */
function isAggregation(tokens: readonly string[], at: number): boolean {
  if (tokens[at] !== "by" && tokens[at] !== "without") return false;
  return tokens[tokens.indexOf(")", at) + 1] === "(";
}
