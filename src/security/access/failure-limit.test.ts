import { expect, test } from "vitest";
import { FailureLimit, networkOf } from "./failure-limit.ts";

test("an address fails ten times at once, then ten times a minute, and others are not held up", () => {
  const limit = new FailureLimit();
  for (let attempt = 0; attempt < 10; attempt++) expect(limit.take("192.0.2.1", 0)).toBe(0);
  expect(limit.take("192.0.2.1", 0)).toBe(6);
  expect(limit.take("192.0.2.2", 0)).toBe(0);
  expect(limit.take("192.0.2.1", 4000)).toBe(2);
  expect(limit.take("192.0.2.1", 6000)).toBe(0);
  expect(limit.take("192.0.2.1", 6000)).toBe(6);
});

test("an attempt that was no failure is given back", () => {
  const limit = new FailureLimit();
  for (let attempt = 0; attempt < 100; attempt++) {
    expect(limit.take("192.0.2.1", 0)).toBe(0);
    limit.giveBack("192.0.2.1");
  }
});

test("the address seen least lately is forgotten for a new one", () => {
  const limit = new FailureLimit();
  for (let attempt = 0; attempt < 11; attempt++) limit.take("192.0.2.1", 0);
  for (let each = 0; each < 4095; each++) limit.take(`10.0.${each >> 8}.${each & 255}`, 0);
  expect(limit.take("192.0.2.1", 0)).toBeGreaterThan(0);
  for (let each = 0; each < 4096; each++) limit.take(`10.1.${each >> 8}.${each & 255}`, 0);
  expect(limit.take("192.0.2.1", 0)).toBe(0);
});

test.each([
  [undefined, "local"],
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::1", "0:0:0:0"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::6", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
])("%s is counted as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
