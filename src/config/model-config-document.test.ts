import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "./model-config.ts";
import { type ConfigOrigin, parseModelConfig, parseModelConfigDocument } from "./model-config-document.ts";
import type { ModelConfigRules } from "./model-config-rules.ts";

const rules: ModelConfigRules = { platforms: ["tensorflow", "onnx"] };
const origin: ConfigOrigin = { file: "models.yaml", folder: "/srv/config", workingFolder: "/home" };

const plain = (name: string, basePath: string): ModelConfig => ({
  name,
  basePath,
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});

const read = (text: string, more?: Partial<ModelConfigRules>) =>
  parseModelConfigDocument(text, origin, { ...rules, ...more }).models;

function faultOf(act: () => unknown): string {
  try {
    act();
  } catch (reason) {
    expect(reason).toBeInstanceOf(ServingError);
    expect((reason as ServingError).code).toBe("invalid-argument");
    return (reason as ServingError).message;
  }
  return "accepted";
}

describe("our own form", () => {
  const everything = [
    {
      ...plain("iris", "/srv/iris"),
      platform: "onnx",
      versionPolicy: { kind: "specific", versions: [1n, 9007199254740993n] },
      labels: new Map([
        ["stable", 1n],
        ["canary", 9007199254740993n],
      ]),
      trafficSplit: new Map([
        ["stable", 95],
        ["canary", 0.5],
      ]),
      logging: { samplingRate: 0.01, filenamePrefix: "/srv/config/logs/iris", format: "jsonl" },
      batching: {
        maxBatchSize: 32,
        batchTimeoutMicros: 500,
        maxEnqueuedBatches: 4,
        allowedBatchSizes: [8, 32],
        padVariableLengthInputs: true,
        enableLargeBatchSplitting: true,
        maxExecutionBatchSize: 8,
      },
    },
    plain("digits", "/srv/config/digits"),
  ];

  test("is read from YAML as people write it", () => {
    const text = `
# what we serve
models:
  - name: iris          # the flowers
    base_path: /srv/iris
    platform: onnx
    version_policy: {specific: [1, 9007199254740993]}
    labels:
      stable: 1
      canary: 9007199254740993
    traffic_split: {stable: 95, canary: 0.5}
    logging:
      sampling_rate: 0.01
      prefix: logs/iris
      format: json
    batching:
      max_batch_size: 32
      batch_timeout_micros: 500
      max_enqueued_batches: 4
      allowed_batch_sizes: [8, 32]
      pad_variable_length_inputs: true
      enable_large_batch_splitting: true
      max_execution_batch_size: 8
  - {name: digits, base_path: ./digits}
`;
    expect(read(text)).toEqual(everything);
  });

  test("is read from JSON, the models by name", () => {
    const text = `{
      "$schema": "model-config.schema.json",
      "models": {
        "iris": {
          "base_path": "/srv/iris", "platform": "onnx", "version_policy": {"specific": [1, 9007199254740993]},
          "labels": {"stable": 1, "canary": 9007199254740993}, "traffic_split": {"stable": 95, "canary": 0.5},
          "logging": {"sampling_rate": 0.01, "prefix": "logs/iris", "format": "json"},
          "batching": {
            "max_batch_size": 32, "batch_timeout_micros": 500, "max_enqueued_batches": 4, "allowed_batch_sizes": [8, 32],
            "pad_variable_length_inputs": true, "enable_large_batch_splitting": true, "max_execution_batch_size": 8
          }
        },
        "digits": {"base_path": "digits"}
      }
    }`;
    expect(read(text)).toEqual(everything);
  });

  test.each<[string, ModelConfig["versionPolicy"]]>([
    ["latest", { kind: "latest", count: 1 }],
    ["all", { kind: "all" }],
    ["{latest: 3}", { kind: "latest", count: 3 }],
    ["{all: }", { kind: "all" }],
    ["{all: true}", { kind: "all" }],
    ["{all: {}}", { kind: "all" }],
    ["{specific: []}", { kind: "specific", versions: [] }],
    ["{specific: [-9223372036854775808]}", { kind: "specific", versions: [-(2n ** 63n)] }],
  ])("takes version_policy: %s", (policy, expected) => {
    expect(read(`models: [{name: m, base_path: /m, version_policy: ${policy}}]`)[0]!.versionPolicy).toEqual(expected);
  });

  test("takes a file: URL as a base path, and names that mean something to JavaScript", () => {
    expect(read("models: {__proto__: {base_path: 'file:///a%20b', labels: {__proto__: 1, constructor: 2}}}")).toEqual([
      {
        ...plain("__proto__", "/a b"),
        labels: new Map([
          ["__proto__", 1n],
          ["constructor", 2n],
        ]),
      },
    ]);
  });

  test.each([["models: []"], ["models: {}"]])("takes no models: %s", (text) => expect(read(text)).toEqual([]));

  const model = (more: string) => `models:\n  - name: m\n    base_path: /m\n    ${more}\n`;
  test.each([
    ["", "models.yaml:1:1: the config: expected a mapping, got nothing"],
    ["- a", "models.yaml:1:1: the config: expected a mapping, got a list"],
    ["{}", "models.yaml:1:1: models is missing"],
    ["models: 3", "models.yaml:1:9: models: expected a list or a mapping, got 3"],
    ["modles: []", 'models.yaml:1:1: the config has no key "modles" (did you mean models?)'],
    ["models:\n  - 7", "models.yaml:2:5: models[0]: expected a mapping, got 7"],
    ["models:\n  - name: m", "models.yaml:2:5: models[0].base_path is missing"],
    ["models:\n  - base_path: /m", "models.yaml:2:5: models[0].name is missing"],
    ['models:\n  - name: ""\n    base_path: /m', "models.yaml:2:11: models[0].name: expected a string that is not empty"],
    ["models:\n  - name: 7\n    base_path: /m", "models.yaml:2:11: models[0].name: expected a string, got 7"],
    ["models:\n  m:\n    base_path: [/m]", "models.yaml:3:16: models.m.base_path: expected a string, got a list"],
    [model("base_pth: /n"), 'models.yaml:4:5: a model has no key "base_pth" (did you mean base_path?)'],
    [
      model("colour: red"),
      'models.yaml:4:5: a model has no key "colour" (known: name, base_path, platform, version_policy, labels, traffic_split, logging, batching)',
    ],
    [
      model("batching: {num_batch_threads: 4}"),
      'models.yaml:4:16: batching has no key "num_batch_threads" (the threads are the server\'s: set it in --batching_parameters_file)',
    ],
    [
      model("batching: {max_batch_sise: 4}"),
      'models.yaml:4:16: batching has no key "max_batch_sise" (did you mean max_batch_size?)',
    ],
    [model("batching: {max_batch_size: 0}"), "models.yaml:4:32: models[0].batching.max_batch_size: expected at least 1, got 0"],
    [
      model("batching: {batch_timeout_micros: 1.5}"),
      "models.yaml:4:38: models[0].batching.batch_timeout_micros: expected an integer, got 1.5",
    ],
    [
      model("batching: {max_batch_size: {value: 8}}"),
      "models.yaml:4:32: models[0].batching.max_batch_size: expected a number, got a mapping",
    ],
    [
      model("batching: {pad_variable_length_inputs: yes}"),
      'models.yaml:4:44: models[0].batching.pad_variable_length_inputs: expected true or false, got "yes"',
    ],
    [
      model("batching: {allowed_batch_sizes: [2, 4]}"),
      "models.yaml:4:15: Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 1000",
    ],
    [model("base_path: /n"), 'models.yaml:4:5: the key "base_path" is there twice'],
    [
      model("version_policy: newest"),
      'models.yaml:4:21: models[0].version_policy: expected "latest" or "all" or a mapping, got "newest"',
    ],
    [model("version_policy: {latest: 0}"), "models.yaml:4:30: models[0].version_policy.latest: expected at least 1, got 0"],
    [model("version_policy: {newest: 1}"), 'models.yaml:4:22: version_policy has no key "newest" (known: latest, all, specific)'],
    [
      model("version_policy: {latest: 1, all: }"),
      "models.yaml:4:21: models[0].version_policy: expected one of latest, all and specific",
    ],
    [
      model("version_policy: {specific: [1, x]}"),
      'models.yaml:4:36: models[0].version_policy.specific[1]: expected an integer, got "x"',
    ],
    [model("labels: {stable: 1.5}"), "models.yaml:4:22: models[0].labels.stable: expected an integer, got 1.5"],
    [
      model("labels: {stable: 9223372036854775808}"),
      "models.yaml:4:22: models[0].labels.stable: expected at most 9223372036854775807, got 9223372036854775808",
    ],
    [model("labels: [stable]"), "models.yaml:4:13: models[0].labels: expected a mapping, got a list"],
    [
      model("labels: {a: 1}\n    traffic_split: {a: 0}"),
      "models.yaml:5:24: models[0].traffic_split.a: expected more than 0, got 0",
    ],
    [
      model("labels: {a: 1}\n    traffic_split: {b: 1}"),
      "models.yaml:5:21: traffic_split of model m names label b, which the model does not have (its labels: a)",
    ],
    [model("traffic_split: {b: .inf}"), "models.yaml:4:24: models[0].traffic_split.b: expected a number, got Infinity"],
    [
      model("logging: {sampling_rate: 2, prefix: /l}"),
      "models.yaml:4:30: models[0].logging.sampling_rate: expected at most 1, got 2",
    ],
    [
      model("logging: {sampling_rate: 1, prefix: /l, format: xml}"),
      'models.yaml:4:53: models[0].logging.format: expected "tfrecord" or "json", got "xml"',
    ],
    [model("platform: abacus"), "models.yaml:4:15: Model m requests unsupported platform abacus"],
    [
      "models:\n  - {name: m, base_path: /m}\n  - {name: m, base_path: /n}",
      "models.yaml:3:12: Illegal to list model m multiple times in config list",
    ],
    [
      "models: [{name: m, base_path: 'gs://bucket/m'}]",
      'models.yaml:1:31: model m has its base_path at "gs:", only the local file system is supported by this version',
    ],
    ['models: [{name: m, base_path: "/m\\0"}]', "models.yaml:1:31: model m has a NUL character in its base_path"],
    ["models: [{name: m, base_path: 'file:///m%00'}]", "models.yaml:1:31: model m has a NUL character in its base_path"],
    [
      'models: [{name: "\\ud800", base_path: /m}]',
      "models.yaml:1:17: the name of a model in the config list is not Unicode text",
    ],
    [
      "models: [{name: m, base_path: 'file://host/m'}]",
      "models.yaml:1:31: model m has a malformed URL as its base_path, expected file:///folder",
    ],
  ])("refuses %j", (text, message) => expect(faultOf(() => read(text))).toBe(message));

  test("lets a served model keep its platform, or leave it to its files", () => {
    const current = [{ ...plain("m", "/m"), platform: "onnx" }];
    expect(read("models: [{name: m, base_path: /m, platform: onnx}]", { current })).toHaveLength(1);
    expect(read("models: [{name: m, base_path: /m}]", { current })).toHaveLength(1);
    expect(faultOf(() => read("models: [{name: m, base_path: /m, platform: tensorflow}]", { current }))).toBe(
      "models.yaml:1:45: Illegal to change a model's platform. For model m platform was onnx and new platform requested is tensorflow",
    );
  });
});

