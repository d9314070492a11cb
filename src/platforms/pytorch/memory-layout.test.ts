import { expect, test } from "vitest";
import { ExportedPart } from "./exported-part.ts";
import { canBeSeenAs, type Extent, extentOf, isContiguous } from "./memory-layout.ts";

/** A number, or an expression as torch writes it. */
const extent = (size: number | string): Extent =>
  extentOf(new ExportedPart(typeof size === "number" ? { as_int: size } : { as_expr: { expr_str: size } }, "size"));
const extents = (sizes: readonly (number | string)[]) => sizes.map(extent);

test.each<[number | string, Extent]>([
  [5, { factor: 5, symbols: [] }],
  ["s0", { factor: 1, symbols: ["s0"] }],
  ["5*s1", { factor: 5, symbols: ["s1"] }],
  ["Symbol('s46', positive=True, integer=True)", { factor: 1, symbols: ["s46"] }],
  ["Mul(Integer(5), Symbol('s46', positive=True, integer=True))", { factor: 5, symbols: ["s46"] }],
  ["s0*s1", { factor: 1, symbols: ["s0", "s1"] }],
  ["s0 + 1", undefined],
  ["s0**2", undefined],
  ["s0//2", undefined],
  ["Add(Symbol('s0', integer=True), Integer(1))", undefined],
  ["Pow(Symbol('s0', integer=True), Integer(2))", undefined],
])("%s is read", (text, wanted) => {
  expect(extent(text)).toEqual(wanted);
});

type Sizes = readonly (number | string)[];

test.each<[string, Sizes, Sizes, Sizes, boolean | undefined]>([
  ["rows joined", ["b", 3, 4], [12, 4, 1], ["b", 12], true],
  ["a slice of rows, whose rows are split", ["b", 2, 4], [20, 4, 1], ["b", 2, 2, 2], true],
  ["a slice of rows joined over the batch", [3, 2, 4], [20, 4, 1], [6, 4], false],
  ["a turned matrix joined", ["b", 4, 3], [12, 1, 4], ["b", 12], false],
  ["what is turned only where there are several", ["b", 4, 3], [3, "3*b", 1], ["4*b", 3], undefined],
  ["rows of a dynamic length joined", ["b", "n", 4], ["4*n", 4, 1], ["b", "4*n"], true],
  ["nothing", [0, 3], [1, 7], [3, 0], true],
  ["one number", [], [], [1, 1], true],
  ["sizes that are sums", ["b + 1", 3], [3, 1], ["b + 1", 3], undefined],
])("%s: whether no copy is made", (_, sizes, strides, wanted, shares) => {
  expect(canBeSeenAs({ sizes: extents(sizes), strides: extents(strides) }, extents(wanted))).toBe(shares);
});

test.each<[Sizes, Sizes, boolean | undefined]>([
  [[2, 3], [3, 1], true],
  [[2, 3], [1, 2], false],
  [["b", 3], [3, 1], true],
  [["b", 3], [6, 1], undefined],
  [["b", 3, 2], [6, 1, 3], false],
  [["b", "n"], ["n", 1], true],
])("sizes %j with strides %j: whether numbers lie one after the other", (sizes, strides, whole) => {
  expect(isContiguous({ sizes: extents(sizes), strides: extents(strides) })).toBe(whole);
});
