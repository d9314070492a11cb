import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ModelSpecSchema } from "../../gen/tensorflow_serving/apis/model_pb.ts";
import { fromMessage, toMessage } from "./model-spec-message.ts";

describe("a message in our form", () => {
  test.each<[string, Parameters<typeof create<typeof ModelSpecSchema>>[1], object]>([
    ["a name alone", { name: "m" }, { name: "m", signatureName: "" }],
    ["nothing", {}, { name: "", signatureName: "" }],
    ["a signature", { name: "m", signatureName: "s" }, { name: "m", signatureName: "s" }],
    [
      "a version, zero included",
      { name: "m", versionChoice: { case: "version", value: { value: 0n } } },
      { name: "m", signatureName: "", version: 0n },
    ],
    [
      "the largest version",
      { name: "m", versionChoice: { case: "version", value: { value: 2n ** 63n - 1n } } },
      { name: "m", signatureName: "", version: 2n ** 63n - 1n },
    ],
    [
      "a label",
      { name: "m", versionChoice: { case: "versionLabel", value: "stable" } },
      { name: "m", signatureName: "", versionLabel: "stable" },
    ],
    [
      "an empty label, which is one all the same",
      { name: "m", versionChoice: { case: "versionLabel", value: "" } },
      { name: "m", signatureName: "", versionLabel: "" },
    ],
  ])("of %s", (_case, message, spec) => {
    expect(fromMessage(create(ModelSpecSchema, message))).toEqual(spec);
  });

  test("is refused when there is none", () => {
    expect(() => fromMessage(undefined)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: "Missing ModelSpec" }),
    );
  });
});

test.each([
  ["", 0n],
  ["serving_default", 2n ** 63n - 1n],
])("what was resolved comes back from its message: %j %d", (signatureName, version) => {
  expect(fromMessage(toMessage("m", version, signatureName))).toEqual({ name: "m", version, signatureName });
});
