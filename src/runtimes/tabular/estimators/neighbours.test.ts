import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Metric, Neighbours } from "../../../model/tabular/estimator-operations.ts";
import { distances, localOutlierFactor, neighbourValues } from "./neighbours.ts";

const matrix = (width: number, ...data: number[]) => ({ rows: data.length / width, width, data: Float64Array.from(data) });

describe("a distance", () => {
  const far = (metric: Metric, row: number[], point: number[]) =>
    distances(metric, Float64Array.from(point), point.length, matrix(row.length, ...row)).data[0];

  test.each<[Metric, number]>([
    [{ kind: "euclidean" }, Math.sqrt(1 + 4 + 16)],
    [{ kind: "euclidean-by-products" }, Math.sqrt(1 + 4 + 16)],
    [{ kind: "manhattan" }, 7],
    [{ kind: "chebyshev" }, 4],
    [{ kind: "minkowski", p: 3 }, Math.cbrt(1 + 8 + 64)],
    [{ kind: "minkowski", p: 1, weights: Float64Array.of(2, 1, 0.5) }, 2 + 2 + 2],
    [{ kind: "standardized", variances: Float64Array.of(1, 4, 16) }, Math.sqrt(3)],
    [{ kind: "canberra" }, 1 / 1 + 2 / 4 + 4 / 6],
    [{ kind: "bray-curtis" }, 7 / 11],
    [{ kind: "cosine" }, 1 - (0 * 1 + 1 * 3 + 5 * 1) / (Math.sqrt(26) * Math.sqrt(11))],
    [{ kind: "hamming" }, 1],
  ])("by %j", (metric, wanted) => {
    expect(far(metric, [0, 1, 5], [1, 3, 1])).toBeCloseTo(wanted, 12);
    expect(far(metric, [2, 3, 1], [2, 3, 1])).toBeCloseTo(0, 12);
  });

  test("on a sphere goes along it", () => {
    expect(far({ kind: "haversine" }, [0, 0], [Math.PI / 2, 1])).toBeCloseTo(Math.PI / 2, 12);
    expect(far({ kind: "haversine" }, [0, 1], [0, 1 + Math.PI])).toBeCloseTo(Math.PI, 6);
  });
});

const neighbours = (points: readonly number[], own: Partial<Neighbours>): Neighbours => ({
  metric: { kind: "euclidean" },
  points: Float64Array.from(points),
  columns: 1,
  within: { kind: "count", count: 2 },
  weighted: "equally",
  ...own,
});

const meanOf = (of: Neighbours, ...rows: number[]) => {
  const targets = Float64Array.from({ length: of.points.length }, (_, i) => 10 ** i);
  return [
    ...neighbourValues({ neighbours: of, does: "mean", targets, width: 1, otherwise: Float64Array.of(-1) })(matrix(1, ...rows))
      .data,
  ];
};

test("the nearest count, the first of equally far ones", () => {
  expect(meanOf(neighbours([0, 1, 2, 4], {}), 0.9, 3)).toEqual([(1 + 10) / 2, (100 + 1000) / 2]);
  expect(meanOf(neighbours([1, 1, 1, 1], { within: { kind: "count", count: 2 } }), 5)).toEqual([(1 + 10) / 2]);
});

test("by distance, a neighbour at distance 0 is the only one", () => {
  expect(meanOf(neighbours([0, 3, 9], { weighted: "by-distance" }), 0, 1)).toEqual([1, (1 / 1 + 10 / 2) / (1 + 1 / 2)]);
});

test("within a radius, and none of them", () => {
  const within = neighbours([0, 1, 5], { within: { kind: "radius", radius: 1 } });
  expect(meanOf(within, 0, 5, 9)).toEqual([(1 + 10) / 2, 100, -1]);
  const refused = { neighbours: within, does: "sum", targets: new Float64Array(3), width: 1, otherwise: "refused" } as const;
  expect(() => neighbourValues(refused)(matrix(1, 0, 9))).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: "row 1 has no neighbour, for which the model has no answer" }),
  );
});

test("an outlier is far from points that are close together", () => {
  const of = {
    neighbours: neighbours([0, 1, 2], {}),
    reaches: Float64Array.of(2, 1, 2),
    densities: Float64Array.of(0.5, 0.5, 0.5),
  };
  const [inside, outside] = localOutlierFactor(of)(matrix(1, 1, 11)).data;
  expect(inside).toBeCloseTo(-0.75, 9);
  expect(outside).toBeCloseTo(-(9 + 10) / 2 / 2, 9);
});

test("a tree of points finds what a look at all of them finds", () => {
  const number = fc.double({ min: -10, max: 10, noNaN: true });
  const kinds = fc.constantFrom<Metric["kind"]>("euclidean", "manhattan", "chebyshev");
  fc.assert(
    fc.property(
      fc.array(number, { minLength: 16, maxLength: 16 }),
      fc.array(number, { minLength: 2, maxLength: 2 }),
      kinds,
      fc.boolean(),
      (points, row, kind, ball) => {
        const metric = { kind } as Metric;
        const own = { metric, columns: 2, within: { kind: "count", count: 3 } } as const;
        const all = neighbours(points, own);
        const tree = neighbours(points, { ...own, tree: halved(points, metric, ball) });
        const targets = Float64Array.from(points.keys());
        const [one, other] = [all, tree].map((each) =>
          neighbourValues({ neighbours: each, does: "sum", targets, width: 1, otherwise: "refused" })(matrix(2, ...row)),
        );
        // Which of equally far ones are found may differ; a ball's bound is rounded, as the library's is.
        const far = [...distances(metric, all.points, 2, matrix(2, ...row)).data].sort((a, b) => a - b);
        if (far[3] - far[2] > 1e-9 * far[3]) expect(other).toEqual(one);
      },
    ),
  );
});

/** Eight points of two columns as a root with two leaves of four. */
function halved(points: readonly number[], metric: Metric, ball: boolean): NonNullable<Neighbours["tree"]> {
  const order = Int32Array.from({ length: 8 }, (_, i) => i).sort((a, b) => points[2 * a] - points[2 * b]);
  const starts = Int32Array.of(0, 0, 4);
  const ends = Int32Array.of(8, 4, 8);
  const of = (node: number, column: number) =>
    [...order.subarray(starts[node], ends[node])].map((point) => points[2 * point + column]);
  const corners = (pick: (...values: number[]) => number) =>
    Float64Array.from({ length: 6 }, (_, i) => pick(...of(Math.floor(i / 2), i % 2)));
  const [least, most] = [corners(Math.min), corners(Math.max)];
  const leaves = Uint8Array.of(0, 1, 1);
  if (!ball) return { order, starts, ends, leaves, lower: least, upper: most };
  const centres = least.map((value, i) => (value + most[i]) / 2);
  const radii = Float64Array.from(starts, (_, node) => {
    const members = [...order.subarray(starts[node], ends[node])].flatMap((point) => points.slice(2 * point, 2 * point + 2));
    return Math.max(...distances(metric, centres.slice(2 * node, 2 * node + 2), 2, matrix(2, ...members)).data);
  });
  return { order, starts, ends, leaves, lower: centres, radii };
}
