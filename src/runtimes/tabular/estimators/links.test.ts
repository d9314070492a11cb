import { expect, test } from "vitest";
import type { Link } from "../../../model/tabular/tabular-program.ts";
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
  [{ kind: "mirror" }, 1, [0.25, -1], [-0.25, 0.25, 1, -1]],
  [{ kind: "step-from-zero" }, 1, [-0.1, 0, 0.1], [0, 1, 1]],
  [{ kind: "argmin" }, 3, [4, 1, 1, 2, 9, 3], [1, 0]],
  [{ kind: "shares" }, 2, [1, 3, 2, 0], [0.25, 0.75, 1, 0]],
  [{ kind: "log" }, 2, [1, Math.E], [0, 1]],
  [{ kind: "log-softmax" }, 2, [0, 0, 0, 2000], [-Math.LN2, -Math.LN2, -2000, 0]],
  [{ kind: "sqrt" }, 1, [9, 2], [3, Math.SQRT2]],
  [{ kind: "tanh" }, 1, [0, 1], [0, Math.tanh(1)]],
  [{ kind: "relu" }, 1, [-2, 2], [0, 2]],
  [{ kind: "clip", least: 0, most: 1 }, 1, [-2, 0.5, 2], [0, 0.5, 1]],
  [{ kind: "round-to-float32" }, 1, [0.1], [Math.fround(0.1)]],
  [{ kind: "finite", nan: "refused" }, 1, [-1, 1e300], [-1, 1e300]],
])("%j of rows of %i", (link, width, given, wanted) => {
  const { data } = applyLink(link, { rows: given.length / width, width, data: Float64Array.from(given) });
  expect(data).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(data[i]).toBeCloseTo(value, 12);
});

test("a link of float32 gives float32", () => {
  expect(applyLink({ kind: "exp" }, { rows: 1, width: 1, data: Float32Array.of(1) }).data).toEqual(Float32Array.of(Math.E));
});

test.each<[Extract<Link, { kind: "finite" }>["nan"], number, string]>([
  ["refused", Number.NaN, "the input has NaN, which the model does not take"],
  ["refused", Number.POSITIVE_INFINITY, "the input has a number that is infinite or too large, which the model does not take"],
  ["allowed", Number.NEGATIVE_INFINITY, "the input has a number that is infinite or too large, which the model does not take"],
])("where NaN is %s, %d is the request's error", (nan, value, message) => {
  const given = { rows: 1, width: 2, data: Float64Array.of(1, value) };
  expect(() => applyLink({ kind: "finite", nan }, given)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
});

test("NaN passes where it is allowed", () => {
  const given = { rows: 1, width: 1, data: Float64Array.of(Number.NaN) };
  expect(applyLink({ kind: "finite", nan: "allowed" }, given)).toBe(given);
});
