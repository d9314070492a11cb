import type { PmmlExpression, PmmlType, PmmlValue } from "../../model/tabular/pmml-fields.ts";
import { castPmmlValue, isNumberType, parseNumber, parsePmmlValue } from "../../model/tabular/pmml-values.ts";
import { readInterval, readOptionalValue, readType, readValue } from "./data-dictionary.ts";
import { type Element, shortened } from "./element.ts";
import { builtInFunction } from "./function-types.ts";
import { cellOf, needCell, readInlineTable } from "./inline-table.ts";
import type { ReadExpression, Scope } from "./scope.ts";
import { readTextIndex } from "./text-index.ts";

const EXPRESSIONS = [
  "Constant",
  "FieldRef",
  "NormContinuous",
  "NormDiscrete",
  "Discretize",
  "MapValues",
  "TextIndex",
  "Apply",
  "Aggregate",
  "Lag",
];
/** Expressions within expressions within ... */
const MOST_NESTED = 400;
const COMPARISONS = new Set(["equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual", "isIn", "isNotIn"]);

/** The expression of a derived field, as a value of the field's type. */
export const readDerived: ReadExpression = (element, scope) => {
  const read = readOnlyExpression(element, scope);
  const expression = castTo(readType(element, read.type), read);
  return { expression, depth: depthOf(expression, scope) };
};

/** An expression as one of a type. */
export function castTo(type: PmmlType, expression: PmmlExpression): PmmlExpression {
  return expression.type === type ? expression : { kind: "cast", type, of: expression };
}

/** The expression that an element holds. */
export function readOnlyExpression(element: Element, scope: Scope, depth = 0): PmmlExpression {
  return readExpression(element.needChild(...EXPRESSIONS), scope, depth);
}

/** Whether an element holds an expression. */
export function holdsExpression(element: Element): boolean {
  return element.child(...EXPRESSIONS) !== undefined;
}

/** An element that is an expression. @throws ServingError unimplemented for a kind or function that is not covered. */
export function readExpression(element: Element, scope: Scope, depth = 0): PmmlExpression {
  if (depth > MOST_NESTED) throw element.refused(`more than ${MOST_NESTED} expressions within each other`);
  switch (element.name) {
    case "Constant":
      return readConstant(element);
    case "FieldRef": {
      const slot = scope.slot(element.need("field"), element);
      const { type } = scope.document.fields[slot];
      return { kind: "field", type, slot, missing: readOptionalValue(element, "mapMissingTo", type) };
    }
    case "NormContinuous":
      return readNormContinuous(element, scope);
    case "NormDiscrete":
      return readNormDiscrete(element, scope);
    case "Discretize":
      return readDiscretize(element, scope);
    case "MapValues":
      return readMapValues(element, scope);
    case "TextIndex":
      return readTextIndex(element, scope, (each) => readOnlyExpression(each, scope, depth + 1));
    case "Apply":
      return readApply(element, scope, depth);
    default:
      throw element.uncovered();
  }
}

/** Pieces of a line, as a `<NormContinuous>` has them: at least two points that rise. */
export function readLine(element: Element): { readonly orig: readonly number[]; readonly norm: readonly number[] } {
  const points = element.all("LinearNorm");
  const orig = points.map((point) => point.number("orig"));
  const norm = points.map((point) => point.number("norm"));
  if (orig.length < 2) throw element.fault("has fewer than two <LinearNorm>");
  if (orig.some((value, i) => i > 0 && !(value > orig[i - 1]))) throw element.fault("has <LinearNorm> that do not rise");
  return { orig, norm };
}

function readConstant(element: Element): PmmlExpression {
  const { text } = element;
  if (element.get("dataType") === undefined) {
    const number = parseNumber(text);
    if (element.flag("missing")) return { kind: "constant", type: "double", value: null };
    if (number === undefined || !Number.isFinite(number)) return { kind: "constant", type: "string", value: text };
    return { kind: "constant", type: /^\s*[+-]?\d+\s*$/.test(text) ? "integer" : "double", value: number };
  }
  const type = readType(element);
  if (element.flag("missing")) return { kind: "constant", type, value: null };
  const value = parsePmmlValue(text, type);
  if (value === undefined) throw element.fault(`has "${shortened(text)}", which is no ${type}`);
  return { kind: "constant", type, value };
}

