import { describe, expect, test } from "vitest";
import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix, Texts } from "../matrix.ts";
import { normalQuantile } from "../normal-distribution.ts";
import { featureStep } from "./feature-steps.ts";

type Step = FeatureOperation extends infer One ? (One extends FeatureOperation ? Omit<One, "from" | "to"> : never) : never;

const matrix = (width: number, ...data: number[]): Matrix => ({
  rows: data.length / width,
  width,
  data: Float64Array.from(data),
});
const run = (step: Step, value: Matrix | Texts) => featureStep({ ...step, from: "a", to: "b" } as FeatureOperation)([value]);
const numbers = (step: Step, value: Matrix | Texts) => [...(run(step, value) as Matrix).data];
const doubles = (...values: number[]) => Float64Array.from(values);

test.each<[string, Step, Matrix, number[]]>([
  [
    "bins by edges at or below",
    { kind: "bins", edges: doubles(1, 2, 5), starts: Int32Array.of(0, 2, 3), slack: false },
    matrix(2, 0.9, 5, 1, 4.9999999, 2, 9),
    [0, 1, 1, 0, 2, 1],
  ],
  [
    "bins with slack",
    { kind: "bins", edges: doubles(5), starts: Int32Array.of(0, 1), slack: true },
    matrix(1, 4.99999, 4.9),
    [1, 0],
  ],
  [
    "products of columns",
    { kind: "monomials", starts: Int32Array.of(0, 0, 1, 3), columns: Int32Array.of(1, 0, 0) },
    matrix(2, 3, 5),
    [1, 5, 9],
  ],
  ["rows by their absolute sum", { kind: "normalize", norm: "l1" }, matrix(2, 3, -1, 0, 0), [0.75, -0.25, 0, 0]],
  ["rows by their length", { kind: "normalize", norm: "l2" }, matrix(2, 3, -4), [0.6, -0.8]],
  ["rows by their largest", { kind: "normalize", norm: "max" }, matrix(2, 3, -4), [0.75, -1]],
  ["a threshold", { kind: "threshold", over: 0.5 }, matrix(3, 0.5, 0.6, -1), [0, 1, 0]],
  [
    "places among quantiles, in the middle of those that repeat",
    { kind: "quantiles", quantiles: doubles(0, 1, 1, 3), references: doubles(0, 0.25, 0.75, 1), normal: false },
    matrix(1, -1, 0, 0.5, 1, 2, 3, 4, Number.NaN),
    [0, 0, 0.125, 0.5, 0.875, 1, 1, Number.NaN],
  ],
  [
    "places on the normal distribution, whose ends are near",
    { kind: "quantiles", quantiles: doubles(0, 2), references: doubles(0, 1), normal: true },
    matrix(1, -9, 1, 9),
    [-5.199337582605575, 0, 5.19933758270342],
  ],
  [
    "powers of Yeo and Johnson",
    { kind: "power", method: "yeo-johnson", exponents: doubles(0, 2, 1) },
    matrix(3, Math.E - 1, 1 - Math.E, 3, 1, 1, -2),
    [1, -1, 3, Math.LN2, 1.5, -2],
  ],
  ["powers of Box and Cox", { kind: "power", method: "box-cox", exponents: doubles(0, 2) }, matrix(2, Math.E, 3), [1, 4]],
  ["a function", { kind: "function", does: "round" }, matrix(5, 0.5, 1.5, -0.5, -1.5, 2.4), [0, 2, -0, -2, 2]],
  [
    "flags of what is NaN",
    { kind: "missing-flags", missing: Number.NaN, columns: Int32Array.of(1) },
    matrix(2, Number.NaN, 1, 1, Number.NaN),
    [0, 1],
  ],
  ["flags of a number", { kind: "missing-flags", missing: -1, columns: Int32Array.of(0, 1) }, matrix(2, -1, 1), [1, 0]],
])("%s", (_, step, value, wanted) => {
  const found = numbers(step, value);
  expect(found).toHaveLength(wanted.length);
  for (const [i, number] of wanted.entries()) {
    if (Number.isNaN(number)) expect(found[i]).toBeNaN();
    else expect(found[i]).toBeCloseTo(number, 9);
  }
});

describe("what is missing", () => {
  const texts: Texts = { rows: 2, width: 2, texts: ["a", null, null, "?"] };

  test("among texts has flags, and texts in its place", () => {
    expect(numbers({ kind: "missing-flags", missing: null, columns: Int32Array.of(0, 1) }, texts)).toEqual([0, 1, 1, 0]);
    expect(run({ kind: "impute-texts", missing: null, values: ["x", "y"] }, texts)).toMatchObject({
      texts: ["a", "y", "x", "?"],
    });
    expect(run({ kind: "impute-texts", missing: null, values: ["x", null] }, texts)).toMatchObject({
      texts: ["a", null, "x", "?"],
    });
    expect(run({ kind: "impute-texts", missing: "?", values: ["x", "y"] }, texts)).toMatchObject({
      texts: ["a", null, null, "y"],
    });
  });

  test.each([
    ["the nearest rows that have it", "equally", [Number.NaN, 0], [15, 0]],
    ["the nearest rows by their distance", "by-distance", [Number.NaN, 0.5], [15, 0.5]],
    ["the rows at no distance alone", "by-distance", [Number.NaN, 1], [20, 1]],
    ["what stands for all where nothing is known", "equally", [Number.NaN, Number.NaN], [7, 8]],
  ] as const)("becomes the mean of %s", (_, weighted, row, wanted) => {
    const points = doubles(10, 0, 20, 1, 30, 9, Number.NaN, 0);
    const step = { kind: "impute-neighbours", points, count: 2, weighted, fallback: doubles(7, 8) } as const;
    expect(numbers(step, matrix(2, ...row))).toEqual(wanted);
  });
});

test("Box and Cox have no power of 0", () => {
  expect(() => run({ kind: "power", method: "box-cox", exponents: doubles(1) }, matrix(1, 0))).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: "the input has 0, where the model takes numbers above 0" }),
  );
});

test.each([
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.025, -1.959963984540054],
  [1e-10, -6.361340902404056],
  [1e-300, -37.0470962993612],
  [0, Number.NEGATIVE_INFINITY],
  [1, Number.POSITIVE_INFINITY],
])("the normal distribution has a share of %d below %d", (share, value) => {
  if (Number.isFinite(value)) expect(normalQuantile(share)).toBeCloseTo(value, 11);
  else expect(normalQuantile(share)).toBe(value);
});
