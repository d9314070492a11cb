import { expect, test } from "vitest";
import { readCredentials } from "./credentials.ts";

const basic = (text: string) => Buffer.from(text, "utf8").toString("base64");

test.each([
  [`Basic ${basic("ada:s3cret")}`, { kind: "basic", name: "ada", secret: "s3cret" }],
  [`bAsIc  ${basic("ada:a:b")}`, { kind: "basic", name: "ada", secret: "a:b" }],
  [`Basic ${basic("ada:")}`, { kind: "basic", name: "ada", secret: "" }],
  [`Basic ${basic("zoë:grüße")}`, { kind: "basic", name: "zoë", secret: "grüße" }],
  ["Bearer mp_a-b_c.~+/==", { kind: "bearer", secret: "mp_a-b_c.~+/==" }],
  ["bearer x", { kind: "bearer", secret: "x" }],
  [`Basic ${basic("nobody")}`, undefined],
  [`Basic ${basic(":s3cret")}`, undefined],
  ["Basic", undefined],
  ["Basic !", undefined],
  ["Bearer", undefined],
  ["Bearer a b", undefined],
  [`Basic ${basic("a:b")}, Basic ${basic("c:d")}`, undefined],
  ["Digest username=ada", undefined],
  ["", undefined],
])("%s", (field, expected) => {
  expect(readCredentials(field)).toEqual(expected);
});
