import { describe, expect, test } from "vitest";
import type { EstimatorOperation, Kernel } from "../../../model/tabular/estimator-operations.ts";
import type { Matrix } from "../matrix.ts";
import { estimatorStep, isEstimatorStep } from "./estimator-steps.ts";

const matrix = (width: number, ...data: number[]): Matrix => ({
  rows: data.length / width,
  width,
  data: Float64Array.from(data),
});
type Step = EstimatorOperation extends infer One ? (One extends EstimatorOperation ? Omit<One, "from" | "to"> : never) : never;
const run = (step: Step, ...values: Matrix[]): Matrix =>
  estimatorStep({ from: "", to: "", ...step } as EstimatorOperation)(values);

function expectClose({ width, data }: Matrix, wantedWidth: number, ...wanted: number[]): void {
  expect(width).toBe(wantedWidth);
  expect(data).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(data[i]).toBeCloseTo(value, 12);
}

describe("the kernel", () => {
  const product = 1 * 3 + 2 * 1;
  const squared = 4 + 1;
  const distance = Math.sqrt(squared);
  test.each<[Kernel, number]>([
    [{ kind: "linear" }, product],
    [{ kind: "polynomial", gamma: 0.5, coef0: 1, degree: 3 }, (0.5 * product + 1) ** 3],
    [{ kind: "gaussian", gamma: 0.1 }, Math.exp(-0.1 * squared)],
    [{ kind: "sigmoid", gamma: 0.1, coef0: -1 }, Math.tanh(0.1 * product - 1)],
    [{ kind: "laplacian", gamma: 0.1 }, Math.exp(-0.1 * 3)],
    [{ kind: "chi-squared", gamma: 0.1 }, Math.exp(-0.1 * (4 / 4 + 1 / 3))],
    [{ kind: "cosine" }, product / (Math.sqrt(5) * Math.sqrt(10))],
    [{ kind: "constant", value: 4 }, 4],
    [{ kind: "radial", lengths: Float64Array.of(2) }, Math.exp(-0.5 * (squared / 4))],
    [{ kind: "radial", lengths: Float64Array.of(2, 1) }, Math.exp(-0.5 * (1 + 1))],
    [{ kind: "matern", nu: 0.5, lengths: Float64Array.of(1) }, Math.exp(-distance)],
    [
      { kind: "matern", nu: 1.5, lengths: Float64Array.of(1) },
      (1 + Math.sqrt(3) * distance) * Math.exp(-Math.sqrt(3) * distance),
    ],
    [
      { kind: "matern", nu: 2.5, lengths: Float64Array.of(1) },
      (1 + Math.sqrt(5) * distance + (5 / 3) * squared) * Math.exp(-Math.sqrt(5) * distance),
    ],
    [{ kind: "rational-quadratic", alpha: 2, length: 3 }, (1 + squared / 36) ** -2],
    [{ kind: "periodic", length: 2, period: 3 }, Math.exp(-2 * (Math.sin((Math.PI / 3) * distance) / 2) ** 2)],
    [{ kind: "dot-product", sigma0: 2 }, 4 + product],
    [{ kind: "sum", of: [{ kind: "linear" }, { kind: "constant", value: 2 }] }, product + 2],
    [{ kind: "product", of: [{ kind: "linear" }, { kind: "constant", value: 2 }] }, product * 2],
    [{ kind: "power", of: { kind: "linear" }, exponent: 3 }, product ** 3],
  ])("%j", (kernel, wanted) => {
    expectClose(run({ kind: "kernel", kernel, points: Float64Array.of(3, 1), columns: 2 }, matrix(2, 1, 2)), 1, wanted);
  });
});

