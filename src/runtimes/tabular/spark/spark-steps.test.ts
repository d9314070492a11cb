import { describe, expect, test } from "vitest";
import type { SparkOperation } from "../../../model/tabular/spark-operations.ts";
import { dense, isSparse } from "../columns/sparse.ts";
import type { Matrix, SparseMatrix, Value } from "../matrix.ts";
import { normalCdf } from "../normal-distribution.ts";
import { columnHash } from "./spark-hash.ts";
import { isSparkStep, sparkStep } from "./spark-steps.ts";

type Without<Operation> = Operation extends SparkOperation ? Omit<Operation, "from" | "to"> : never;

const matrix = (...rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  width: rows[0].length,
  data: Float64Array.from(rows.flat()),
});

/** The same numbers as sparse rows. */
function sparse({ rows, width, data }: Matrix): SparseMatrix {
  const [starts, columns, values] = [new Int32Array(rows + 1), [] as number[], [] as number[]];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      if (data[row * width + column] === 0) continue;
      columns.push(column);
      values.push(data[row * width + column]);
    }
    starts[row + 1] = columns.length;
  }
  return { rows, width, starts, columns: Int32Array.from(columns), values: Float64Array.from(values) };
}

function run(operation: Without<SparkOperation>, ...values: readonly Value[]): Value {
  return sparkStep({ ...operation, from: "a", to: "b" } as SparkOperation)(values);
}

function numbers(value: Value): readonly number[] {
  return [...dense(value as Matrix | SparseMatrix).data];
}

const floats = (...all: readonly number[]) => Float64Array.from(all);
const NAN = Number.NaN;
const WORDS: Value = { rows: 3, words: [["a", "b", "a", "c"], [], null] };

test.each<[string, Without<SparkOperation>, readonly Value[], readonly number[]]>([
  [
    "a linear part is NaN where a number is",
    { kind: "spark-linear", weights: floats(1, 10, 2, 20), bias: floats(0.5, 0) },
    [matrix([1, 2], [NAN, 1])],
    [5.5, 50, NAN, NAN],
  ],
  [
    "a range has its middle for a column of one number",
    { kind: "spark-range", least: floats(0, 5), factors: floats(2, 0), bottom: -1, middle: 7 },
    [matrix([1, 5], [NAN, NAN])],
    [1, 7, NAN, NAN],
  ],
  [
    "a row of zeros has no length of 1",
    { kind: "spark-unit", p: 2 },
    [matrix([3, -4], [0, 0])],
    [0.6000000000000001, -0.8, 0, 0],
  ],
  [
    "the greatest number is the norm of infinity",
    { kind: "spark-unit", p: Number.POSITIVE_INFINITY },
    [matrix([3, -4])],
    [0.75, -1],
  ],
  [
    "intervals are open above, the last is closed, and NaN has its own",
    { kind: "spark-buckets", splits: floats(0, 1, 2), nan: "kept", what: "x" },
    [matrix([0], [1], [1.5], [2], [NAN])],
    [0, 1, 1, 1, 2],
  ],
  ["a number is above, not at a threshold", { kind: "spark-above", threshold: 1 }, [matrix([1, 1.1, NAN])], [0, 1, 0]],
  [
    "the last category may have no column",
    { kind: "spark-one-hot", categories: 3, width: 2, invalid: "refused", sparse: false, what: "x" },
    [matrix([1], [2])],
    [0, 1, 0, 0],
  ],
  [
    "what is no category is one behind them when kept",
    { kind: "spark-one-hot", categories: 2, width: 3, invalid: "kept", sparse: false, what: "x" },
    [matrix([NAN], [-1], [9])],
    [0, 0, 1, 0, 0, 1, 0, 0, 1],
  ],
  ["products of every two columns", { kind: "spark-outer" }, [matrix([1, 2]), matrix([3, 4, 5])], [3, 4, 5, 6, 8, 10]],
  ["half a category is none", { kind: "spark-whole", columns: Int32Array.of(1) }, [matrix([1.5, 1.5, 2])], [1.5, NAN, 2]],
  [
    "the largest share of a threshold of 0 wins unless it is nothing",
    { kind: "spark-largest", thresholds: floats(0, 0.5) },
    [matrix([0.1, 0.9], [0, 1])],
    [0, 1],
  ],
  [
    "a mean stays away from 1",
    { kind: "spark-mean", link: "logit", power: 1, least: 1e-16, most: 1 - 1e-16 },
    [matrix([1000])],
    [1 - 1e-16],
  ],
  [
    "a place between two points is on their line",
    { kind: "spark-isotonic", places: floats(0, 2, 4), values: floats(1, 3, 4) },
    [matrix([-1], [0], [1], [2], [3], [9], [NAN])],
    [1, 1, 2, 3, 3.5, 4, 4],
  ],
  [
    "words are counted where they are often enough",
    { kind: "spark-counted-words", words: ["a", "b"], least: 0.5, binary: false },
    [WORDS],
    [2, 0, 0, 0, 0, 0],
  ],
  [
    "words are there or not",
    { kind: "spark-counted-words", words: ["a", "b"], least: 1, binary: true },
    [WORDS],
    [1, 1, 0, 0, 0, 0],
  ],
  [
    "the mean of words counts those without a vector",
    { kind: "spark-word-means", words: ["a"], vectors: floats(4, 8), width: 2 },
    [WORDS],
    [2, 4, 0, 0, 0, 0],
  ],
])("%s", (_, operation, values, expected) => {
  expect(isSparkStep(operation)).toBe(true);
  expect(numbers(run(operation, ...values))).toEqual(expected);
});

