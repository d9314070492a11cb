import { expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { encodeGrpcMessage, errorTrailers } from "./grpc-status.ts";
import { parseGrpcTimeout } from "./grpc-timeout.ts";

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3000],
  ["40m", 40],
  ["500u", 0.5],
  ["1000n", 0.001],
  ["99999999H", 359_999_996_400_000],
  ["0m", 0],
])("timeout %s is %d ms", (text, milliseconds) => {
  expect(parseGrpcTimeout(text)).toBeCloseTo(milliseconds, 9);
});

test.each(["", "1", "S", "1s", "123456789S", "-1S", "1.5S", " 1S", "1S "])("%j is no timeout", (text) => {
  expect(parseGrpcTimeout(text)).toBeUndefined();
});

test("a status text is percent-encoded and cut at 1024 bytes between characters", () => {
  expect(encodeGrpcMessage("plain text, 100 ~")).toBe("plain text, 100 ~");
  expect(encodeGrpcMessage("100% ü\n")).toBe("100%25 %C3%BC%0A");
  const text = `${"a".repeat(1023)}ü and more`;
  expect(errorTrailers(new ServingError("not-found", text))).toEqual([
    ["grpc-status", "5"],
    ["grpc-message", `${"a".repeat(1023)}...TRUNCATED`],
  ]);
  expect(errorTrailers(new ServingError("internal", "b".repeat(1024)))[1]).toEqual(["grpc-message", "b".repeat(1024)]);
});
