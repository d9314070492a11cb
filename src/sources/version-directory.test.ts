import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collectVersions, findVersion, parseVersion } from "./version-directory.ts";

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
  const pairs = (names: readonly string[]) => collectVersions(names).folders.map(({ version, name }) => [version, name]);

  test("orders by number, the highest first, and skips what is no number", () => {
    expect(pairs(["2", "10", "assets", "-1", ".3", "9223372036854775807"])).toEqual([
      [9223372036854775807n, "9223372036854775807"],
      [10n, "10"],
      [2n, "2"],
      [-1n, "-1"],
    ]);
  });

  test("orders exactly what doubles cannot tell apart", () => {
    const names = ["9007199254740993", "9223372036854775806", "9007199254740992", "9223372036854775807", "-9007199254740993"];
    expect(pairs(names).map(([version]) => version)).toEqual([
      9223372036854775807n,
      9223372036854775806n,
      9007199254740993n,
      9007199254740992n,
      -9007199254740993n,
    ]);
  });

  test("orders 10,000 numbers", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => String(index));
    expect(pairs(names).map(([version]) => version)).toEqual(Array.from({ length: 10_000 }, (_, index) => BigInt(9999 - index)));
  });

  test("uses the alphabetically last of folders with one number", () => {
    const { folders, duplicates } = collectVersions(["1", "001", "+1", "2"]);
    expect(folders.map(({ name }) => name)).toEqual(["2", "1"]);
    expect(duplicates).toEqual([
      { version: 1n, used: "1", ignored: "001" },
      { version: 1n, used: "1", ignored: "+1" },
    ]);
  });

  test("does as sorting with whole numbers does, for any names", () => {
    const digits = fc.stringMatching(/^ ?[+-]?0{0,2}[0-9]{1,20}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(digits, fc.constantFrom("1", "01", "+1", "-0", "0", "x")), { maxLength: 12 }),
        (names) => {
          const plain = new Map<bigint, string>();
          for (const name of [...names].sort()) {
            const version = parseVersion(name);
            if (version !== undefined) plain.set(version, name);
          }
          expect(pairs(names)).toEqual([...plain].sort(([a], [b]) => (a < b ? 1 : -1)));
        },
      ),
    );
  });
});

test("findVersion finds exactly the version asked for", () => {
  const found = collectVersions(["9007199254740993", "9007199254740992", "007", "-1"]);
  expect([9007199254740993n, 9007199254740992n, 7n, -1n].map((version) => findVersion(found, version)?.name)).toEqual([
    "9007199254740993",
    "9007199254740992",
    "007",
    "-1",
  ]);
  expect([9007199254740994n, 8n, 0n, -2n].map((version) => findVersion(found, version))).toEqual(Array(4).fill(undefined));
});
