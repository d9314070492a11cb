import { expect, test } from "vitest";
import type { Link } from "../../model/tabular-program.ts";
import { applyLink } from "./links.ts";

test.each<[Link, number, readonly number[], readonly number[]]>([
  [{ kind: "sigmoid", steepness: 1 }, 1, [0, 1000, -1000], [0.5, 1, 0]],
  [{ kind: "sigmoid", steepness: 0.5 }, 1, [2], [1 / (1 + Math.exp(-1))]],
  [{ kind: "exp" }, 1, [0, 1], [1, Math.E]],
  [{ kind: "log1p-exp" }, 1, [0, -50], [Math.LN2, Math.exp(-50)]],
  [{ kind: "step" }, 1, [-1, 0, 0.1], [0, 0, 1]],
  [{ kind: "signed-square" }, 1, [-3, 2], [-9, 4]],
  [{ kind: "softmax" }, 2, [1000, 1000, 0, Math.log(3)], [0.5, 0.5, 0.25, 0.75]],
  [{ kind: "argmax" }, 3, [1, 5, 5, 9, 2, 3], [1, 0]],
  [{ kind: "complement" }, 1, [0.25, 1], [0.75, 0.25, 0, 1]],
])("%j of rows of %i", (link, width, given, wanted) => {
  const { data } = applyLink(link, { rows: given.length / width, width, data: Float64Array.from(given) });
  expect(data).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(data[i]).toBeCloseTo(value, 12);
});

test("a link of float32 gives float32", () => {
  expect(applyLink({ kind: "exp" }, { rows: 1, width: 1, data: Float32Array.of(1) }).data).toEqual(Float32Array.of(Math.E));
});
