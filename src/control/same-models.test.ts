import { describe, expect, test } from "vitest";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { sameModels } from "./same-models.ts";

const plain = (name: string, basePath: string): ModelConfig => ({
  name,
  basePath,
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});

describe("two lists of models", () => {
  const base: ModelConfig = {
    ...plain("m", "/m"),
    versionPolicy: { kind: "specific", versions: [1n] },
    labels: new Map([["a", 1n]]),
  };

  test("are the same when every choice is", () => {
    const copy: ModelConfig = { ...base, versionPolicy: { kind: "specific", versions: [1n] }, labels: new Map([["a", 1n]]) };
    expect(sameModels([base], [copy])).toBe(true);
  });

  test("are the same in whatever order models, labels and parameters are written", () => {
    const labels = [["a", 1n] as const, ["b", 2n] as const];
    const weights = [["a", 1] as const, ["b", 2] as const];
    const one: ModelConfig = {
      ...base,
      labels: new Map(labels),
      trafficSplit: new Map(weights),
      batching: { maxBatchSize: 1, batchTimeoutMicros: 2 },
    };
    const two: ModelConfig = {
      ...one,
      labels: new Map(labels.toReversed()),
      trafficSplit: new Map(weights.toReversed()),
      batching: { batchTimeoutMicros: 2, maxBatchSize: 1 },
    };
    expect(sameModels([one, plain("n", "/n")], [plain("n", "/n"), two])).toBe(true);
  });

  test.each<[string, readonly ModelConfig[]]>([
    ["the base path", [{ ...base, basePath: "/n" }]],
    ["the platform", [{ ...base, platform: "onnx" }]],
    ["the policy", [{ ...base, versionPolicy: { kind: "all" } }]],
    ["a version of the policy", [{ ...base, versionPolicy: { kind: "specific", versions: [2n] } }]],
    ["a label's version", [{ ...base, labels: new Map([["a", 2n]]) }]],
    ["the labels", [{ ...base, labels: new Map() }]],
    ["the traffic split", [{ ...base, trafficSplit: new Map([["a", 1]]) }]],
    ["batching", [{ ...base, batching: { maxBatchSize: 2 } }]],
    ["the tags of a SavedModel", [{ ...base, tensorflow: { tags: ["gpu"] } }]],
    ["the session config", [{ ...base, tensorflow: { sessionConfig: Uint8Array.of(0x40, 1) } }]],
    ["a further model", [base, plain("n", "/n")]],
    ["no model", []],
  ])("differ by %s", (_case, other) => expect(sameModels([base], other)).toBe(false));
});
