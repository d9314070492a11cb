import { describe, expect, test } from "vitest";
import { type JsonObject, parseJson, printJson } from "./exact-json.ts";
import { type ConfigEdit, editConfig, policyOf } from "./model-config-edit.ts";

const config = (text: string) => parseJson(text) as JsonObject;

const LABELLED =
  '{"name": "m", "version_policy": {"latest": 2}, "labels": {"stable": 3, "canary": 4}, "traffic_split": {"stable": 9, "canary": 1}}';

describe("an edit", () => {
  test.each<[string, ConfigEdit, readonly string[], string]>([
    [
      "loads a version beside those that are served",
      { kind: "load", version: "10" },
      ["4", "3"],
      '{"name": "m", "version_policy": {"specific": [3, 4, 10]}, "labels": {"stable": 3, "canary": 4}, "traffic_split": {"stable": 9, "canary": 1}}',
    ],
    [
      "unloads a version with its labels and their share of the traffic",
      { kind: "unload", version: "4" },
      ["4", "3"],
      '{"name": "m", "version_policy": {"specific": [3]}, "labels": {"stable": 3}, "traffic_split": {"stable": 9}}',
    ],
    [
      "follows the latest again",
      { kind: "serve-latest", count: 1 },
      ["3"],
      '{"name": "m", "version_policy": {"latest": 1}, "labels": {"stable": 3, "canary": 4}, "traffic_split": {"stable": 9, "canary": 1}}',
    ],
    [
      "moves a label",
      { kind: "set-label", label: "stable", version: "4" },
      ["4", "3"],
      '{"name": "m", "version_policy": {"latest": 2}, "labels": {"stable": 4, "canary": 4}, "traffic_split": {"stable": 9, "canary": 1}}',
    ],
    [
      "removes a label",
      { kind: "remove-label", label: "canary" },
      ["4", "3"],
      '{"name": "m", "version_policy": {"latest": 2}, "labels": {"stable": 3}, "traffic_split": {"stable": 9}}',
    ],
  ])("%s", (_, edit, served, edited) => {
    const before = config(LABELLED);
    expect(printJson(editConfig(before, edit, served))).toBe(edited);
    expect(printJson(before)).toBe(LABELLED);
  });

  test("leaves no empty labels behind", () => {
    const only = config('{"labels": {"a": 1}, "traffic_split": {"a": 1}}');
    expect(printJson(editConfig(only, { kind: "unload", version: "1" }, ["1"]))).toBe('{"version_policy": {"specific": []}}');
  });

  test("keeps every digit of a version, and any name of a label", () => {
    const version = "9223372036854775807";
    const edited = editConfig(config("{}"), { kind: "set-label", label: "__proto__", version }, []);
    expect(printJson(edited)).toBe(`{"labels": {"__proto__": ${version}}}`);
    expect(printJson(editConfig(edited, { kind: "unload", version }, ["1", version]))).toBe(
      '{"version_policy": {"specific": [1]}}',
    );
  });
});

test.each([
  ["{}", "latest 1"],
  ['{"version_policy": "all"}', "all"],
  ['{"version_policy": {"latest": 3}}', "latest 3"],
  ['{"version_policy": {"all": null}}', "all"],
  ['{"version_policy": {"specific": [3, 9223372036854775807]}}', "only 3, 9223372036854775807"],
])("the policy of %s is %s", (text, words) => expect(policyOf(config(text))).toBe(words));
