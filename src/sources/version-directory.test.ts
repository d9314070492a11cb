import { describe, expect, test } from "vitest";
import { collectVersions, parseVersion } from "./version-directory.ts";

describe("parseVersion", () => {
  test.each([
    ["123", 123n],
    ["0", 0n],
    ["00000123", 123n],
    ["+5", 5n],
    ["-5", -5n],
    ["-0", 0n],
    [" 7 ", 7n],
    ["\t7\n", 7n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["000000000000000000000000000001", 1n],
  ])("reads %j", (name, version) => expect(parseVersion(name)).toBe(version));

  test.each([
    "",
    " ",
    "+",
    "-",
    "+-1",
    "--1",
    "1a",
    "a1",
    "v1",
    "1.0",
    "1e3",
    "0x10",
    "1_000",
    "1,000",
    "1 2",
    ".1",
    "1~",
    "１",
    "٣",
    "tmp",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "+ 5",
    "\u00a07",
    "Infinity",
    "NaN",
  ])("takes %j for no version", (name) => expect(parseVersion(name)).toBeUndefined());
});

describe("collectVersions", () => {
  test("orders by number, the highest first, and skips what is no number", () => {
    expect([...collectVersions(["2", "10", "assets", "-1", ".3", "9223372036854775807"]).names]).toEqual([
      [9223372036854775807n, "9223372036854775807"],
      [10n, "10"],
      [2n, "2"],
      [-1n, "-1"],
    ]);
  });

  test("orders 10,000 numbers", () => {
    const { names } = collectVersions(Array.from({ length: 10_000 }, (_, index) => String(index)));
    expect([...names.keys()]).toEqual(Array.from({ length: 10_000 }, (_, index) => BigInt(9999 - index)));
  });

  test("uses the alphabetically last of folders with one number", () => {
    const { names, duplicates } = collectVersions(["1", "001", "+1", "2"]);
    expect(names.get(1n)).toBe("1");
    expect(duplicates).toEqual([
      { version: 1n, used: "001", ignored: "+1" },
      { version: 1n, used: "1", ignored: "001" },
    ]);
  });
});
