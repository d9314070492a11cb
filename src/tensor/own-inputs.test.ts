import { expect, test } from "vitest";
import { neededInputs, ownInputs, shownInputs } from "./own-inputs.ts";
import type { TensorInfo } from "./signature.ts";

const info = (alias: string, more: Partial<TensorInfo> = {}): TensorInfo => ({
  alias,
  name: alias,
  dtype: "float64",
  shape: [-1],
  ...more,
});
const aliases = (infos: readonly TensorInfo[]) => infos.map(({ alias }) => alias);

const MATRIX = info("X", { optional: true });
const COLUMNS = ["a", "b"].map((alias) => info(alias, { optional: true, columnOf: "X" }));
const DEFAULTED = info("k", { optional: true });

test("columns of a matrix are not an input of their own", () => {
  expect(aliases(ownInputs([MATRIX, ...COLUMNS, DEFAULTED, info("t")]))).toEqual(["X", "k", "t"]);
});

test("a matrix is shown as one that may not be left out", () => {
  const shown = shownInputs([MATRIX, ...COLUMNS, DEFAULTED]);
  expect(shown.map(({ alias, optional }) => [alias, optional])).toEqual([
    ["X", false],
    ["k", true],
  ]);
});

test("a matrix that may be left out for its columns is needed, what has a default is not", () => {
  expect(aliases(neededInputs([MATRIX, ...COLUMNS, DEFAULTED, info("t")]))).toEqual(["X", "t"]);
  expect(neededInputs([MATRIX])).toEqual([]);
});
