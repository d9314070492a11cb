import { expect, test } from "vitest";
import { age, bytes, duration, moment, percent, short } from "./units.ts";

test.each([
  [bytes(0), "0 B"],
  [bytes(999), "999 B"],
  [bytes(132_000), "132 kB"],
  [bytes(999_990), "1 MB"],
  [bytes(3.4e9), "3.4 GB"],
  [duration(0.0123), "12.3 µs"],
  [duration(2.345), "2.35 ms"],
  [duration(45_600), "45.6 s"],
  [duration(61_000), "1 min"],
  [age(59_000), "59 s"],
  [age(7_500_000), "2 h 5 min"],
  [age(90_000_000), "1 d 1 h"],
  [short(0), "0"],
  [short(0.00123456), "0.00123"],
  [short(1e-7), "1.0e-7"],
  [short(12.345), "12.3"],
  [short(1234.5), "1235"],
  [short(Number.NaN), "NaN"],
  [percent(0), "0 %"],
  [percent(0.00123), "0.123 %"],
  [percent(1), "100 %"],
])("%s is %s", (text, expected) => expect(text).toBe(expected));

test("a moment names its day unless that is today", () => {
  const at = new Date(2026, 1, 3, 4, 5, 6).getTime();
  expect(moment(at, at + 1000)).toBe("04:05:06");
  expect(moment(at, at + 86_400_000)).toBe("2026-02-03 04:05:06");
});
