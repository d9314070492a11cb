import { PickleName, PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { NumberFunction } from "../../model/tabular/feature-operations.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type NumberRows, numberRows, type Rows } from "./rows.ts";

/** Places of columns in all products of PolynomialFeatures together. */
const MOST_FACTORS = 1 << 22;
const TURN_TERMS = 1000;

/** Functions of numpy's, and of Python's, that FunctionTransformer may have. */
const FUNCTIONS: ReadonlyMap<string, NumberFunction> = new Map<string, NumberFunction>([
  ["abs", "abs"],
  ["absolute", "abs"],
  ["fabs", "abs"],
  ["cbrt", "cbrt"],
  ["ceil", "ceil"],
  ["cos", "cos"],
  ["exp", "exp"],
  ["exp2", "exp2"],
  ["expm1", "expm1"],
  ["floor", "floor"],
  ["log", "log"],
  ["log10", "log10"],
  ["log1p", "log1p"],
  ["log2", "log2"],
  ["negative", "negative"],
  ["reciprocal", "reciprocal"],
  ["rint", "round"],
  ["sign", "sign"],
  ["sin", "sin"],
  ["sqrt", "sqrt"],
  ["square", "square"],
  ["tan", "tan"],
  ["tanh", "tanh"],
]);

/** PolynomialFeatures. */
export async function polynomialFeatures(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): Promise<NumberRows> {
  const [least, most] = degreesOf(estimator);
  const interactions = estimator.isTrue("interaction_only");
  const starts = [0];
  const factors: number[] = [];
  if (estimator.isTrue("include_bias")) starts.push(0);
  for (let degree = Math.max(1, least); degree <= most; degree++) {
    for (const term of combinations(columns, degree, interactions)) {
      factors.push(...term);
      starts.push(factors.length);
      if (starts.length % TURN_TERMS === 0) await builder.turn(TURN_TERMS);
      if (factors.length > MOST_FACTORS)
        throw estimator.uncovered(`products of more than ${MOST_FACTORS} columns together are not covered`);
    }
  }
  const finite = builder.link(from, { kind: "finite", nan: "refused" });
  const step = { kind: "monomials", starts: sharedIntegers(starts), columns: sharedIntegers(factors) } as const;
  return numberRows(builder.add(finite, step), starts.length - 1);
}

function degreesOf(estimator: Estimator): readonly [least: number, most: number] {
  const degree = estimator.value("degree");
  const [least, most] = Array.isArray(degree) ? degree : [0, degree];
  if (typeof least !== "number" || typeof most !== "number" || !(most <= 64))
    throw estimator.damaged("degree", "is no degree of up to 64");
  return [least, most];
}

/** Columns of each product, as itertools counts them: rising, and each once in interactions. */
function* combinations(columns: number, degree: number, once: boolean): Generator<readonly number[]> {
  const term = Array.from({ length: degree }, (_, i) => (once ? i : 0));
  if (once && degree > columns) return;
  const last = (i: number) => (once ? columns - degree + i : columns - 1);
  for (;;) {
    yield term;
    let i = degree - 1;
    while (i >= 0 && term[i] === last(i)) i--;
    if (i < 0) return;
    term[i]++;
    for (let j = i + 1; j < degree; j++) term[j] = once ? term[j - 1] + 1 : term[i];
  }
}

/** Normalizer. */
export function normalizer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const norm = estimator.text("norm");
  if (norm !== "l1" && norm !== "l2" && norm !== "max") throw estimator.uncovered(`norm="${norm.slice(0, 20)}" is not covered`);
  const given = builder.sparse(estimator, rows);
  const finite = builder.link(given.value, { kind: "finite", nan: "refused" });
  return { ...given, value: builder.add(finite, { kind: "normalize", norm }) };
}

