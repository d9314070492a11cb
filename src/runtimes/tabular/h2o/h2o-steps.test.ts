import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { H2oLink, H2oOperation, NeuronLayer } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix, Texts } from "../matrix.ts";
import { h2oStep } from "./h2o-steps.ts";
import { neuronLayer } from "./neuron-layer.ts";

type Step = H2oOperation extends infer One ? (One extends H2oOperation ? Omit<One, "from" | "to"> : never) : never;

const { NaN: NONE } = Number;

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, width: rows[0]!.length, data: Float64Array.from(rows.flat()) };
}

function texts(...values: (string | null)[]): Texts {
  return { rows: values.length, width: 1, texts: values };
}

function apply(step: Step, ...values: readonly (Matrix | Texts)[]): number[][] {
  const { rows, width, data } = h2oStep({ ...step, from: "", to: "" } as unknown as H2oOperation)(values);
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

test("levels become numbers, columns or bits; what is missing stays so", () => {
  const names = ["x", "y", "z"];
  const codes = Float64Array.of(0, 1, 2);
  const columns = [
    { column: 0, width: 1 },
    { column: 1, width: 1, levels: { names, codes, unknown: NONE, as: "code" as const } },
    { column: 2, width: 4, levels: { names, codes, unknown: 3, as: "hot" as const } },
    { column: 6, width: 2, levels: { names, codes: Float64Array.of(1, 2, 3), unknown: 0, as: "bits" as const } },
  ];
  const given = texts("z", "w", null);
  expect(apply({ kind: "level-rows", width: 8, columns }, matrix([[7], [8], [NONE]]), given, given, given)).toEqual([
    [7, 2, 0, 0, 1, 0, 1, 1],
    [8, NONE, 0, 0, 0, 1, 0, 0],
    [NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE],
  ]);
});

test("levels from a limit on are missing", () => {
  const limits = Float64Array.of(2, Number.POSITIVE_INFINITY);
  expect(
    apply(
      { kind: "limit-levels", limits },
      matrix([
        [1, 1e9],
        [2, 2],
      ]),
    ),
  ).toEqual([
    [1, 1e9],
    [NONE, 2],
  ]);
});

describe("sums of levels", () => {
  const sums = {
    groups: 2,
    starts: Int32Array.of(0, 2, 3),
    firstLevel: 1,
    weights: Float64Array.of(1, 10, 2, 20, 3, 30, 4, 40),
    bias: Float64Array.of(100, 1000),
    missing: "nothing" as const,
  };

  test("have nothing of a first level, and of one that there is no weight for", () => {
    const rows = matrix([
      [0, 0, 1],
      [1, 1, 0],
      [2, 2, 0],
      [3, 0, 0],
    ]);
    expect(apply({ kind: "level-sums", sums }, rows)).toEqual([
      [104, 1040],
      [104, 1040],
      [102, 1020],
      [100, 1000],
    ]);
  });

  test("of a missing level are nothing, no number or refused", () => {
    const rows = matrix([[NONE, 1, 1]]);
    expect(apply({ kind: "level-sums", sums }, rows)).toEqual([[107, 1070]]);
    expect(apply({ kind: "level-sums", sums: { ...sums, missing: "nan" } }, rows)).toEqual([[NONE, NONE]]);
    expect(() => apply({ kind: "level-sums", sums: { ...sums, missing: "refused" } }, rows)).toThrow("column 0 of levels");
  });
});

test("levels are spread with the last column for those that are missing or not known", () => {
  const spread = {
    starts: Int32Array.of(0, 3, 5),
    withFirst: true,
    none: 0,
    missing: NONE,
    zeroIsMissing: true,
    precision: "float32" as const,
  };
  const rows = matrix([
    [0, 1, 0],
    [NONE, 9, 0.1],
  ]);
  expect(apply({ kind: "spread-levels", spread }, rows)).toEqual([
    [1, 0, 0, 0, 1, NONE],
    [0, 0, 1, 0, 1, Math.fround(0.1)],
  ]);
  const scaled = {
    ...spread,
    withFirst: false,
    missing: 0,
    zeroIsMissing: false,
    precision: "float64" as const,
    scale: { subtract: Float64Array.of(1), multiply: Float64Array.of(2) },
  };
  expect(apply({ kind: "spread-levels", spread: scaled }, rows)).toEqual([
    [0, 0, 0, 1, 0, -2],
    [0, 0, 1, 0, 1, -1.8],
  ]);
});

test("an offset is added to each column, in the precision of the sums", () => {
  const sums: Matrix = { rows: 2, width: 2, data: Float32Array.of(1, 2, 3, 4) };
  const offset = matrix([[0.1], [NONE]]);
  const [first, second] = [Math.fround(1.1), Math.fround(2.1)];
  expect(apply({ kind: "add-offset", missing: 0 }, sums, offset)).toEqual([
    [first, second],
    [3, 4],
  ]);
  expect(apply({ kind: "add-offset", missing: NONE }, sums, offset)).toEqual([
    [first, second],
    [NONE, NONE],
  ]);
});

const LINKS: readonly (readonly [H2oLink, readonly number[], readonly number[]])[] = [
  [{ kind: "inverse", least: 1e-5 }, [2, -1e-9, 1e-9], [0.5, -1e5, 1e5]],
  [{ kind: "inverse", least: -1e-5 }, [1e-6], [1e6]],
  [{ kind: "power", exponent: 2 }, [3], [9]],
  [{ kind: "cloglog" }, [0], [1 - Math.exp(-1)]],
  [{ kind: "logit" }, [0.5, 0, 1], [0, -19, Math.log((1 - 1e-9) / (1 - (1 - 1e-9)))]],
  [{ kind: "ordinal" }, [0, 0], [0.5, 0, 0.5]],
  [{ kind: "balance", ratios: Float64Array.of(1, 3) }, [0.5, 0.5], [0.25, 0.75]],
  [{ kind: "shares-above-zero" }, [1, 3], [0.25, 0.75]],
  [{ kind: "shares-above-zero" }, [0, 0], [0, 0]],
  [{ kind: "distance-from", least: 2, most: 10 }, [2, 10, 6], [1, 0, 0.5]],
  [{ kind: "distance-from", least: 2, most: 2 }, [5], [1]],
  [{ kind: "halving", by: 2 }, [4], [0.25]],
  [{ kind: "softmax-above-zero" }, [-1000, -1000], [NONE, NONE]],
  [{ kind: "softmax-above-zero" }, [1000, 1000], [0.5, 0.5]],
  [{ kind: "most-above-zero" }, [0.2, 0.4, 0.4], [1]],
  [{ kind: "most-above-zero" }, [NONE, NONE], [0]],
  [{ kind: "least-column" }, [3, 1, 1], [1]],
  [{ kind: "least-column" }, [NONE, NONE], [-1]],
  [{ kind: "uplift" }, [0.75, 0.5], [0.25, 0.75, 0.5]],
  [{ kind: "above", threshold: 0.5 }, [0.5, 0.6], [0, 1]],
];

test.each(LINKS)("the link %j makes of %j %j", (link, from, to) => {
  const [found] = apply({ kind: "h2o-link", link }, matrix([from]));
  expect(found).toHaveLength(to.length);
  for (const [i, number] of to.entries()) {
    if (Number.isNaN(number)) expect(found![i]).toBeNaN();
    else expect(found![i]! / (number || 1)).toBeCloseTo(number === 0 ? 0 : 1, 12);
  }
});

test("a layer of neurons is the product of weights and a function of it", () => {
  const numbers = fc.float({ min: -2, max: 2, noNaN: true });
  const activation = fc.constantFrom<NeuronLayer["activation"][]>("linear", "rectifier", "exp-rectifier", "tanh", "softmax");
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(1, 2),
      activation,
      fc.infiniteStream(numbers),
      (width, outputs, channels, kind, stream) => {
        const take = (count: number): number[] => [...stream.take(count)];
        const layer: NeuronLayer = {
          outputs,
          channels,
          weights: Float32Array.from(take(width * outputs * channels)),
          bias: Float64Array.from(take(outputs * channels)),
          activation: kind,
          keep: 0.5,
        };
        const row = take(width);
        const sums = Array.from({ length: outputs }, (_, output) =>
          Math.max(
            ...Array.from({ length: channels }, (__, channel) =>
              row.reduce(
                (sum, x, i) => sum + x * layer.weights[channels * (output * width + i) + channel]!,
                layer.bias[output * channels + channel]!,
              ),
            ),
          ),
        );
        const powers = sums.map((sum) => Math.exp(sum - Math.max(...sums)));
        const whole = powers.reduce((a, b) => a + b);
        const plain = {
          linear: sums,
          rectifier: sums.map((sum) => Math.max(0, sum)),
          "exp-rectifier": sums.map((sum) => (sum >= 0 ? sum : Math.expm1(sum))),
          tanh: sums.map(Math.tanh),
          softmax: powers.map((power) => power / whole),
        }[kind];
        const found = neuronLayer(layer, matrix([row]));
        for (const [i, number] of plain.entries()) expect(found.data[i]).toBeCloseTo(number * 0.5, 9);
      },
    ),
  );
});

