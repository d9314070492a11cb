import { describe, expect, test } from "vitest";
import { checkLabels, type LabelRules } from "./version-labels.ts";

const labels = (label: string, version: bigint) => new Map([["iris", new Map([[label, version]])]]);
const rules = (allowUnavailable: boolean, forceUnavailable = false): LabelRules => ({
  isAvailable: (_model, version) => version === 1n,
  allowUnavailable,
  forceUnavailable,
});

describe("a label may be given", () => {
  test.each<[string, bigint, ReadonlyMap<string, ReadonlyMap<string, bigint>>, boolean]>([
    ["to an available version", 1n, new Map(), false],
    ["to an available version it was not on", 1n, labels("stable", 2n), false],
    ["to an unavailable version when it is new and that is allowed", 2n, new Map(), true],
    ["to an unavailable version it was on when that is allowed", 2n, labels("stable", 2n), true],
  ])("%s", (_case, version, present, allow) => {
    expect(() => checkLabels(labels("stable", version), present, rules(allow))).not.toThrow();
  });
});

test("any label may be given to any version when that is forced, moved ones too", () => {
  expect(() => checkLabels(labels("stable", 2n), labels("stable", 1n), rules(false, true))).not.toThrow();
});

describe("a label may not be given", () => {
  test.each<[string, ReadonlyMap<string, ReadonlyMap<string, bigint>>, boolean]>([
    ["to an unavailable version", new Map(), false],
    ["to another unavailable version even when unavailable ones are allowed", labels("stable", 1n), true],
  ])("%s", (_case, present, allow) => {
    expect(() => checkLabels(labels("stable", 2n), present, rules(allow))).toThrow(
      expect.objectContaining({
        code: "failed-precondition",
        message: "Request to assign label to version 2 of model iris, which is not currently available for inference",
        model: "iris",
        label: "stable",
      }),
    );
  });
});
