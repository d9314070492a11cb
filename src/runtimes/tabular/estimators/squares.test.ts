import { expect, test } from "vitest";
import { squares } from "./squares.ts";

const rows = { rows: 2, width: 2, data: Float64Array.of(0, 0, 3, 4) };

test("squared distances from each point are added to its bias", () => {
  const points = Float64Array.of(0, 0, 3, 0);
  expect(squares({ points, bias: Float64Array.of(0, 10) }, rows)).toEqual({
    rows: 2,
    width: 2,
    data: Float64Array.of(0, 19, 25, 26),
  });
});

test("each column of each point has its weight", () => {
  const points = Float64Array.of(0, 0);
  expect(squares({ points, weights: Float64Array.of(2, -1), bias: Float64Array.of(0) }, rows).data).toEqual(
    Float64Array.of(0, 2),
  );
});