const SPARSE_ROWS = matrix([0, 2, 0, -1], [0, 0, 0, 0], [3, 0, 0, 0.5]);

test.each<[string, Without<SparkOperation>, boolean]>([
  ["spark-linear", { kind: "spark-linear", weights: floats(1, 2, 3, 4), bias: floats(1) }, false],
  ["spark-scale", { kind: "spark-scale", factors: floats(1, 2, 3, 4) }, true],
  ["spark-scale with a shift", { kind: "spark-scale", shift: floats(1, 2, 3, 4) }, false],
  ["spark-unit", { kind: "spark-unit", p: 3 }, true],
  ["spark-above", { kind: "spark-above", threshold: 0.5 }, true],
  ["spark-above with a threshold below 0", { kind: "spark-above", threshold: -0.5 }, false],
  ["spark-select", { kind: "spark-select", columns: Int32Array.of(3, 0) }, true],
  ["spark-require", { kind: "spark-require", numbers: "not-negative", what: "x" }, true],
  ["spark-assemble", { kind: "spark-assemble", checked: [false], sparse: true, what: ["x"] }, true],
])("%s does the same to sparse rows", (_, operation, staysSparse) => {
  const given = operation.kind === "spark-require" ? matrix([1, 0], [0, 0]) : SPARSE_ROWS;
  const found = run(operation, sparse(given));
  expect(isSparse(found)).toBe(staysSparse);
  const plain = operation.kind === "spark-assemble" ? { ...operation, sparse: false } : operation;
  expect(numbers(found)).toEqual(numbers(run(plain, given)));
});

