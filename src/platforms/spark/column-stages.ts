import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import type { Column } from "./columns.ts";
import { type ProgramBuilder, shown } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** Categories from which on an encoded column is sparse. */
const SPARSE_FROM = 256;
/** What stands for texts that an indexer has not seen. */
const UNKNOWN = "__unknown";

/** How Java writes a double: with a point, always. */
const JAVA_DOUBLE = /^(?:-?\d+\.\d+(?:E-?\d+)?|NaN|-?Infinity)$/;

/**
 * StringIndexerModel. Spark passes over one whose column is not there, which is so of labels: where no stage takes what it makes, requests
 * may leave the column out, and a missing text has the number NaN.
 */
export async function stringIndexer(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const pairs = stage.columnPairs();
  const lists = await labelLists(stage, pairs.length);
  const keeps = stage.text("handleInvalid", "error") === "keep";
  for (const [i, [input, output]] of pairs.entries()) {
    const labels = lists[i];
    const isOptional = !builder.has(input) && !builder.isTaken(output);
    // Numbers are indexed by how Java writes them.
    const isNumeric = builder.has(input) ? undefined : labels.length > 0 && labels.every((label) => JAVA_DOUBLE.test(label));
    const column = indexed(stage, builder, input, isNumeric, isOptional);
    const unknown = keeps ? labels.length : "refused";
    const table = {
      keys: column.kind === "number" ? labels.map((label) => Number(label)) : labels,
      unknown,
      missing: isOptional && !keeps ? Number.NaN : unknown,
    } as const;
    const value = builder.add(column.value, { kind: "lookup", tables: [table], what: [`column "${shown(input)}"`] });
    const names = keeps ? [...labels, UNKNOWN] : labels;
    builder.put(stage, output, { kind: "number", value, width: 1, sparse: false, categories: [names.length], labels: names });
  }
}

function indexed(
  stage: Stage,
  builder: ProgramBuilder,
  input: string,
  isNumeric: boolean | undefined,
  isOptional: boolean,
): Column {
  if (isNumeric === true) return builder.number(stage, input, isOptional);
  if (isNumeric === false) return builder.text(stage, input, isOptional);
  return builder.hashed(stage, input);
}

/** Since 3.0 for several columns. */
async function labelLists(stage: Stage, columns: number): Promise<readonly (readonly string[])[]> {
  const table = await stage.table();
  const lists = table.has("labelsArray") ? table.listsOf("labelsArray") : table.textLists("labels");
  if (lists.starts.length !== columns + 1)
    throw stage.damaged("labels", `are of ${lists.starts.length - 1} columns, not ${columns}`);
  return Array.from({ length: columns }, (_, i) => lists.values.slice(lists.starts[i], lists.starts[i + 1]).map(String));
}

/** IndexToString: by its own labels, or those of the column's indexer. */
export function indexToString(stage: Stage, builder: ProgramBuilder): void {
  const [input, output] = [stage.text("inputCol"), stage.text("outputCol")];
  const own = stage.texts("labels") ?? [];
  const labels = own.length > 0 ? own : builder.labelsOf(input);
  if (labels === undefined) throw stage.uncovered(`it has no labels, and what made column "${shown(input)}" has none`);
  const column = builder.number(stage, input);
  builder.put(stage, output, {
    kind: "text",
    value: builder.add(column.value, { kind: "labels", labels }),
    width: 1,
    sparse: false,
  });
}

/** OneHotEncoderModel (OneHotEncoderEstimator's of 2.3 and 2.4), and OneHotEncoder of before 3.0, which needs to know the categories. */
export async function oneHotEncoder(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const pairs = stage.columnPairs();
  const table = stage.name === "OneHotEncoderModel" ? await stage.table() : undefined;
  const sizes = table?.numberLists("categorySizes").values;
  if (sizes !== undefined && sizes.length !== pairs.length) throw stage.damaged("categorySizes", "are not as many as columns");
  const dropsLast = stage.isTrue("dropLast", true);
  const keeps = stage.text("handleInvalid", "error") === "keep";
  for (const [i, [input, output]] of pairs.entries()) {
    const column = builder.number(stage, input);
    const categories = sizes?.[i] ?? column.categories?.[0];
    if (categories === undefined || categories === 0)
      throw stage.uncovered(`it is not known how many categories column "${shown(input)}" has`);
    if (!Number.isInteger(categories) || categories < 0) throw stage.damaged("categorySizes", "has no number of categories");
    const width = categories + (keeps ? 1 : 0) - (dropsLast ? 1 : 0);
    const sparse = width >= SPARSE_FROM;
    const value = builder.add(column.value, {
      kind: "spark-one-hot",
      categories,
      width,
      invalid: keeps ? "kept" : "refused",
      sparse,
      what: shown(input),
    });
    // Spark calls its columns binary, which for it have no categories of their own.
    builder.put(stage, output, {
      kind: "vector",
      value,
      width,
      sparse,
      categories: width < SPARSE_FROM ? Array.from({ length: width }, () => 0) : undefined,
    });
  }
}