test("distances leave out what is missing, and count what is there for it", () => {
  const step = { kind: "level-distances" as const, points: Float64Array.of(1, 0, 5, 2), isLevel: Uint8Array.of(0, 1) };
  expect(
    apply(
      step,
      matrix([
        [2, 0],
        [NONE, 1],
        [2, NONE],
        [NONE, NONE],
      ]),
    ),
  ).toEqual([
    [1, 10],
    [2, 2],
    [2, 18],
    [0, 0],
  ]);
});

test("a line through points ends at its limits", () => {
  const line = { x: Float64Array.of(0, 1, 3), y: Float64Array.of(10, 20, 40), least: 0, most: 3 };
  const rows = matrix([[-1], [0.5], [1], [2], [9], [NONE]]);
  expect(apply({ kind: "isotonic", ...line }, rows).flat()).toEqual([10, 15, 20, 30, 40, NONE]);
  expect(apply({ kind: "isotonic", ...line, least: NONE, most: NONE }, matrix([[1]])).flat()).toEqual([NONE]);
});

test("the last rule that holds gives its number", () => {
  const group = {
    values: Float64Array.of(1, 2, 3),
    starts: Int32Array.of(0, 1, 3, 4),
    columns: Int32Array.of(0, 0, 1, 0),
    takesMissing: Uint8Array.of(1, 0, 0, 0),
    tests: ["below", "from", "in", "never"] as const,
    thresholds: Float64Array.of(5, 5, NONE, NONE),
    levels: [new Float64Array(0), new Float64Array(0), Float64Array.of(0, 2), new Float64Array(0)],
  };
  const rows = matrix([
    [1, 0],
    [5, 2],
    [5, 1],
    [NONE, NONE],
  ]);
  expect(apply({ kind: "rule-levels", groups: [group] }, rows).flat()).toEqual([1, 2, NONE, 1]);
});

