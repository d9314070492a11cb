import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { parseTextFormat } from "../codec/text-format/parse-text-format.ts";
import { ModelServerConfigSchema } from "../gen/tensorflow_serving/config/model_server_config_pb.ts";
import { LATEST_VERSION } from "./model-config.ts";
import type { ModelConfigRules } from "./model-config-rules.ts";
import { decodeModelServerConfig, parseModelServerConfig, resolveModelServerConfig } from "./model-server-config.ts";

const rules: ModelConfigRules = { platforms: ["tensorflow", "onnx"] };
const list = (...models: string[]) => `model_config_list { ${models.map((model) => `config { ${model} }`).join(" ")} }`;
const iris = 'name: "iris" base_path: "/models/iris" model_platform: "onnx"';

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

describe("parseModelServerConfig", () => {
  test("reads a file as people write them", () => {
    const text = `
      # what we serve
      model_config_list: {
        config: <
          name: 'half_plus_two', base_path: "/models/"
            "half_plus_two";
          model_type: TENSORFLOW
          model_version_policy { specific { versions: [1, 0x2], versions: 3 } }
          version_labels { key: "stable" value: 1 }
          version_labels { key: 'canary', value: 3 }
        >
        config {
          name: "iris" base_path: "file:///models/iris%20two" model_platform: "onnx"
          model_version_policy { all {} }
        }
      }`;
    expect(parseModelServerConfig(text, rules)).toMatchObject([
      {
        name: "half_plus_two",
        basePath: "/models/half_plus_two",
        platform: "tensorflow",
        versionPolicy: { kind: "specific", versions: [1n, 2n, 3n] },
        labels: new Map([
          ["stable", 1n],
          ["canary", 3n],
        ]),
      },
      {
        name: "iris",
        basePath: "/models/iris two",
        platform: "onnx",
        versionPolicy: { kind: "all" },
        labels: new Map(),
      },
    ]);
  });

  test.each([
    ["", { kind: "latest", count: 1 }],
    ["model_version_policy {}", { kind: "latest", count: 1 }],
    ["model_version_policy { latest {} }", { kind: "latest", count: 1 }],
    ["model_version_policy { latest { num_versions: 3 } }", { kind: "latest", count: 3 }],
    ["model_version_policy { specific {} }", { kind: "specific", versions: [] }],
  ])("takes the version policy from %j", (policy, expected) => {
    expect(parseModelServerConfig(list(`${iris} ${policy}`), rules)[0]!.versionPolicy).toEqual(expected);
  });

  test("takes a list of no models", () => {
    expect(parseModelServerConfig("model_config_list {}", rules)).toEqual([]);
  });

  test("keeps labels and names that mean something to JavaScript", () => {
    const text = list(
      'name: "__proto__" base_path: "/m" model_platform: "onnx" version_labels { key: "constructor" value: 9007199254740993 }',
    );
    const [model] = parseModelServerConfig(text, rules);
    expect(model!.name).toBe("__proto__");
    expect([...model!.labels]).toEqual([["constructor", 9007199254740993n]]);
  });

  const prefix = "Error parsing text-format tensorflow.serving.ModelServerConfig: ";
  test.each([
    ["model_config_list {\n  config { nam: 'x' } }", `${prefix}2:12: message tensorflow.serving.ModelConfig has no field "nam"`],
    ["model_config_list {", `${prefix}1:20: expected "}", got the end of the text`],
    [
      "custom_model_config { [type.googleapis.com/my.Config] {} }",
      `${prefix}1:23: google.protobuf.Any cannot be written out as "[type.googleapis.com/my.Config]" here, no message type may be named in this text`,
    ],
    ["custom_model_config {}", "a model config must hold model_config_list, got custom_model_config"],
    ["", "a model config must hold model_config_list, got an empty config"],
    [list(iris, iris), "Illegal to list model iris multiple times in config list"],
    [list('base_path: "/x" model_platform: "onnx"'), "a model in the config list has no name"],
    [
      list('name: "m" base_path: "models/m" model_platform: "onnx"'),
      "Expected model m to have an absolute path or URI; got base_path()=models/m",
    ],
    [list('name: "m" model_platform: "onnx"'), "Expected model m to have an absolute path or URI; got base_path()="],
    [
      list('name: "m" base_path: "gs://bucket/m" model_platform: "onnx"'),
      'model m has its base_path at "gs:", only the local file system is supported by this version',
    ],
    [
      list('name: "m" base_path: "file://host/m" model_platform: "onnx"'),
      "model m has a malformed URL as its base_path, expected file:///folder",
    ],
    [
      list('name: "m" base_path: "/m"'),
      "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, model name is m",
    ],
    [
      list('name: "m" base_path: "/m" model_type: TENSORFLOW model_platform: "tensorflow"'),
      "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform, model name is m",
    ],
    [list('name: "m" base_path: "/m" model_type: OTHER'), "model m has model_type 2, set model_platform instead"],
    [list('name: "m" base_path: "/m" model_platform: "caffe9"'), "Model m requests unsupported platform caffe9"],
  ])("refuses %s", (text, message) => expect(faultOf(() => parseModelServerConfig(text, rules))).toBe(message));

  test.each([
    [
      "a name twice",
      `config { ${iris} }\n  config: < ${iris} >`,
      "models.config:3:11: Illegal to list model iris multiple times",
    ],
    [
      "a relative path",
      'config { name: "m" base_path: "m" model_platform: "onnx" }',
      "models.config:2:10: Expected model m to have",
    ],
    [
      "an unknown platform",
      'config { name: "m" base_path: "/m" model_platform: "abacus" }',
      "models.config:2:10: Model m requests",
    ],
  ])("says where in a file the model with %s begins", (_, models, message) => {
    const text = `model_config_list {\n  ${models}\n}`;
    expect(faultOf(() => parseModelServerConfig(text, rules, "models.config"))).toContain(message);
  });

  test("takes relative base paths below the folder it is told", () => {
    const text = list('name: "m" base_path: "a/../m" model_platform: "onnx"');
    expect(parseModelServerConfig(text, { ...rules, rootFolder: "/srv" })[0]!.basePath).toBe("/srv/m");
  });
});

