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

const read = async (text: string, more?: Partial<ModelConfigRules>) =>
  (await parseModelConfigDocument(text, origin, { ...rules, ...more })).models;

async function faultOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
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
      tensorflow: {
        // device_count {CPU: 2}, allow_soft_placement: false
        sessionConfig: Uint8Array.of(0x0a, 7, 0x0a, 3, 0x43, 0x50, 0x55, 0x10, 2, 0x38, 0),
        sessionTarget: "grpc://[::1]:2222",
        customOpPaths: ["/srv/config/ops", "/opt/op.so"],
        tags: ["serve", "gpu"],
      },
      sessionConfig: { allow_soft_placement: false, device_count: { CPU: 2 } },
    },
    plain("digits", "/srv/config/digits"),
  ];

  test("is read from YAML as people write it", async () => {
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
    session_config:
      allow_soft_placement: false
      device_count: {CPU: 2}
    session_target: grpc://[::1]:2222
    custom_op_paths: [ops, /opt/op.so]
    saved_model_tags: [serve, gpu]
  - {name: digits, base_path: ./digits}
`;
    expect(await read(text)).toEqual(everything);
  });

  test("is read from JSON, the models by name", async () => {
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
          },
          "session_config": {"allow_soft_placement": false, "device_count": {"CPU": 2}},
          "session_target": "grpc://[::1]:2222", "custom_op_paths": "ops, /opt/op.so", "saved_model_tags": ["serve", "gpu"]
        },
        "digits": {"base_path": "digits"}
      }
    }`;
    expect(await read(text)).toEqual(everything);
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
  ])("takes version_policy: %s", async (policy, expected) => {
    expect((await read(`models: [{name: m, base_path: /m, version_policy: ${policy}}]`))[0]!.versionPolicy).toEqual(expected);
  });

  test("takes a file: URL as a base path, and names that mean something to JavaScript", async () => {
    expect(await read("models: {__proto__: {base_path: 'file:///a%20b', labels: {__proto__: 1, constructor: 2}}}")).toEqual([
      {
        ...plain("__proto__", "/a b"),
        labels: new Map([
          ["__proto__", 1n],
          ["constructor", 2n],
        ]),
      },
    ]);
  });

  test.each([["models: []"], ["models: {}"]])("takes no models: %s", async (text) => expect(await read(text)).toEqual([]));

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
      'models.yaml:4:5: a model has no key "colour" (known: name, base_path, platform, version_policy, labels, traffic_split, logging, batching, session_config, session_target, custom_op_paths, saved_model_tags, python, allow_code, workers, device, python_timeout_seconds, python_memory_limit_bytes, python_spare)',
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
    [model("session_config: fast"), 'models.yaml:4:21: models[0].session_config: expected a mapping, got "fast"'],
    [
      model("session_config: {allow_grwth: true}"),
      'models.yaml:4:22: session_config has no key "allow_grwth" (did you mean allow_growth?)',
    ],
    [
      model("session_config: {gpu_options: {allow_growth: yes}}"),
      'models.yaml:4:50: models[0].session_config.gpu_options.allow_growth: expected true or false, got "yes"',
    ],
    [model("session_target: h:1"), "models.yaml:4:21: models[0].session_target: expected grpc://HOST:PORT"],
    [model("custom_op_paths: 3"), "models.yaml:4:22: models[0].custom_op_paths: expected a string or a list, got 3"],
    [model('custom_op_paths: "a\\0"'), "models.yaml:4:22: custom_op_paths has a path with a NUL character"],
    [model("saved_model_tags: serve"), 'models.yaml:4:23: models[0].saved_model_tags: expected a list, got "serve"'],
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
  ])("refuses %j", async (text, message) => expect(await faultOf(() => read(text))).toBe(message));

  test("lets a served model keep its platform, or leave it to its files", async () => {
    const current = [{ ...plain("m", "/m"), platform: "onnx" }];
    expect(await read("models: [{name: m, base_path: /m, platform: onnx}]", { current })).toHaveLength(1);
    expect(await read("models: [{name: m, base_path: /m}]", { current })).toHaveLength(1);
    expect(await faultOf(() => read("models: [{name: m, base_path: /m, platform: tensorflow}]", { current }))).toBe(
      "models.yaml:1:45: Illegal to change a model's platform. For model m platform was onnx and new platform requested is tensorflow",
    );
  });
});