test("numbers are those of levels, or of combinations of them", () => {
  const one = {
    columns: Int32Array.of(0),
    sizes: Float64Array.of(2),
    values: Float64Array.of(1, 2),
    missing: Float64Array.of(9),
  };
  const two = {
    columns: Int32Array.of(0, 1),
    sizes: Float64Array.of(2, 3),
    codes: Float64Array.of(0, 4, 11),
    values: Float64Array.of(5, 6, 7),
    missing: Float64Array.of(8),
  };
  const rows = matrix([
    [0, 0],
    [1, 1],
    [NONE, NONE],
    [7, 7],
    [1, 0],
  ]);
  expect(apply({ kind: "level-table", tables: [one, two] }, rows)).toEqual([
    [1, 5],
    [2, 6],
    [9, 7],
    [9, 7],
    [2, 8],
  ]);
});

test("paths through planes end where the last one lets a row", () => {
  const trees = {
    columns: 2,
    roots: Int32Array.of(0, 0),
    left: Int32Array.of(1, -1, -1),
    right: Int32Array.of(2, -1, -1),
    planes: Int32Array.of(0, 0, 0),
    normals: Float64Array.of(1, 1),
    points: Float64Array.of(1, 1),
    lengths: Float64Array.of(0, 3, 4),
  };
  expect(
    apply(
      { kind: "plane-paths", trees },
      matrix([
        [1, 1],
        [1, 2],
        [NONE, 0],
      ]),
    ).flat(),
  ).toEqual([3, 4, 4]);
});
