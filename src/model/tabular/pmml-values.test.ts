import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PmmlType, PmmlValue } from "./pmml-fields.ts";
import { castPmmlValue, daysToYear, decimalOfFloat, parsePmmlValue, pmmlText } from "./pmml-values.ts";

test.each<[string, PmmlType, PmmlValue | undefined]>([
  [" 7 ", "integer", 7],
  ["7.0", "integer", 7],
  ["7.5", "integer", undefined],
  ["1e2", "double", 100],
  ["1.5f", "double", 1.5],
  ["-INF", "double", Number.NEGATIVE_INFINITY],
  ["0x10", "double", undefined],
  ["1_000", "double", undefined],
  ["", "double", undefined],
  ["0.1", "float", Math.fround(0.1)],
  ["TRUE", "boolean", true],
  ["0", "boolean", false],
  ["yes", "boolean", undefined],
  [" a ", "string", " a "],
  ["1970-01-02", "date", 1],
  ["2021-02-29", "date", undefined],
  ["01/02/2021", "date", undefined],
  ["13:45:10", "time", 49_510],
  ["24:00:00", "time", undefined],
  ["1970-01-01T00:01", "dateTime", 60],
  ["1970-01-01 00:01", "dateTime", undefined],
  ["1960-01-11", "dateDaysSince[1960]", 10],
  ["12", "dateDaysSince[1960]", 12],
  ["1980-01-01T00:00:05", "dateTimeSecondsSince[1980]", 5],
])("reads %j as %s: %s", (text, type, value) => {
  expect(parsePmmlValue(text, type)).toBe(value);
});

test.each<[PmmlValue, PmmlType, PmmlType, PmmlValue | undefined]>([
  [7, "integer", "string", "7"],
  [7, "double", "string", "7.0"],
  [7.5, "double", "integer", undefined],
  [0.1, "double", "float", Math.fround(0.1)],
  [true, "boolean", "double", 1],
  [1, "integer", "boolean", true],
  [2, "integer", "boolean", undefined],
  ["2.5", "string", "double", 2.5],
  [86_461, "dateTime", "date", 1],
  [86_461, "dateTime", "time", 61],
  [1, "date", "dateTime", 86_400],
  [3653, "date", "dateDaysSince[1980]", 1],
])("%s of %s as %s is %s", (value, from, to, made) => {
  expect(castPmmlValue(value, from, to)).toBe(made);
});

test.each<[PmmlValue, PmmlType, string]>([
  [1e7, "double", "1.0E7"],
  [12_345_678.5, "double", "1.23456785E7"],
  [0.001, "double", "0.001"],
  [0.0001, "double", "1.0E-4"],
  [-0, "double", "-0.0"],
  [Number.NaN, "double", "NaN"],
  [Math.fround(0.1), "float", "0.1"],
  [Math.fround(16_777_216), "float", "1.6777216E7"],
  [18_262, "date", "2020-01-01"],
  [49_510.5, "time", "13:45:10.500"],
  [86_461, "dateTime", "1970-01-02T00:01:01"],
])("writes %s of %s as %s", (value, type, text) => {
  expect(pmmlText(value, type)).toBe(text);
});

describe("what is written", () => {
  test("is read as the same number", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(parsePmmlValue(pmmlText(value, "double"), "double")).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parsePmmlValue(pmmlText(value, "float"), "float")).toBe(value);
        expect(Math.fround(decimalOfFloat(value))).toBe(value);
      }),
    );
  });

  test("is read as the same day and second", () => {
    fc.assert(
      fc.property(fc.integer({ min: -700_000, max: 700_000 }), fc.integer({ min: 0, max: 86_399 }), (day, second) => {
        expect(parsePmmlValue(pmmlText(day, "date"), "date")).toBe(day);
        expect(parsePmmlValue(pmmlText(day * 86_400 + second, "dateTime"), "dateTime")).toBe(day * 86_400 + second);
      }),
    );
  });
});

test.each([
  [1970, 0],
  [1960, -3653],
  [2000, 10_957],
  [0, -719_528],
])("year %i begins on day %i", (year, day) => {
  expect(daysToYear(year)).toBe(day);
});