describe("pairs of classes", () => {
  test("each pair has a vote, and 0 is one for the second", () => {
    expectClose(run({ kind: "pairwise-votes", classes: 3 }, matrix(3, 1, 1, 1, -1, 0, 2)), 3, 2, 1, 0, 0, 2, 1);
  });

  test("votes are first, and how sure they were decides among equals", () => {
    const wins = matrix(3, 0, 1, 0);
    const margins = matrix(3, -2, 5, -1);
    const sure = (sum: number) => sum / (3 * (Math.abs(sum) + 1));
    expectClose(
      run({ kind: "pairwise-scores", classes: 3 }, wins, margins),
      3,
      1 + sure(2 - 5),
      1 + sure(-2 + 1),
      1 + sure(5 - 1),
    );
  });

  test("probabilities that agree with one another are found again", () => {
    const shares = [0.2, 0.3, 0.5];
    const pair = (i: number, j: number) => shares[i] / (shares[i] + shares[j]);
    const { data } = run({ kind: "pairwise-coupling", classes: 3 }, matrix(3, pair(0, 1), pair(0, 2), pair(1, 2)));
    for (const [i, share] of shares.entries()) expect(data[i]).toBeCloseTo(share, 2);
    expect(Array.from(data).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  test("probabilities of 0 and 1 leave something to the others", () => {
    const { data } = run({ kind: "pairwise-coupling", classes: 2 }, matrix(1, 1, 0));
    expect(data[0]).toBeGreaterThan(0.99);
    expect(data[1]).toBeGreaterThan(0);
    expect(data[3]).toBeGreaterThan(0.99);
  });
});

describe("matrices together", () => {
  test.each<[string, Step, readonly Matrix[], number, readonly number[]]>([
    ["a weighted sum", { kind: "weighted-sum", weights: Float64Array.of(2, -1) }, [matrix(2, 1, 2), matrix(2, 3, 4)], 2, [-1, 0]],
    [
      "a weighted median",
      { kind: "weighted-median", weights: Float64Array.of(1, 1, 3) },
      [matrix(3, 5, 1, 9, 9, 5, 1)],
      1,
      [9, 1],
    ],
    ["a median at exactly half", { kind: "weighted-median", weights: Float64Array.of(1, 1) }, [matrix(2, 7, 3)], 1, [3]],
    ["a sum of products", { kind: "row-product" }, [matrix(2, 1, 2, 3, 4), matrix(2, 5, 6, 7, 8)], 1, [17, 53]],
    ["products", { kind: "multiply" }, [matrix(2, 1, 2), matrix(2, 3, 4)], 2, [3, 8]],
    ["products with one column", { kind: "multiply" }, [matrix(2, 1, 2, 3, 4), matrix(1, 10, 100)], 2, [10, 20, 300, 400]],
    ["sums", { kind: "row", does: "sum" }, [matrix(2, 1, 2, 3, 4)], 1, [3, 7]],
    ["the last of the largest", { kind: "row", does: "last-argmax" }, [matrix(3, 1, 5, 5, 5, 1, 1)], 1, [2, 0]],
    [
      "logarithms of sums",
      { kind: "row", does: "log-sum-exp" },
      [matrix(2, 1000, 1000, 0, Number.NEGATIVE_INFINITY)],
      1,
      [1000 + Math.LN2, 0],
    ],
    [
      "shares, the same for nothing",
      { kind: "guarded-shares", whenZero: "equal" },
      [matrix(2, 1, 3, 0, 0)],
      2,
      [0.25, 0.75, 0.5, 0.5],
    ],
    ["shares, none of nothing", { kind: "guarded-shares", whenZero: "zero" }, [matrix(2, 1, 3, 0, 0)], 2, [0.25, 0.75, 0, 0]],
  ])("%s", (_, step, values, width, wanted) => {
    expectClose(run(step, ...values), width, ...wanted);
  });

  test("the logarithm of a sum of nothing is that of 0", () => {
    const nothing = matrix(2, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY);
    expect(run({ kind: "row", does: "log-sum-exp" }, nothing).data[0]).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("between points", () => {
  const [x, y] = [Float64Array.of(0, 1, 3), Float64Array.of(10, 20, 0)];

  test("values lie on lines, and points are themselves", () => {
    const values = matrix(1, 0, 0.5, 1, 2, 3, Number.NaN);
    expect([...run({ kind: "interpolate", x, y, outside: "end" }, values).data]).toEqual([10, 15, 20, 10, 0, Number.NaN]);
  });

  test.each([
    ["end", [10, 0]],
    ["nan", [Number.NaN, Number.NaN]],
  ] as const)("outside there is %s", (outside, wanted) => {
    expect([...run({ kind: "interpolate", x, y, outside }, matrix(1, -1, 4)).data]).toEqual(wanted);
  });

  test("outside may be refused", () => {
    expect(() => run({ kind: "interpolate", x, y, outside: "refused" }, matrix(1, 4))).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: "the input has 4, which is not between 0 and 3" }),
    );
  });

  test("one point is everywhere", () => {
    const one = Float64Array.of(5);
    expect([...run({ kind: "interpolate", x: one, y: one, outside: "end" }, matrix(1, 0, 5, 9)).data]).toEqual([5, 5, 5]);
  });
});

describe("categories", () => {
  test("what is none becomes missing, in columns that have any", () => {
    const step = {
      kind: "known-categories",
      starts: Int32Array.of(0, 0),
      lengths: Int32Array.of(2, 0),
      words: Uint32Array.of(0b101, 1),
    } as const;
    const given = matrix(2, 0, -7, 1, 1, 2.9, 2, 32, 3, 64, 4, -0.5, 5, Number.NaN, 6);
    expect([...run(step, given).data]).toEqual([0, -7, Number.NaN, 1, 2, 2, 32, 3, Number.NaN, 4, Number.NaN, 5, Number.NaN, 6]);
  });

  test("each adds its numbers", () => {
    const step = {
      kind: "category-sums",
      starts: Int32Array.of(0, 2),
      sizes: Int32Array.of(2, 1),
      width: 2,
      values: Float64Array.of(1, 2, 3, 4, 50, 60),
      bias: Float64Array.of(0.5, 0),
    } as const;
    expectClose(run(step, matrix(2, 0, 0, 1, 0)), 2, 51.5, 62, 53.5, 64);
    expect(() => run(step, matrix(2, 0, 1))).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        message: "column 1 has 1, which is none of the 1 categories that the model knows",
      }),
    );
  });
});

test("other steps are not these", () => {
  expect(isEstimatorStep({ kind: "kernel" })).toBe(true);
  expect(isEstimatorStep({ kind: "linear" })).toBe(false);
  expect(isEstimatorStep({ kind: "toString" })).toBe(false);
});
