import type { PmmlExpression, PmmlField, PmmlFunction } from "../../model/tabular/pmml-fields.ts";

/** Whether a field can be made of some others alone, whatever a request has. */
export function isMadeOf(
  slot: number,
  given: ReadonlySet<number>,
  fields: readonly PmmlField[],
  functions: readonly PmmlFunction[],
): boolean {
  const seen = new Set<number>();
  const waiting = [slot];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (given.has(next) || seen.has(next)) continue;
    seen.add(next);
    const { source } = fields[next];
    if (source.kind === "treated") waiting.push(source.of);
    else if (source.kind === "derived") waiting.push(...slotsOf(source.expression, functions, new Set()));
    else return false;
  }
  return true;
}

/** The fields that an expression reads, those within the functions that it calls among them, but not their parameters. */
function slotsOf(expression: PmmlExpression, functions: readonly PmmlFunction[], called: Set<number>): number[] {
  const all = (args: readonly PmmlExpression[]) => args.flatMap((arg) => slotsOf(arg, functions, called));
  switch (expression.kind) {
    case "constant":
      return [];
    case "field":
    case "norm-continuous":
    case "norm-discrete":
    case "discretize":
      return [expression.slot];
    case "cast":
      return all([expression.of]);
    case "map-values":
      return [...expression.slots];
    case "text-index":
      return [expression.text, ...all([expression.term])];
    case "apply":
      return all(expression.args);
    case "call": {
      const args = all(expression.args);
      if (called.has(expression.function)) return args;
      called.add(expression.function);
      const { parameters, body } = functions[expression.function];
      return [...args, ...slotsOf(body, functions, called).filter((slot) => !parameters.includes(slot))];
    }
  }
}
