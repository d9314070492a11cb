import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import type { Column } from "./columns.ts";
import { type ProgramBuilder, shown } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** Products that a row may become, of so many columns, and columns that a cosine transform may have: its table has the square of them. */
const MOST_PRODUCTS = 2 ** 17;
const MOST_FACTORS = 1000;
const MOST_COSINES = 1024;

/** VectorAssembler. Columns of the request are numbers, unless a later stage needs another width. */
export function vectorAssembler(stage: Stage, builder: ProgramBuilder): void {
  const names = stage.texts("inputCols") ?? [];
  if (names.length === 0) throw stage.damaged("inputCols", "is empty");
  const isRaw = names.map((name) => !builder.has(name));
  const columns = names.map((name) => builder.numbers(stage, name, "number"));
  const invalid = stage.text("handleInvalid", "error");
  const width = columns.some((column) => column.width === undefined)
    ? undefined
    : columns.reduce((sum, column) => sum + column.width!, 0);
  const output = stage.text("outputCol");
  if (width === undefined) {
    builder.put(stage, output, { kind: "vector", value: "", width, sparse: false, origin: originOf(columns) });
    return;
  }
  const sparse = columns.some((column) => column.sparse);
  const value = builder.add(
    columns.map((column) => column.value),
    {
      kind: "spark-assemble",
      // What would be left out with "skip" is refused: each row has its answer.
      checked: columns.map(({ kind }) => kind === "number" && invalid !== "keep"),
      sparse,
      what: names.map(shown),
    },
  );
  const categories = sparse ? undefined : columns.flatMap((column) => column.categories ?? zeros(column.width!));
  const raw = names.filter((_, i) => isRaw[i] && columns[i].kind === "number");
  builder.put(stage, output, { kind: "vector", value, width, sparse, categories, raw });
}

/** Where one part's width is not known, the whole's tells it. */
function originOf(columns: readonly Column[]): Column["origin"] {
  const unknown = columns.filter((column) => column.width === undefined);
  const { origin } = unknown[0];
  if (unknown.length > 1 || origin === undefined) return undefined;
  const others = columns.reduce((sum, column) => sum + (column.width ?? 0), 0);
  return { input: origin.input, widthFrom: (width) => (width > others ? origin.widthFrom(width - others) : undefined) };
}

/** VectorSizeHint: what it says of a vector is known here anyway, or is learnt from it. */
export function vectorSizeHint(stage: Stage, builder: ProgramBuilder): void {
  builder.vector(stage, stage.text("inputCol"), stage.number("size"));
}

/** VectorSlicer, by numbers of columns. */
export function vectorSlicer(stage: Stage, builder: ProgramBuilder): void {
  const names = stage.texts("names") ?? [];
  if (names.length > 0) throw stage.uncovered("columns by their names are not covered: give their indices");
  const indices = stage.numbers("indices") ?? new Float64Array(0);
  select(stage, builder, stage.text("inputCol"), indices);
}

/** ChiSqSelectorModel, UnivariateFeatureSelectorModel and VarianceThresholdSelectorModel. */
export async function featureSelector(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const { values } = (await stage.table()).numberLists("selectedFeatures");
  select(stage, builder, stage.text("featuresCol"), values.toSorted());
}

function select(stage: Stage, builder: ProgramBuilder, from: string, indices: Float64Array): void {
  if (
    indices.length === 0 ||
    !indices.every((index) => Number.isInteger(index) && index >= 0) ||
    new Set(indices).size !== indices.length
  ) {
    throw stage.damaged("indices", "are no different numbers of columns");
  }
  const most = indices.reduce((a, b) => Math.max(a, b));
  builder.map(
    stage,
    from,
    stage.text("outputCol"),
    (column, width) => {
      if (most >= width) throw stage.damaged("indices", `have ${most}, of ${width} columns`);
      return {
        value: builder.add(column.value, { kind: "spark-select", columns: sharedIntegers(indices) }),
        sparse: column.sparse,
        categories: column.categories && Array.from(indices, (index) => column.categories![index]),
      };
    },
    { after: () => indices.length, before: () => undefined },
  );
}

/** PolynomialExpansion: products of columns up to a degree, in Spark's order, without the constant. */
export function polynomialExpansion(stage: Stage, builder: ProgramBuilder): void {
  const degree = stage.number("degree", 2);
  if (!Number.isInteger(degree) || degree < 1 || degree > 100) throw stage.uncovered(`degree=${degree} is not covered`);
  builder.map(
    stage,
    stage.text("inputCol"),
    stage.text("outputCol"),
    (column, width) => {
      const { parents, columns } = products(stage, width, degree);
      return {
        value: builder.add(builder.dense(column), {
          kind: "spark-products",
          parents: sharedIntegers(parents),
          columns: sharedIntegers(columns),
        }),
      };
    },
    {
      after: (before) => combinations(before, degree) - 1,
      before: (after) => {
        for (let width = 1; width <= MOST_FACTORS; width++) {
          const made = combinations(width, degree) - 1;
          if (made >= after) return made === after ? width : undefined;
        }
        return undefined;
      },
    },
  );
}

/**
 * Terms in Spark's order: all without a column before those with it, less of it before more. Each is another one times a column; the term of
 * nothing, which would be the first, is left out.
 */
