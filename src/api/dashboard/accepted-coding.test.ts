import { expect, test } from "vitest";
import { acceptedCoding } from "./accepted-coding.ts";

test.each([
  [undefined, undefined],
  ["", undefined],
  ["identity", undefined],
  ["gzip", "gzip"],
  ["br", "br"],
  ["gzip, deflate, br, zstd", "br"],
  ["GZIP;q=1.0", "gzip"],
  ["br;q=0, gzip", "gzip"],
  ["br;q=0.000,gzip;q=0", undefined],
  ["br;q=0.001", "br"],
  ["*", "br"],
  ["br;q=0, *", "gzip"],
  ["*;q=0", undefined],
  ["gzip, *;q=0", "gzip"],
  ["brotli", undefined],
])("accept-encoding %j lets the answer be %j", (header, coding) => {
  expect(acceptedCoding(header)).toBe(coding);
});
