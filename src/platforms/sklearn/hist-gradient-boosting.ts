import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { LookupTable } from "../../model/tabular/tabular-program.ts";
import { type Answers, matrixAnswer, regressed, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import { Estimator } from "./estimator.ts";
import { binnedEnsemble } from "./hist-tree-tables.ts";
import { beside } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows, Rows } from "./rows.ts";

/** HistGradientBoostingClassifier: a sigmoid of the sum of two classes, else a softmax. */
export async function histClassifier(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const loss = estimator.text("loss");
  const isKnown = ["auto", "log_loss", "binary_crossentropy", "categorical_crossentropy"].includes(loss);
  if (!isKnown) throw estimator.uncovered(`loss="${loss.slice(0, 50)}" is not covered`);
  const isBinary = width === 2;
  const raw = await sums(estimator, rows, isBinary ? 1 : width, builder);
  const shares = isBinary
    ? builder.link(raw, { kind: "sigmoid", steepness: 1 }, { kind: "complement" })
    : builder.link(raw, { kind: "softmax" });
  return classified(
    builder,
    classes,
    builder.link(raw, { kind: isBinary ? "step" : "argmax" }),
    ["predict_proba", matrixAnswer(shares, width)],
    ["decision_function", isBinary ? vectorAnswer(raw) : matrixAnswer(raw, width)],
  );
}

const LINKS: ReadonlyMap<string, "same" | "exp"> = new Map([
  ["squared_error", "same"],
  ["least_squares", "same"],
  ["absolute_error", "same"],
  ["least_absolute_deviation", "same"],
  ["quantile", "same"],
  ["poisson", "exp"],
  ["gamma", "exp"],
]);

/** HistGradientBoostingRegressor, with any loss of scikit-learn's. */
export async function histRegressor(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const loss = estimator.text("loss");
  const link = LINKS.get(loss);
  if (link === undefined) throw estimator.uncovered(`loss="${loss.slice(0, 50)}" is not covered`);
  const raw = await sums(estimator, rows, 1, builder);
  return regressed(link === "exp" ? builder.link(raw, { kind: "exp" }) : raw);
}

async function sums(estimator: Estimator, rows: Rows, groups: number, builder: ProgramBuilder): Promise<string> {
  const { value, columns } = await preprocessed(estimator, rows, builder);
  const stages = estimator.list("_predictors").map((stage) => {
    if (!Array.isArray(stage) || stage.length !== groups)
      throw estimator.damaged("_predictors", `are not of ${groups} trees for each stage`);
    return stage.map((tree) => treeOf(estimator, tree));
  });
  const base = baseOf(estimator, groups);
  const ensemble = await binnedEnsemble(estimator, stages.flat(), columns, base, builder);
  return builder.add(knownCategories(estimator, value, columns, builder), { kind: "tree-sums", ensemble });
}

function treeOf(estimator: Estimator, value: PickleValue): Estimator {
  if (!(value instanceof PickleObject)) throw estimator.damaged("_predictors", "have something else than trees");
  return new Estimator(value);
}

function baseOf(estimator: Estimator, groups: number): Float64Array {
  const array = estimator.array("_baseline_prediction");
  if (array === undefined) return new Float64Array(groups).fill(estimator.number("_baseline_prediction"));
  return estimator.numbers("_baseline_prediction", groups);
}

/** Since 1.4 categories may be texts: an encoder makes numbers of them, which come before the other columns then. */
async function preprocessed(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<NumberRows> {
  if (estimator.value("_preprocessor") === null) return builder.numbers(estimator, rows);
  const preprocessor = estimator.estimator("_preprocessor");
  const encoder = encoderOf(preprocessor);
  const categories = encoder.list("categories_").map((each) => NumpyArray.of(each)?.values() ?? []);
  if (categories.flat().some((category) => typeof category === "string")) {
    return builder.numbers(estimator, await builder.transformed(estimator.value("_preprocessor"), rows));
  }
  const { value, columns } = builder.numbers(estimator, rows);
  const isCategorical = estimator.numbers("is_categorical_", columns);
  const places = Array.from(isCategorical.keys());
  const categorical = places.filter((column) => isCategorical[column] !== 0);
  if (categorical.length !== categories.length) {
    throw encoder.damaged("categories_", `are of ${categories.length} columns, not ${categorical.length}`);
  }
  const select = (chosen: readonly number[]) => builder.add(value, { kind: "select", columns: Int32Array.from(chosen) });
  const codes = builder.add(select(categorical), {
    kind: "lookup",
    tables: categories.map(tableOf),
    what: categorical.map((column) => `column ${column}`),
  });
  const others = places.filter((column) => isCategorical[column] === 0);
  return { value: beside(others.length === 0 ? [codes] : [codes, select(others)], builder), kind: "numbers", columns };
}

/** Codes of categories; what is none, or missing, counts as missing. */
function tableOf(categories: readonly PickleValue[]): LookupTable {
  const keys = categories.map((category) => (typeof category === "boolean" ? Number(category) : category));
  const numbers = keys.filter((key): key is number => typeof key === "number" && !Number.isNaN(key));
  return { keys: numbers, unknown: Number.NaN, missing: Number.NaN };
}

function encoderOf(preprocessor: Estimator): Estimator {
  for (const part of preprocessor.list("transformers_")) {
    const [name, value] = Array.isArray(part) ? part : [];
    if (name === "encoder" && value instanceof PickleObject) return new Estimator(value);
  }
  throw preprocessor.damaged("transformers_", "have no encoder");
}

/** What is no category of a column that has categories counts as missing. */
function knownCategories(estimator: Estimator, value: string, columns: number, builder: ProgramBuilder): string {
  const mapper = estimator.value("_bin_mapper") ?? estimator.value("bin_mapper_");
  if (!(mapper instanceof PickleObject)) return value;
  const bins = new Estimator(mapper);
  const isCategorical = bins.array("is_categorical_")?.numbers();
  if (isCategorical === undefined || isCategorical.every((each) => each === 0)) return value;
  if (isCategorical.length !== columns)
    throw bins.damaged("is_categorical_", `has ${isCategorical.length} columns, not ${columns}`);
  const categories = bins.list("bin_thresholds_").map((each) => NumpyArray.of(each)?.numbers() ?? new Float64Array(0));
  const starts = new Int32Array(columns);
  const lengths = new Int32Array(columns);
  const words = new Uint32Array(columns * WORDS);
  for (let column = 0; column < columns; column++) {
    if (isCategorical[column] === 0) continue;
    starts[column] = column * WORDS;
    lengths[column] = WORDS;
    for (const category of categories[column] ?? []) {
      if (!(category >= 0 && category < WORDS * 32)) throw bins.damaged("bin_thresholds_", `have a category ${category}`);
      words[starts[column] + (category >> 5)] |= 1 << (category & 31);
    }
  }
  return builder.add(value, { kind: "known-categories", starts, lengths, words });
}

/** Words of a set of at most 256 categories. */
const WORDS = 8;