function products(
  stage: Stage,
  width: number,
  degree: number,
): { readonly parents: readonly number[]; readonly columns: readonly number[] } {
  if (width > MOST_FACTORS || !(combinations(width, degree) <= MOST_PRODUCTS)) {
    throw stage.uncovered(`more than ${MOST_PRODUCTS} products, or of ${MOST_FACTORS} columns, are not covered`);
  }
  const parents: number[] = [];
  const columns: number[] = [];
  // The first term that is made of some is these alone: the others have lower columns too.
  const expand = (column: number, left: number, parent: number, by: number): void => {
    if (left === 0 || column < 0) {
      parents.push(parent - 1);
      columns.push(by);
      return;
    }
    let alone = parents.length;
    expand(column - 1, left, parent, by);
    for (let power = 1; power <= left; power++) {
      const next = parents.length;
      expand(column - 1, left - power, alone, column);
      alone = next;
    }
  };
  expand(width - 1, degree, 0, 0);
  return { parents: parents.slice(1), columns: columns.slice(1) };
}

function combinations(width: number, degree: number): number {
  let count = 1;
  for (let i = 1; i <= degree; i++) count = (count * (width + i)) / i;
  return Math.round(count);
}

/** PCAModel. Spark takes no mean away. */
export async function pca(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  const components = table.matrix("pc");
  const { rows: width, columns } = components;
  const column = builder.vector(stage, stage.text("inputCol"), width);
  const value = builder.add(column.value, {
    kind: "spark-linear",
    weights: sharedFloats(components.data),
    bias: sharedFloats(new Float64Array(columns)),
  });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width: columns, sparse: false });
}

/** DCT: the cosine transform of the second kind, in lengths of 1, or its inverse. */
export function cosineTransform(stage: Stage, builder: ProgramBuilder): void {
  const isInverse = stage.isTrue("inverse", false);
  builder.map(stage, stage.text("inputCol"), stage.text("outputCol"), (column, width) => {
    if (width > MOST_COSINES) throw stage.uncovered(`vectors of more than ${MOST_COSINES} numbers are not covered`);
    const weights = new Float64Array(width * width);
    for (let place = 0; place < width; place++) {
      for (let wave = 0; wave < width; wave++) {
        const height = Math.sqrt((wave === 0 ? 1 : 2) / width) * Math.cos((Math.PI * (2 * place + 1) * wave) / (2 * width));
        weights[isInverse ? wave * width + place : place * width + wave] = height;
      }
    }
    return {
      value: builder.add(column.value, {
        kind: "spark-linear",
        weights: sharedFloats(weights),
        bias: sharedFloats(new Float64Array(width)),
      }),
    };
  });
}

/** Interaction: all products of one number of each column; a number that has categories is one for each of them. */
export function interaction(stage: Stage, builder: ProgramBuilder): void {
  const names = stage.texts("inputCols") ?? [];
  if (names.length < 2) throw stage.damaged("inputCols", "are less than 2");
  let width = 1;
  const values = names.map((name) => {
    const column = builder.numbers(stage, name, "number");
    if (column.width === undefined) throw stage.uncovered(`the files do not say how many numbers column "${shown(name)}" has`);
    const categories = column.categories ?? (column.kind === "number" ? [0] : undefined);
    // Spark wants to know it too.
    if (categories === undefined || categories.some(Number.isNaN))
      throw stage.uncovered(`it is not known which numbers of column "${shown(name)}" are categories`);
    width *= categories.reduce((sum, count) => sum + Math.max(1, count), 0);
    return encoded(builder, column, categories, name);
  });
  if (!(width <= MOST_PRODUCTS)) throw stage.uncovered(`more than ${MOST_PRODUCTS} products are not covered`);
  const value = values.reduce((one, other) => builder.add([one, other], { kind: "spark-outer" }));
  builder.put(stage, stage.text("outputCol"), {
    kind: "vector",
    value,
    width,
    sparse: false,
    categories: zeros(width),
  });
}

function encoded(builder: ProgramBuilder, column: Column, categories: readonly number[], name: string): string {
  const value = builder.dense(column);
  if (categories.every((count) => count === 0)) return value;
  const parts = categories.map((count, i) => {
    const own = categories.length === 1 ? value : builder.add(value, { kind: "spark-select", columns: sharedIntegers([i]) });
    if (count === 0) return own;
    return builder.add(own, {
      kind: "spark-one-hot",
      categories: count,
      width: count,
      invalid: "refused",
      sparse: false,
      what: shown(name),
    });
  });
  if (parts.length === 1) return parts[0];
  return builder.add(parts, {
    kind: "spark-assemble",
    checked: parts.map(() => false),
    sparse: false,
    what: parts.map(() => shown(name)),
  });
}

/** Binarizer, of numbers or vectors. */
export function binarizer(stage: Stage, builder: ProgramBuilder): void {
  const pairs = stage.columnPairs();
  const several = stage.texts("inputCols") === undefined ? undefined : stage.numbers("thresholds");
  for (const [i, [input, output]] of pairs.entries()) {
    const threshold = several?.[i] ?? stage.number("threshold", 0);
    const column = builder.numbers(stage, input, "number");
    if (column.kind === "vector") {
      builder.map(stage, input, output, (vector) => ({
        value: builder.add(vector.value, { kind: "spark-above", threshold }),
        sparse: vector.sparse && threshold >= 0,
      }));
    } else {
      const value = builder.add(column.value, { kind: "spark-above", threshold });
      builder.put(stage, output, { kind: "number", value, width: 1, sparse: false });
    }
  }
}

/** Numbers without categories. */
function zeros(count: number): readonly number[] {
  return Array.from({ length: count }, () => 0);
}