function readNormContinuous(element: Element, scope: Scope): PmmlExpression {
  const outliers = element.choice("outliers", ["asIs", "asMissingValues", "asExtremeValues"], "asIs");
  const missing = element.get("mapMissingTo") === undefined ? null : element.number("mapMissingTo");
  return {
    kind: "norm-continuous",
    type: "double",
    slot: numberSlot(element, scope),
    ...readLine(element),
    outliers,
    missing,
  };
}

function readNormDiscrete(element: Element, scope: Scope): PmmlExpression {
  element.choice("method", ["indicator"], "indicator");
  const slot = scope.slot(element.need("field"), element);
  const value = readValue(element, "value", scope.document.fields[slot].type);
  const missing = element.get("mapMissingTo") === undefined ? null : element.number("mapMissingTo");
  return { kind: "norm-discrete", type: "double", slot, value, missing };
}

function readDiscretize(element: Element, scope: Scope): PmmlExpression {
  const type = readType(element, "string");
  return {
    kind: "discretize",
    type,
    slot: numberSlot(element, scope),
    bins: element.all("DiscretizeBin").map((bin) => ({
      interval: readInterval(bin.needChild("Interval")),
      value: readValue(bin, "binValue", type),
    })),
    otherwise: readOptionalValue(element, "defaultValue", type),
    missing: readOptionalValue(element, "mapMissingTo", type),
  };
}

function numberSlot(element: Element, scope: Scope): number {
  const slot = scope.slot(element.need("field"), element);
  if (scope.document.fields[slot].type === "string") throw element.fault("is of a field of texts, where a number is expected");
  return slot;
}

function readMapValues(element: Element, scope: Scope): PmmlExpression {
  const type = readType(element, "string");
  const output = element.need("outputColumn");
  const pairs = element.all("FieldColumnPair").map((pair) => ({
    slot: scope.slot(pair.need("field"), pair),
    column: pair.need("column"),
  }));
  if (pairs.length === 0) throw element.fault("has no <FieldColumnPair>");
  const rows = readInlineTable(element).flatMap((row) => {
    const keys: PmmlValue[] = [];
    for (const { slot, column } of pairs) {
      const text = cellOf(row, column);
      const key = text === undefined ? undefined : parsePmmlValue(text, scope.document.fields[slot].type);
      // No value of the field's is such a key.
      if (key === undefined) return [];
      keys.push(key);
    }
    const text = needCell(row, output, element);
    const value = parsePmmlValue(text, type);
    if (value === undefined) throw element.fault(`has "${shortened(text)}" in its output column, which is no ${type}`);
    return [{ keys, value }];
  });
  return {
    kind: "map-values",
    type,
    slots: pairs.map(({ slot }) => slot),
    rows,
    otherwise: readOptionalValue(element, "defaultValue", type),
    missing: readOptionalValue(element, "mapMissingTo", type),
  };
}

function readApply(element: Element, scope: Scope, depth: number): PmmlExpression {
  const name = element.need("function");
  const given = element.all(...EXPRESSIONS).map((each) => readExpression(each, scope, depth + 1));
  const invalid = element.choice("invalidValueTreatment", ["returnInvalid", "asIs", "asMissing"], "returnInvalid");
  const defined = scope.document.functionElements.get(name);
  if (defined !== undefined) {
    const index = readFunction(name, defined, given, scope);
    const { type } = scope.document.functions[index].body;
    return { kind: "call", type, function: index, args: given, ...alternatives(element, type) };
  }
  const builtIn = builtInFunction(name);
  if (builtIn === undefined) throw element.refused(`the function "${shortened(name)}"`);
  if (given.length < builtIn.least || given.length > builtIn.most)
    throw element.fault(`gives ${given.length} arguments to the function "${name}"`);
  const args = COMPARISONS.has(builtIn.name) ? likeFirst(given) : given;
  const type = builtIn.type(args.map((arg) => arg.type));
  const [first] = args;
  const order = first.kind === "field" ? scope.document.fields[first.slot].order : undefined;
  if (/^(?:less|greater)/.test(builtIn.name) && order === undefined && args.some((arg) => arg.type === "string"))
    throw element.refused(`"${builtIn.name}" of texts`);
  return {
    kind: "apply",
    type,
    function: builtIn.name,
    args,
    invalid,
    ...alternatives(element, type),
    ...(order && { order }),
  };
}

