import fc from "fast-check";
import { expect, test } from "vitest";
import type { ModelConfig, VersionPolicy } from "./model-config.ts";
import { parseModelConfig } from "./model-config-document.ts";
import { modelConfigJson } from "./model-config-json.ts";

const version = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const policy: fc.Arbitrary<VersionPolicy> = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 32 - 1 }).map((count) => ({ kind: "latest", count }) as const),
  fc.constant({ kind: "all" } as const),
  fc.array(version).map((versions) => ({ kind: "specific", versions }) as const),
);
const model: fc.Arbitrary<ModelConfig> = fc.record({
  name: fc.string({ minLength: 1, unit: "grapheme" }),
  basePath: fc.string({ unit: "grapheme" }).map((path) => `/${path}`),
  versionPolicy: policy,
  labels: fc.uniqueArray(fc.tuple(fc.string(), version), { selector: ([label]) => label }).map((entries) => new Map(entries)),
  trafficSplit: fc.constant(new Map<string, number>()),
});

test("any model reads back as it was, every digit of its versions too", () => {
  fc.assert(
    fc.property(model, (config) => {
      expect(parseModelConfig(config.name, modelConfigJson(config), { platforms: [] })).toEqual(config);
    }),
  );
});

test("has everything a model can be configured with, and is JSON", () => {
  const config: ModelConfig = {
    name: 'a "name"',
    basePath: "/models/a",
    platform: "onnx",
    versionPolicy: { kind: "specific", versions: [1n, 2n] },
    labels: new Map([
      ["stable", 1n],
      ["canary", 2n],
    ]),
    trafficSplit: new Map([
      ["stable", 9],
      ["canary", 0.5],
    ]),
    logging: { samplingRate: 0.01, filenamePrefix: "/logs/a", format: "jsonl" },
    batching: { maxBatchSize: 8, allowedBatchSizes: [4, 8], padVariableLengthInputs: false },
  };
  const text = modelConfigJson(config);
  expect(JSON.parse(text)).toEqual({
    name: 'a "name"',
    base_path: "/models/a",
    platform: "onnx",
    version_policy: { specific: [1, 2] },
    labels: { stable: 1, canary: 2 },
    traffic_split: { stable: 9, canary: 0.5 },
    logging: { sampling_rate: 0.01, prefix: "/logs/a", format: "json" },
    batching: { max_batch_size: 8, allowed_batch_sizes: [4, 8], pad_variable_length_inputs: false },
  });
  expect(parseModelConfig(config.name, text, { platforms: ["onnx"] })).toEqual(config);
});

test("is the same in whatever order labels were written", () => {
  const base = { name: "m", basePath: "/m", versionPolicy: { kind: "all" }, trafficSplit: new Map() } as const;
  const [a, b] = [["a", 1n] as const, ["b", 2n] as const];
  expect(modelConfigJson({ ...base, labels: new Map([a, b]) })).toBe(modelConfigJson({ ...base, labels: new Map([b, a]) }));
});