describe("resolveModelServerConfig", () => {
  const message = (modelPlatform: string) =>
    create(ModelServerConfigSchema, {
      config: { case: "modelConfigList", value: { config: [{ name: "iris", basePath: "/models/iris", modelPlatform }] } },
    });

  test("lets a served model keep its platform", () => {
    const current = resolveModelServerConfig(message("onnx"), rules);
    expect(resolveModelServerConfig(message("onnx"), { ...rules, current })).toEqual(current);
    expect(faultOf(() => resolveModelServerConfig(message("tensorflow"), { ...rules, current }))).toBe(
      "Illegal to change a model's platform. For model iris platform was onnx and new platform requested is tensorflow",
    );
  });

  test.each([{ case: "customModelConfig", value: {} } as const, { case: undefined }])("refuses a config of %o", (config) => {
    expect(faultOf(() => resolveModelServerConfig(create(ModelServerConfigSchema, { config }), rules))).toBe(
      "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported",
    );
  });
});

test("a logging_config says which requests are logged", () => {
  const text = `model_config_list { config {
    name: "a" base_path: "/a" model_platform: "onnx"
    logging_config {
      sampling_config { sampling_rate: 0.5 }
      log_collector_config { type: "json" filename_prefix: "/logs/a" }
    }
  } }`;
  const [model] = parseModelServerConfig(text, { platforms: ["onnx"] });
  expect(model!.logging).toEqual({ samplingRate: 0.5, filenamePrefix: "/logs/a", format: "jsonl" });
});

test("a logging_config that cannot be meant refuses the model", () => {
  const text = 'model_config_list { config { name: "a" base_path: "/a" model_platform: "onnx" logging_config {} } }';
  expect(() => parseModelServerConfig(text, { platforms: ["onnx"] })).toThrow("a logging_config without log_collector_config");
});

