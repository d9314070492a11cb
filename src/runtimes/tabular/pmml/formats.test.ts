import { expect, test } from "vitest";
import { formatDatetime, formatNumber } from "./formats.ts";

test.each([
  [7, "%3d", "  7"],
  [-7, "%05d", "-0007"],
  [7, "%+d", "+7"],
  [7, "%-4d|", "7   |"],
  [1_234_567, "%,d", "1,234,567"],
  [2.5, "%08.3f", "0002.500"],
  [0.125, "%.2f", "0.13"],
  [9.995, "%.2f", "10.00"],
  [1e-9, "%.3f", "0.000"],
  [2.5, "%e", "2.500000e+00"],
  [9.9999999, "%.2e", "1.00e+01"],
  [0, "%e", "0.000000e+00"],
  [1e-7, "%E", "1.000000E-07"],
  [100_000, "%g", "100000"],
  [1_000_000, "%g", "1.00000e+06"],
  [50, "%.0f%%", "50%"],
  [1234.5, "%,.1f", "1,234.5"],
])("%f as %s", (value, pattern, text) => {
  expect(formatNumber(value, pattern)).toBe(text);
});

test.each([
  [2.5, "%d", "is no whole number"],
  [1, "%q", 'the pattern "%q" is not known'],
  [1, "%d %d", "is not known"],
])("%f cannot be written as %s", (value, pattern, message) => {
  expect(() => formatNumber(value, pattern)).toThrow(message);
});

test.each([
  ["%Y-%m-%dT%H:%M:%S", "2021-03-04T15:05:06"],
  ["%A %a %B %b %e %j", "Thursday Thu March Mar 4 063"],
  ["%I:%M %p, %l %k", "03:05 pm, 3 15"],
  ["%r", "03:05:06 PM"],
  ["%D %F %R %T", "03/04/21 2021-03-04 15:05 15:05:06"],
  ["%%", "%"],
])("a time as %s", (pattern, text) => {
  expect(formatDatetime(Date.UTC(2021, 2, 4, 15, 5, 6) / 1000, "dateTime", pattern)).toBe(text);
});

test("a date has no time, and an unknown conversion is refused", () => {
  expect(formatDatetime(18_690, "date", "%d %H")).toBe("04 00");
  expect(() => formatDatetime(0, "date", "%Q")).toThrow('the conversion "%Q" is not known');
});