describe("Simple TensorFlow Serving's form", () => {
  const all = (name: string, basePath: string): ModelConfig => ({ ...plain(name, basePath), versionPolicy: { kind: "all" } });

  test("is read with its own keys and names of platforms, every version, paths from the working folder", async () => {
    const text = `{"model_config_list": [
      {"name": "tf", "base_path": "./models/tf", "platform": "tensorflow", "custom_op_paths": "", "session_config": {}},
      {"name": "torch", "base_path": "/models/torch.onnx", "platform": "pytorch_onnx"},
      {"name": "any", "base_path": "/models/any"}
    ]}`;
    expect(await read(text)).toEqual([
      { ...all("tf", "/home/models/tf"), platform: "tensorflow" },
      { ...all("torch", "/models/torch.onnx"), platform: "onnx" },
      all("any", "/models/any"),
    ]);
  });

  test("has a session config and paths of custom ops from the working folder", async () => {
    const text = `{"model_config_list": [{
      "name": "m", "base_path": "/m", "custom_op_paths": "./ops, /more/op.so,", "session_config": {"allow_growth": true}
    }]}`;
    expect(await read(text)).toEqual([
      {
        ...all("m", "/m"),
        tensorflow: { sessionConfig: Uint8Array.of(0x32, 2, 0x20, 1), customOpPaths: ["/home/ops", "/more/op.so"] },
        sessionConfig: { allow_growth: true },
      },
    ]);
  });

  test("may say what is our own besides", async () => {
    const text = '{"model_config_list": [{"name": "m", "base_path": "/m", "version_policy": "latest", "labels": {"a": 1}}]}';
    expect(await read(text)).toEqual([{ ...plain("m", "/m"), labels: new Map([["a", 1n]]) }]);
  });

  test.each([
    ['{"model_config_list": {}}', "models.yaml:1:23: model_config_list: expected a list, got a mapping"],
    ['{"model_config_list": [{"base_path": "/m"}]}', "models.yaml:1:24: model_config_list[0].name is missing"],
    [
      '{"model_config_list": [{"name": "m", "base_path": "/m", "platform": "spark"}]}',
      "models.yaml:1:69: Model m requests unsupported platform spark",
    ],
    ['{"model_config_list": [], "models": []}', 'models.yaml:1:27: the config has no key "models" (known: model_config_list)'],
  ])("refuses %s", async (text, message) => expect(await faultOf(() => read(text))).toBe(message));
});

describe("one model", () => {
  test("has the name it is asked for", async () => {
    expect(await parseModelConfig("m", '{"base_path": "/m"}', rules)).toEqual(plain("m", "/m"));
    expect(await parseModelConfig("m", '{"name": "m", "base_path": "/m"}', rules)).toEqual(plain("m", "/m"));
    expect(await faultOf(() => parseModelConfig("m", '{"name": "n", "base_path": "/m"}', rules))).toBe(
      '1:10: name is "n", expected "m" or none',
    );
    expect(await faultOf(() => parseModelConfig("", '{"base_path": "/m"}', rules))).toBe(
      "1:1: a model in the config list has no name",
    );
  });

  test.each([
    ['{"base_path": "m"}', "1:15: Expected model m to have an absolute path or URI; got base_path()=m"],
    ['{"base_path": "/m", "custom_op_paths": "ops"}', "1:40: custom_op_paths needs absolute paths here, got ops"],
    [
      '{"base_path": "/m", "session_config": {"log_device_placement": 1}}',
      "1:64: session_config.log_device_placement: expected true or false, got 1",
    ],
    ['{"base_path": 3}', "1:15: base_path: expected a string, got 3"],
    ["[]", "1:1: the config: expected a mapping, got a list"],
    ['{"base_path": "/m", "version_polic": "all"}', '1:21: a model has no key "version_polic" (did you mean version_policy?)'],
  ])("is refused when it is %s", async (text, message) =>
    expect(await faultOf(() => parseModelConfig("m", text, rules))).toBe(message),
  );
});
