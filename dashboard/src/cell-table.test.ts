import { expect, test } from "vitest";
import { pasted, tableOf } from "./cell-table.ts";

test.each([
  [
    "1\t2\n3\t4\n",
    [
      ["1", "2"],
      ["3", "4"],
    ],
  ],
  ["1\r\n2", [["1"], ["2"]]],
  ["1", undefined],
  ["1\n", undefined],
  ["", undefined],
])("%j from a spreadsheet is %j", (text, table) => expect(tableOf(text)).toEqual(table));

test.each([
  [
    "below and beside the cell it is pasted into",
    0,
    1,
    false,
    [
      ["a", "1"],
      ["c", "3"],
    ],
  ],
  [
    "with rows of its own where those may grow",
    1,
    0,
    true,
    [
      ["a", "b"],
      ["1", "2"],
      ["3", "4"],
    ],
  ],
  [
    "and is cut where they may not",
    1,
    1,
    false,
    [
      ["a", "b"],
      ["c", "1"],
    ],
  ],
])("a table lies %s", (_, row, column, grows, result) => {
  const rows = [
    ["a", "b"],
    ["c", "d"],
  ];
  expect(
    pasted(
      rows,
      [
        ["1", "2 "],
        ["3", "4"],
      ],
      row,
      column,
      grows,
    ),
  ).toEqual(result);
});
