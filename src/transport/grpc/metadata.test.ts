import fc from "fast-check";
import { expect, test } from "vitest";
import { checkMetadata, decodeBinaryMetadata, encodeBinaryMetadata } from "./metadata.ts";

test.each<[string, string]>([
  ["x-text", "a b~c"],
  ["x-text", ""],
  ["x.y_z-1", "!"],
  ["x-bin", "AAEC/w=="],
  ["x-bin", "AAEC/w"],
  ["x-bin", ""],
])("%s: %j may be sent", (name, value) => {
  expect(() => checkMetadata(name, value)).not.toThrow();
});

test.each<[string, string]>([
  ["", "no name"],
  ["X-Upper", "a"],
  ["x y", "a"],
  [":status", "200"],
  ["grpc-status", "0"],
  ["content-type", "text/html"],
  ["connection", "close"],
  ["x-text", " a"],
  ["x-text", "a "],
  ["x-text", "a\r\nb"],
  ["x-text", "ü"],
  ["x-bin", "not base64!"],
  ["x-bin", "AA,BB"],
])("%s: %j may not be sent", (name, value) => {
  expect(() => checkMetadata(name, value)).toThrow(expect.objectContaining({ code: "internal" }));
});

test("binary values come back whatever their length, with and without padding, alone and joined", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: 1, maxLength: 4 }), (values) => {
      const plain = values.map(encodeBinaryMetadata);
      const padded = values.map((value) => Buffer.from(value).toString("base64"));
      for (const field of [plain.join(","), padded.join(", "), plain.join(" ,")]) {
        expect(decodeBinaryMetadata(field).map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(
          values.map((value) => Buffer.from(value).toString("hex")),
        );
      }
    }),
  );
});

test.each(["A", "AAAAA", "A===", "AB$=", "AB=C", "ü"])("%j is no binary value", (field) => {
  expect(() => decodeBinaryMetadata(field)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});