describe("configs as they are found in use", () => {
  const platforms = ["tensorflow"];
  const two = { kind: "specific", versions: [42n, 43n] };
  const half = {
    name: "half",
    basePath: "/models/half",
    platform: "tensorflow",
    labels: new Map(),
    versionPolicy: LATEST_VERSION,
  };

  test.each<[string, string, readonly object[]]>([
    [
      "two models",
      `model_config_list {
  config {
    name: 'half'
    base_path: '/models/half'
    model_platform: 'tensorflow'
  }
  config {
    name: 'other'
    base_path: '/models/other'
    model_platform: 'tensorflow'
  }
}`,
      [half, { ...half, name: "other", basePath: "/models/other" }],
    ],
    [
      "colons before braces and commas behind them",
      `model_config_list: {
  config: {
    name:  "half",
    base_path:  "/models/half",
    model_platform: "tensorflow",
    model_version_policy: { all: {} },
  },
}`,
      [{ ...half, versionPolicy: { kind: "all" } }],
    ],
    [
      "a specific version",
      'model_config_list { config { name: "half" base_path: "/models/half" model_platform: "tensorflow" model_version_policy { specific { versions: 42 versions: 43 } } } }',
      [{ ...half, versionPolicy: two }],
    ],
    [
      "versions in brackets, tabs and lines of Windows",
      'model_config_list {\r\n\tconfig {\r\n\t\tname: "half"\r\n\t\tbase_path: "/models/half"\r\n\t\tmodel_platform: "tensorflow"\r\n\t\tmodel_version_policy { specific { versions: [42, 43] } }\r\n\t}\r\n}\r\n',
      [{ ...half, versionPolicy: two }],
    ],
    [
      "labels, with comments among everything",
      `# what we serve { config
model_config_list # the list
{ # of
  config: # one
  {
    name: "half" # its name: "x"
    base_path: # and where
      "/models/half"
    model_platform: "tensorflow" # '
    model_version_policy { specific { versions: 42, versions: 43 } } # both
    version_labels { key: 'stable' value: 42 }
    version_labels { key: 'canary', value: 43 }
  } # }
}
# end`,
      [
        {
          ...half,
          versionPolicy: two,
          labels: new Map([
            ["stable", 42n],
            ["canary", 43n],
          ]),
        },
      ],
    ],
    [
      "labels in brackets, the value first, one given again",
      `model_config_list { config { name: "half" base_path: "/models/half" model_platform: "tensorflow"
        version_labels: [ { value: 42 key: "stable" }, { key: "stable"; value: 43; } ] } }`,
      [{ ...half, labels: new Map([["stable", 43n]]) }],
    ],
    [
      "models in brackets, with angles and semicolons",
      `model_config_list <config: [<name: "half"; base_path: "/models" '/half'; model_platform: "tensorflow">,
        {name:"other",base_path:"/models/other",model_platform:"tensorflow"}]>`,
      [half, { ...half, name: "other", basePath: "/models/other" }],
    ],
    [
      "a platform by its old name, and a number of versions",
      `model_config_list: { config: { name: "half", base_path: "/models/half", model_type: TENSORFLOW,
        model_version_policy: { latest: { num_versions: 2 } } } }`,
      [{ ...half, versionPolicy: { kind: "latest", count: 2 } }],
    ],
    [
      "an old platform by its number, versions in other bases",
      'model_config_list { config { name: "half" base_path: "\\057models/ha\\x6cf" model_type: 1 model_version_policy { specific { versions: 0x2a versions: 053 } } } }',
      [{ ...half, versionPolicy: two }],
    ],
    [
      "a byte order mark and a URL",
      '\ufeffmodel_config_list { config { name: "half" base_path: "file:///models/half" model_platform: "tensorflow" } }',
      [half],
    ],
    ["no models", "model_config_list: {}", []],
  ])("%s", (_, text, models) => expect(parseModelServerConfig(text, { platforms })).toMatchObject(models));

  test("are the same when they come as a message, labels with any name too", () => {
    const labels = '[{ key: "__proto__" value: 3 }, { key: "7" value: 4 }, { key: "" value: 5 }]';
    const text = list(`name: "m" base_path: "/m" model_platform: "tensorflow" version_labels: ${labels}`);
    const bytes = toBinary(ModelServerConfigSchema, parseTextFormat(ModelServerConfigSchema, text));
    const expected = [
      ["", 5n],
      ["7", 4n],
      ["__proto__", 3n],
    ];
    for (const [model] of [parseModelServerConfig(text, { platforms }), decodeModelServerConfig(bytes, { platforms })]) {
      expect([...model!.labels].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(expected);
    }
  });
});