/** Constants that are compared with what comes first, in its type where they can be. */
function likeFirst(args: readonly PmmlExpression[]): readonly PmmlExpression[] {
  const [{ type }] = args;
  return args.map((arg) => {
    if (arg.kind !== "constant" || arg.value === null || arg.type === type || (isNumberType(arg.type) && isNumberType(type)))
      return arg;
    const value = castPmmlValue(arg.value, arg.type, type);
    return value === undefined ? arg : { kind: "constant", type, value };
  });
}

function alternatives(
  element: Element,
  type: PmmlType,
): { readonly missing: PmmlValue | null; readonly otherwise: PmmlValue | null } {
  // Whole numbers may have a fraction in their place.
  const read = (name: string) => readOptionalValue(element, name, type === "integer" ? "double" : type);
  return { missing: read("mapMissingTo"), otherwise: read("defaultValue") };
}

/** The number of a function for arguments of these types. */
function readFunction(name: string, element: Element, args: readonly PmmlExpression[], scope: Scope): number {
  const parameters = element.all("ParameterField");
  if (parameters.length !== args.length)
    throw element.fault(`has ${parameters.length} parameters and is given ${args.length} arguments`);
  const types = parameters.map((parameter, i) => readType(parameter, args[i].type));
  return scope.document.function(`${name}(${types.join()})`, element, () => {
    const { document } = scope;
    const inner = scope.ofFunction();
    const slots = parameters.map((parameter, i) => {
      const slot = document.given(parameter.need("name"), types[i], isNumberType(types[i]) ? "continuous" : "categorical");
      inner.declare(parameter.need("name"), slot);
      return slot;
    });
    const body = readOnlyExpression(element, inner);
    const whole = element.get("dataType") === undefined ? body : castTo(readType(element), body);
    return {
      function: { name, parameters: slots, body: whole },
      depth: depthOf(whole, scope) + inner.depth,
      steps: stepsOf(whole, scope),
    };
  });
}

/** How deep an expression is nested, and the functions that it calls. */
function depthOf(expression: PmmlExpression, scope: Scope): number {
  const deepest = (args: readonly PmmlExpression[]) => args.reduce((most, arg) => Math.max(most, depthOf(arg, scope)), 0);
  switch (expression.kind) {
    case "cast":
      return 1 + deepest([expression.of]);
    case "apply":
      return 1 + deepest(expression.args);
    case "call":
      return 1 + scope.document.depthOfFunction(expression.function) + deepest(expression.args);
    case "text-index":
      return 1 + deepest([expression.term]);
    case "constant":
    case "field":
    case "norm-continuous":
    case "norm-discrete":
    case "discretize":
    case "map-values":
      return 1;
  }
}

/** How many steps an expression takes, those of the functions that it calls among them. */
function stepsOf(expression: PmmlExpression, scope: Scope): number {
  const all = (args: readonly PmmlExpression[]) => args.reduce((sum, arg) => sum + stepsOf(arg, scope), 0);
  switch (expression.kind) {
    case "cast":
      return 1 + all([expression.of]);
    case "apply":
      return 1 + all(expression.args);
    case "call":
      return 1 + scope.document.stepsOfFunction(expression.function) + all(expression.args);
    case "text-index":
      return 1 + all([expression.term]);
    case "constant":
    case "field":
    case "norm-continuous":
    case "norm-discrete":
    case "discretize":
    case "map-values":
      return 1;
  }
}