/** ImputerModel: a column of its data for each of the request's, by its name. A missing number is taken for Spark's null. */
export async function imputer(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const missing = stage.number("missingValue", Number.NaN);
  for (const [input, output] of stage.columnPairs()) {
    const surrogate = table.number(input);
    const column = builder.number(stage, input);
    let value = column.value;
    for (const each of Number.isNaN(missing) ? [missing] : [missing, Number.NaN]) {
      value = builder.add(value, { kind: "impute", missing: each, values: sharedFloats([surrogate]) });
    }
    builder.put(stage, output, { kind: "number", value, width: 1, sparse: false });
  }
}

/** Bucketizer, which QuantileDiscretizer's models are too. */
export function bucketizer(stage: Stage, builder: ProgramBuilder): void {
  const pairs = stage.columnPairs();
  const several = stage.texts("inputCols") === undefined ? undefined : stage.numberLists("splitsArray");
  const keeps = stage.text("handleInvalid", "error") === "keep";
  for (const [i, [input, output]] of pairs.entries()) {
    const splits = several === undefined ? stage.numbers("splits") : several[i];
    if (splits === undefined || splits.length < 2 || !splits.every((split, place) => place === 0 || split > splits[place - 1])) {
      throw stage.damaged("splits", "are no numbers that rise");
    }
    const column = builder.number(stage, input);
    const value = builder.add(column.value, {
      kind: "spark-buckets",
      splits: sharedFloats(splits),
      nan: keeps ? "kept" : "refused",
      what: shown(input),
    });
    builder.put(stage, output, {
      kind: "number",
      value,
      width: 1,
      sparse: false,
      categories: [splits.length - 1 + (keeps ? 1 : 0)],
    });
  }
}

/** VectorIndexerModel. */
export async function vectorIndexer(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const width = table.number("numFeatures");
  const column = builder.vector(stage, stage.text("inputCol"), width);
  const columns = table.numberLists("categoryMaps.key").values;
  const values = table.listsOf("categoryMaps.value.key");
  const numbers = table.listsOf("categoryMaps.value.value");
  const maps = new Map(Array.from(columns, (column, i) => [column, i] as const));
  const starts = [0];
  const [categories, codes]: [number[], number[]] = [[], []];
  for (let place = 0; place < width; place++) {
    const map = maps.get(place);
    if (map !== undefined) {
      for (let i = values.starts[map]; i < values.starts[map + 1]; i++) {
        categories.push(Number(values.values[i]));
        codes.push(Number(numbers.values[i]));
      }
    }
    starts.push(categories.length);
    await builder.turn(1);
  }
  if (columns.some((place) => !(place < width)) || codes.some((code) => !Number.isInteger(code)))
    throw stage.damaged("categoryMaps", "are damaged");
  const keeps = stage.text("handleInvalid", "error") === "keep";
  const value = builder.add(builder.dense(column), {
    kind: "spark-category-numbers",
    starts: sharedIntegers(starts),
    categories: sharedFloats(categories),
    numbers: sharedFloats(codes),
    invalid: keeps ? "kept" : "refused",
    what: shown(stage.text("inputCol")),
  });
  const known = Array.from({ length: width }, (_, place) => (maps.has(place) ? Number.NaN : 0));
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width, sparse: false, categories: known });
}

/** FeatureHasher: texts are categories, numbers are not unless it says so. */
export function featureHasher(stage: Stage, builder: ProgramBuilder): void {
  const names = stage.texts("inputCols") ?? [];
  if (names.length === 0) throw stage.damaged("inputCols", "is empty");
  const listed = new Set(stage.texts("categoricalCols") ?? []);
  const width = stage.number("numFeatures", 2 ** 18);
  const columns = names.map((name) => builder.hashed(stage, name));
  const has = names.map((name) => (listed.has(name) ? "categories" : builder.isEither(name) ? "either" : "as-given"));
  const value = builder.add(
    columns.map((column) => column.value),
    {
      kind: "spark-hashed-columns",
      names,
      has,
      width,
      hash: stage.isSince(3, 0) ? "spark-3" : "spark-2",
    },
  );
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width, sparse: true });
}

/** RFormula's ColumnPruner, which takes away columns that were only on the way. */
export async function columnPruner(stage: Stage, builder: ProgramBuilder): Promise<void> {
  builder.remove((await stage.table()).textLists("columnsToPrune").values);
}