describe("Simple TensorFlow Serving's form", () => {
  const all = (name: string, basePath: string): ModelConfig => ({ ...plain(name, basePath), versionPolicy: { kind: "all" } });

  test("is read with its own keys and names of platforms, every version, paths from the working folder", () => {
    const text = `{"model_config_list": [
      {"name": "tf", "base_path": "./models/tf", "platform": "tensorflow", "custom_op_paths": "", "session_config": {"allow_growth": "true"}},
      {"name": "torch", "base_path": "/models/torch.onnx", "platform": "pytorch_onnx"},
      {"name": "any", "base_path": "/models/any"}
    ]}`;
    expect(read(text)).toEqual([
      { ...all("tf", "/home/models/tf"), platform: "tensorflow" },
      { ...all("torch", "/models/torch.onnx"), platform: "onnx" },
      all("any", "/models/any"),
    ]);
  });

  test("may say what is our own besides", () => {
    const text = '{"model_config_list": [{"name": "m", "base_path": "/m", "version_policy": "latest", "labels": {"a": 1}}]}';
    expect(read(text)).toEqual([{ ...plain("m", "/m"), labels: new Map([["a", 1n]]) }]);
  });

  test.each([
    ['{"model_config_list": {}}', "models.yaml:1:23: model_config_list: expected a list, got a mapping"],
    ['{"model_config_list": [{"base_path": "/m"}]}', "models.yaml:1:24: model_config_list[0].name is missing"],
    [
      '{"model_config_list": [{"name": "m", "base_path": "/m", "platform": "spark"}]}',
      "models.yaml:1:69: Model m requests unsupported platform spark",
    ],
    ['{"model_config_list": [], "models": []}', 'models.yaml:1:27: the config has no key "models" (known: model_config_list)'],
  ])("refuses %s", (text, message) => expect(faultOf(() => read(text))).toBe(message));
});

describe("one model", () => {
  test("has the name it is asked for", () => {
    expect(parseModelConfig("m", '{"base_path": "/m"}', rules)).toEqual(plain("m", "/m"));
    expect(parseModelConfig("m", '{"name": "m", "base_path": "/m"}', rules)).toEqual(plain("m", "/m"));
    expect(faultOf(() => parseModelConfig("m", '{"name": "n", "base_path": "/m"}', rules))).toBe(
      '1:10: name is "n", expected "m" or none',
    );
    expect(faultOf(() => parseModelConfig("", '{"base_path": "/m"}', rules))).toBe("1:1: a model in the config list has no name");
  });

  test.each([
    ['{"base_path": "m"}', "1:15: Expected model m to have an absolute path or URI; got base_path()=m"],
    ['{"base_path": 3}', "1:15: base_path: expected a string, got 3"],
    ["[]", "1:1: the config: expected a mapping, got a list"],
    ['{"base_path": "/m", "version_polic": "all"}', '1:21: a model has no key "version_polic" (did you mean version_policy?)'],
  ])("is refused when it is %s", (text, message) => expect(faultOf(() => parseModelConfig("m", text, rules))).toBe(message));
});
