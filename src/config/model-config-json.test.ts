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

test("any model reads back as it was, every digit of its versions too", async () => {
  await fc.assert(
    fc.asyncProperty(model, async (config) => {
      expect(await parseModelConfig(config.name, modelConfigJson(config), { platforms: [] })).toEqual(config);
    }),
  );
});

test("has everything a model can be configured with, and is JSON", async () => {
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
    tensorflow: {
      sessionConfig: Uint8Array.of(0x32, 2, 0x20, 1, 0x40, 0),
      sessionTarget: "grpc://host:1",
      customOpPaths: ["/ops"],
      tags: ["serve"],
    },
    sessionConfig: { log_device_placement: false, allow_growth: true },
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
    session_config: { log_device_placement: false, allow_growth: true },
    session_target: "grpc://host:1",
    custom_op_paths: ["/ops"],
    saved_model_tags: ["serve"],
  });
  expect(await parseModelConfig(config.name, text, { platforms: ["onnx"] })).toEqual(config);
});

test("is the same in whatever order labels and parts of a session config were written", () => {
  const base = { name: "m", basePath: "/m", versionPolicy: { kind: "all" }, trafficSplit: new Map() } as const;
  const [a, b] = [["a", 1n] as const, ["b", 2n] as const];
  expect(modelConfigJson({ ...base, labels: new Map([a, b]) })).toBe(modelConfigJson({ ...base, labels: new Map([b, a]) }));
  const written = (text: string) => {
    const sessionConfig = JSON.parse(text) as NonNullable<ModelConfig["sessionConfig"]>;
    return modelConfigJson({ ...base, labels: new Map(), sessionConfig });
  };
  const one = written('{"gpu_options": {"allow_growth": true, "visible_device_list": "0"}, "device_filters": ["a"]}');
  expect(one).toBe(written('{"device_filters": ["a"], "gpu_options": {"visible_device_list": "0", "allow_growth": true}}'));
});
