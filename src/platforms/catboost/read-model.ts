import type { TabularInput, TabularOperation, TabularProgram } from "../../model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular/tabular-signatures.ts";
import type { AddStep, CompiledBooster } from "../pickled-booster.ts";
import type { FeatureColumns } from "./bin-columns.ts";
import { beginsLikeBinary, binaryModel } from "./binary-model.ts";
import { type CatboostModel, damaged, type Feature } from "./catboost-model.ts";
import { compileModel } from "./compile-model.ts";
import { documentModel } from "./document-model.ts";

/** The only input of models of numbers. */
const ALIAS = "X";
/** Columns that a request may have. */
const MOST_COLUMNS = 2 ** 24;
/** With more columns no one asks for them by their names. */
const MOST_NAMES = 10_000;

/**
 * Makes a program of a model's file, whichever form it has.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not covered; each names the file
 */
export async function readModel(bytes: Buffer, file: string, signal: AbortSignal): Promise<TabularProgram> {
  const model = modelOf(bytes, file);
  return program(model, file, bytes.length, signal);
}

/** The model of a file's bytes, whichever form they have; nothing but the lengths of lists is checked. */
export function modelOf(bytes: Buffer, file: string): CatboostModel {
  return beginsLikeBinary(bytes) ? binaryModel(bytes, file) : documentModel(bytes, file);
}

/** Columns of a request, by the places of a model's features. */
export interface ModelColumns {
  readonly count: number;
  /** What each feature is called: by its name, or where names are not told apart, by its place. */
  readonly nameOf: (feature: Feature) => string;
  /** The names of all columns, where features have some and columns are not too many. */
  readonly names: readonly string[] | undefined;
}

/**
 * The columns that a model takes.
 * @throws ServingError data-loss for features in the same place, or out of any
 */
export function modelColumns({ numbers, categories }: CatboostModel, file: string): ModelColumns {
  const features = [...numbers, ...categories];
  const count = features.reduce((most, { place }) => Math.max(most, place + 1), 0);
  if (count > MOST_COLUMNS) throw damaged(file, `has a column ${count - 1} where ${MOST_COLUMNS - 1} is the last`);
  const taken = new Set<number>();
  for (const list of [numbers, categories]) {
    if (new Set(list.map(({ index }) => index)).size !== list.length) throw damaged(file, "has two features with the same index");
  }
  for (const { place } of features) {
    if (place < 0 || taken.has(place)) throw damaged(file, `has two features in column ${place}`);
    taken.add(place);
  }
  const own = (feature: Feature) => (feature.name === "" ? String(feature.place) : feature.name);
  const nameOf = new Set(features.map(own)).size === features.length ? own : ({ place }: Feature) => String(place);
  if (count > MOST_NAMES || features.every(({ name }) => name === "")) return { count, nameOf, names: undefined };
  const names = Array.from({ length: count }, (_, place) => String(place));
  for (const feature of features) names[feature.place] = nameOf(feature);
  return { count, nameOf, names };
}

async function program(model: CatboostModel, file: string, bytes: number, signal: AbortSignal): Promise<TabularProgram> {
  const given = modelColumns(model, file);
  const operations: TabularOperation[] = [];
  const add: AddStep = (from, step) => {
    const to = `${step.kind}-${operations.length}`;
    operations.push({ ...step, from, to } as TabularOperation);
    return to;
  };
  const { inputs, columns, numbers, hashes } =
    model.categories.length === 0 ? asMatrix(model, given) : asColumns(model, given, add);
  const compiled = await compileModel(model, columns, { numbers, hashes }, add, file, signal);
  return {
    runtime: "tabular",
    inputs,
    operations,
    ...tabularSignatures(inputs, answersOf(compiled)),
    ...(compiled.prediction && { classes: { scores: compiled.prediction.scores, labels: compiled.prediction.labels } }),
    ...(compiled.regression !== undefined && { regression: compiled.regression }),
    bytes,
  };
}

interface Asked {
  readonly inputs: readonly TabularInput[];
  readonly columns: FeatureColumns;
  readonly numbers: string | undefined;
  readonly hashes: string | undefined;
}

/** A matrix of numbers, whose columns may come one by one where they have names. */
function asMatrix({ numbers }: CatboostModel, { count, names }: ModelColumns): Asked {
  const input: TabularInput = {
    alias: ALIAS,
    value: "input",
    type: "float32",
    dtype: "float64",
    columns: count,
    vector: false,
    ...(names !== undefined && { columnNames: names }),
  };
  return {
    inputs: [input],
    columns: { numbers: new Map(numbers.map(({ index, place }) => [index, place])), categories: new Map() },
    numbers: "input",
    hashes: undefined,
  };
}

/** A column for each feature: texts for categories, numbers else. Those that no tree asks may be left out. */
function asColumns(model: CatboostModel, { nameOf }: ModelColumns, add: AddStep): Asked {
  const used = usedCategories(model);
  const inputs: TabularInput[] = [];
  const inOrder = <F extends Feature>(features: readonly F[]) => features.toSorted((a, b) => a.place - b.place);
  const addInput = (feature: Feature, isText: boolean, isUsed: boolean): string => {
    const value = `column-${feature.place}`;
    inputs.push({
      alias: nameOf(feature),
      value,
      type: isText ? "texts" : "float32",
      // As CatBoost writes Python's True.
      ...(isText ? { integers: true, booleanDigits: true } : { dtype: "float64" }),
      columns: 1,
      vector: true,
      ...(isUsed ? {} : { optional: true }),
    });
    return value;
  };
  const numbers = inOrder(model.numbers).map((feature) => ({
    feature,
    value: addInput(feature, false, feature.borders.length > 0),
    isUsed: feature.borders.length > 0,
  }));
  const categories = inOrder(model.categories).map((feature) => ({
    feature,
    value: addInput(feature, true, used.has(feature.index)),
    isUsed: used.has(feature.index),
  }));
  inputs.sort((a, b) => placeOf(a) - placeOf(b));
  const askedNumbers = numbers.filter(({ isUsed }) => isUsed);
  const askedCategories = categories.filter(({ isUsed }) => isUsed);
  const texts = concat(
    askedCategories.map(({ value }) => value),
    add,
  );
  return {
    inputs,
    columns: {
      numbers: new Map(askedNumbers.map(({ feature }, column) => [feature.index, column])),
      categories: new Map(askedCategories.map(({ feature }, column) => [feature.index, column])),
    },
    numbers:
      concat(
        askedNumbers.map(({ value }) => value),
        add,
      ) ?? inputs[0]?.value,
    hashes: texts && add(texts, { kind: "text-hashes", what: askedCategories.map(({ feature }) => nameOf(feature)) }),
  };
}

function placeOf({ value }: TabularInput): number {
  return Number(value.slice("column-".length));
}

/** Indexes of the categories that are compared or counted. */
function usedCategories({ oneHots, statistics }: CatboostModel): ReadonlySet<number> {
  const used = new Set(oneHots.flatMap(({ category, values }) => (values.length > 0 ? [category] : [])));
  for (const { combination } of statistics) for (const category of combination.categories) used.add(category);
  return used;
}

function concat(values: readonly string[], add: AddStep): string | undefined {
  return values.length < 2 ? values[0] : add(values, { kind: "concat" });
}

function answersOf({ answers }: CompiledBooster): ReadonlyMap<string, readonly TabularAnswer[]> {
  return new Map(Array.from(answers, ([method, answer]) => [method, [{ ...answer, alias: method }]] as const));
}