describe("what a stage refuses is the request's error", () => {
  test.each<[string, Without<SparkOperation>, Value, RegExp]>([
    [
      "NaN",
      { kind: "spark-assemble", checked: [true], sparse: false, what: ["age"] },
      matrix([NAN]),
      /column "age" has a missing number/,
    ],
    [
      "NaN of an interval",
      { kind: "spark-buckets", splits: floats(0, 1), nan: "refused", what: "age" },
      matrix([NAN]),
      /column "age" has a missing number/,
    ],
    [
      "a number outside of all intervals",
      { kind: "spark-buckets", splits: floats(0, 1), nan: "kept", what: "age" },
      matrix([1.5]),
      /column "age" has 1.5, which is outside of 0 to 1/,
    ],
    [
      "a category that there is not",
      { kind: "spark-one-hot", categories: 2, width: 2, invalid: "refused", sparse: false, what: "x" },
      matrix([2]),
      /column "x" has 2, which is no category from 0 to 1/,
    ],
    [
      "a value that was not there in training",
      {
        kind: "spark-category-numbers",
        starts: Int32Array.of(0, 1),
        categories: floats(5),
        numbers: floats(0),
        invalid: "refused",
        what: "v",
      },
      matrix([6]),
      /feature 0 of column "v" has 6/,
    ],
    [
      "a number below 0",
      { kind: "spark-require", numbers: "not-negative", what: "v" },
      matrix([-1]),
      /column "v" has -1, where the model takes numbers from 0 on/,
    ],
    ["a number between 0 and 1", { kind: "spark-require", numbers: "zero-or-one", what: "v" }, matrix([0.5]), /takes 0 and 1/],
    [
      "a missing text",
      { kind: "spark-tokens", lowerCase: true, pattern: " ", gaps: true, least: 0, longest: 9, what: "t" },
      { rows: 1, width: 1, texts: [null] },
      /column "t" has a missing text/,
    ],
    [
      "texts that may be numbers",
      { kind: "spark-hashed-columns", names: ["age"], has: ["either"], width: 8, hash: "spark-3" },
      { rows: 1, width: 1, texts: ["31.5"] },
      /column "age" has the text "31.5": send numbers in a tensor/,
    ],
    [
      "numbers that are categories",
      { kind: "spark-hashed-columns", names: ["zip"], has: ["categories"], width: 8, hash: "spark-3" },
      matrix([12]),
      /column "zip" has numbers that are categories/,
    ],
  ])("%s", (_, operation, value, message) => {
    expect(() => run(operation, value)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(message) }),
    );
  });
});

test("words with those that follow, and without those of a list", () => {
  expect(run({ kind: "spark-n-grams", count: 2 }, WORDS)).toEqual({ rows: 3, words: [["a b", "b a", "a c"], [], []] });
  const kept = run({ kind: "spark-stop-words", words: ["A"], caseMatters: false }, { rows: 1, words: [["a", "A", "b"]] });
  expect(kept).toEqual({ rows: 1, words: [["b"]] });
});

// By HashingTF of pyspark 3.5.3 with 1000 features, and by one whose metadata say that Spark 2.4.8 saved it.
test.each<[text: string, spark3: number, spark2: number]>([
  ["", 372, 372],
  ["a", 467, 170],
  ["ab", 919, 683],
  ["abc", 976, 556],
  ["abcd", 100, 100],
  ["abcde", 384, 928],
  ["naïve", 586, 388],
  ["日本", 85, 791],
  ["🦊", 932, 932],
  ["word with spaces", 927, 927],
])("the column of %j is %d, and was %d in Spark 2", (text, spark3, spark2) => {
  expect(columnHash("spark-3", 1000)(text)).toBe(spark3);
  expect(columnHash("spark-2", 1000)(text)).toBe(spark2);
});

test.each<[number, number]>([
  // By Python's 0.5 * math.erfc(-x / math.sqrt(2)).
  [0, 0.5],
  [1, 0.8413447460685429],
  [-1.96, 0.024997895148220435],
  [3, 0.9986501019683699],
  [-5.001, 2.851685632231768e-7],
  [6, 0.9999999990134123],
  [-8, 6.220960574271819e-16],
])("below %d lies the share %d of the normal distribution", (value, share) => {
  expect(Math.abs(normalCdf(value) / share - 1)).toBeLessThan(1e-13);
});

test("a tree of points leads to the nearest leaf, the first of two as near", () => {
  const tree = {
    kind: "spark-point-tree",
    points: floats(0, -1, 1, 3),
    starts: Int32Array.of(0, 2, 2, 3, 3),
    children: Int32Array.of(1, 2, 3),
    leaves: Int32Array.of(9, 4, 9, 7),
  } as const;
  expect(numbers(run({ ...tree, distance: "euclidean" }, matrix([-5], [0], [0.1])))).toEqual([4, 4, 7]);
});
