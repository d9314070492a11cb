import { expect, test } from "vitest";
// @ts-expect-error The benchmark's scripts are plain JavaScript without types.
import { figure, interleave, median, pairedRatio, spread, table } from "./measurements.mjs";

test.each([
  [[3, 1, 2], 2],
  [[10, 9, 100, 1], 9.5],
  [[7], 7],
  [[], Number.NaN],
])("the median of %j is %d", (values, expected) => {
  const before = [...values];
  expect(median(values)).toBe(expected);
  expect(values).toEqual(before);
});

test("rounds are compared in pairs, so that a slow minute which hit both changes nothing", () => {
  const one = [{ rate: 100 }, { rate: 10 }, { rate: 100 }];
  const other = [{ rate: 50 }, { rate: 5 }, { rate: 80 }];
  expect(pairedRatio(one, other, "rate")).toBe(2);
});

test("the spread is a part of the median", () => {
  expect(spread([90, 100, 120])).toBeCloseTo(0.3);
});

test("cells take turns in every round", async () => {
  const calls: string[] = [];
  const cell = (name: string) => async () => calls.push(name);
  expect(await interleave([cell("A"), cell("B")], 3)).toEqual([
    [1, 3, 5],
    [2, 4, 6],
  ]);
  expect(calls.join("")).toBe("ABABAB");
});

test("a table is padded, with words to the left and numbers to the right", () => {
  expect(
    table(
      ["[model]", "µs"],
      [
        ["a", "1.00"],
        ["longer", "12345"],
      ],
    ),
  ).toBe(["| model  |    µs |", "| ------ | ----: |", "| a      |  1.00 |", "| longer | 12345 |"].join("\n"));
});

test.each([
  [12345.6, "12346"],
  [123.4, "123"],
  [45.67, "45.7"],
  [1.7049, "1.70"],
  [Number.NaN, "n/a"],
])("%d is written %s", (value, text) => {
  expect(figure(value)).toBe(text);
});