/** Binarizer. */
export function binarizer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const over = estimator.number("threshold", 0);
  // What is 0 and is not there would be above it.
  const given = over < 0 ? builder.numbers(estimator, rows) : builder.sparse(estimator, rows);
  const finite = builder.link(given.value, { kind: "finite", nan: "refused" });
  return { ...given, value: builder.add(finite, { kind: "threshold", over }) };
}

/** QuantileTransformer. */
export function quantileTransformer(
  estimator: Estimator,
  { value: from, columns, names }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  const { rows: count, data } = estimator.table("quantiles_", columns);
  const references = estimator.numbers("references_", count);
  if (count === 0) throw estimator.damaged("quantiles_", "are none");
  const quantiles = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) quantiles[(i % columns) * count + Math.floor(i / columns)] = data[i];
  const normal = estimator.text("output_distribution") === "normal";
  const finite = builder.link(from, { kind: "finite", nan: "allowed" });
  const value = builder.add(finite, {
    kind: "quantiles",
    quantiles: sharedFloats(quantiles),
    references: sharedFloats(references),
    normal,
  });
  return numberRows(value, columns, names);
}

/** PowerTransformer. */
export function powerTransformer(
  estimator: Estimator,
  { value: from, columns, names }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  const method = estimator.text("method");
  if (method !== "yeo-johnson" && method !== "box-cox")
    throw estimator.uncovered(`method="${method.slice(0, 20)}" is not covered`);
  const exponents = sharedFloats(estimator.numbers("lambdas_", columns));
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  value = builder.add(value, { kind: "power", method, exponents });
  if (!estimator.isTrue("standardize")) return numberRows(value, columns, names);
  const scaler = estimator.estimator("_scaler");
  value = builder.add(value, { kind: "columns", does: "subtract", by: sharedFloats(scaler.numbers("mean_", columns)) });
  value = builder.add(value, { kind: "columns", does: "divide", by: sharedFloats(scaler.numbers("scale_", columns)) });
  return numberRows(value, columns, names);
}

/** FunctionTransformer: of nothing, or of a function that is known here. */
export function functionTransformer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const func = estimator.value("func");
  if (func === null) return rows;
  if (isCheck(func)) return builder.numbers(estimator, rows);
  const name = functionName(func);
  const options = estimator.value("kw_args");
  const does = name === undefined ? undefined : FUNCTIONS.get(name);
  if (does === undefined) throw estimator.uncovered(`func=${(name ?? "a function of one's own").slice(0, 50)} is not covered`);
  if (options instanceof Map && options.size > 0) throw estimator.uncovered(`func=${name} with kw_args is not covered`);
  const given = builder.numbers(estimator, rows);
  return numberRows(builder.add(given.value, { kind: "function", does }), given.columns, given.names);
}

/** Whether a function checks that columns are numbers, and does nothing else: HistGradientBoosting\* of categories has one since 1.4. */
function isCheck(func: PickleValue): boolean {
  if (!(func instanceof PickleObject) || func.type.full !== "functools.partial" || !Array.isArray(func.args)) return false;
  const [called] = func.args;
  return called instanceof PickleName && called.full === "sklearn.utils.validation.check_array";
}

/** The function of numpy's that an attribute of FunctionTransformer is; undefined where it is another. */
export function numberFunction(estimator: Estimator, key: "func" | "inverse_func"): NumberFunction | undefined {
  const name = functionName(estimator.value(key));
  return name === undefined ? undefined : FUNCTIONS.get(name);
}

/** The name of a function of numpy's, or of Python's own; undefined for another's. */
function functionName(func: PickleValue): string | undefined {
  if (func instanceof PickleObject) {
    const [module, name] = Array.isArray(func.args) ? func.args : [];
    const isUfunc = func.type.name === "_ufunc_reconstruct" && typeof module === "string" && /^numpy(\.|$)/.test(module);
    return isUfunc && typeof name === "string" ? name : undefined;
  }
  if (!(func instanceof PickleName)) return undefined;
  return /^numpy(\.|$)/.test(func.module) || (func.module === "builtins" && func.name === "abs") ? func.name : undefined;
}
