import { fromBinary, type Message } from "@bufbuild/protobuf";
import { ServingError } from "../base/serving-error.ts";
import { type MessageSpan, parseTextFormat } from "../codec/text-format/parse-text-format.ts";
import { textFormatError } from "../codec/text-format/text-format-error.ts";
import type { FileSystemStoragePathSourceConfig_ServableVersionPolicy as VersionPolicyMessage } from "../gen/tensorflow_serving/config/file_system_storage_path_source_pb.ts";
import {
  type ModelConfig as ModelConfigMessage,
  type ModelServerConfig as ModelServerConfigMessage,
  ModelServerConfigSchema,
  ModelType,
} from "../gen/tensorflow_serving/config/model_server_config_pb.ts";
import { resolveLoggingConfig } from "./logging-config.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT, type VersionPolicy } from "./model-config.ts";
import {
  checkNames,
  checkPlatform,
  type ModelConfigRules,
  type Refuse,
  refusePlainly,
  resolveBasePath,
} from "./model-config-rules.ts";

/** The platform TensorFlow Serving's deprecated `model_type: TENSORFLOW` stands for. */
const TENSORFLOW = "tensorflow";

/** Where the parts of a config in text format stand. */
export interface ModelServerConfigSpans {
  readonly list: MessageSpan;
  /** By name of the model; `logging` is its logging_config. */
  readonly models: ReadonlyMap<string, { readonly whole: MessageSpan; readonly logging: MessageSpan | undefined }>;
}

/** A config in text format, read. */
export interface ModelServerConfigText {
  readonly models: readonly ModelConfig[];
  readonly spans: ModelServerConfigSpans;
}

/**
 * Reads a `tensorflow.serving.ModelServerConfig` in protobuf text format. With the name of its file, errors about a model begin
 * with `FILE:LINE:COL: `, the place where that model's braces open.
 * @throws ServingError invalid-argument: a syntax error with its line and column, or the model at fault
 */
export function parseModelServerConfig(text: string, rules: ModelConfigRules, file?: string): readonly ModelConfig[] {
  return readModelServerConfig(text, rules, file).models;
}

/** As {@link parseModelServerConfig}, and tells where in the text everything is. */
export function readModelServerConfig(text: string, rules: ModelConfigRules, file?: string): ModelServerConfigText {
  const found = new Map<Message, MessageSpan>();
  const list = parseConfigText(text, found).config.value;
  const refuse = (index: number): Refuse => {
    if (file === undefined) return refusePlainly;
    return (fault, cause) => {
      const { message } = textFormatError(text, found.get(list.config[index]!)!.open, fault);
      return new ServingError("invalid-argument", `${file}:${message}`, { cause });
    };
  };
  const models = resolveConfigs(list.config, rules, refuse);
  const spanned = list.config.map((config) => {
    const logging = config.loggingConfig && found.get(config.loggingConfig);
    return [config.name, { whole: found.get(config)!, logging }] as const;
  });
  return { models, spans: { list: found.get(list)!, models: new Map(spanned) } };
}

/**
 * Reads a serialized `tensorflow.serving.ModelServerConfig`, checked as {@link resolveModelServerConfig} does.
 * @throws ServingError invalid-argument
 */
export function decodeModelServerConfig(bytes: Uint8Array, rules: ModelConfigRules): readonly ModelConfig[] {
  return resolveModelServerConfig(decodeMessage(bytes), rules);
}

function decodeMessage(bytes: Uint8Array): ModelServerConfigMessage {
  try {
    return fromBinary(ModelServerConfigSchema, bytes);
  } catch (cause) {
    throw new ServingError("invalid-argument", "the message is not a ModelServerConfig", { cause });
  }
}

/**
 * Checks a config by TensorFlow Serving's rules, in its order and words: names are unique, base paths absolute (a `file:`
 * URL is), a served name keeps its platform, exactly one of `model_type` and `model_platform` is set, and the platform is
 * known.
 * @throws ServingError invalid-argument
 */
export function resolveModelServerConfig(message: ModelServerConfigMessage, rules: ModelConfigRules): readonly ModelConfig[] {
  if (message.config.case !== "modelConfigList") {
    throw new ServingError(
      "invalid-argument",
      "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported",
    );
  }
  return resolveConfigs(message.config.value.config, rules, () => refusePlainly);
}

function resolveConfigs(
  configs: readonly ModelConfigMessage[],
  rules: ModelConfigRules,
  refuse: (index: number) => Refuse,
): readonly ModelConfig[] {
  checkNames(
    configs.map(({ name }) => name),
    refuse,
  );
  const basePaths = configs.map(({ name, basePath }, index) => resolveBasePath(name, basePath, rules.rootFolder, refuse(index)));
  const platforms = configs.map((config, index) => resolvePlatform(config, rules, refuse(index)));
  const loggings = configs.map(
    ({ name, loggingConfig }, index) => loggingConfig && resolveLoggingConfig(name, loggingConfig, refuse(index)),
  );
  return configs.map((config, index) => ({
    name: config.name,
    basePath: basePaths[index]!,
    platform: platforms[index]!,
    versionPolicy: resolveVersionPolicy(config.modelVersionPolicy),
    labels: new Map(Object.entries(config.versionLabels)),
    trafficSplit: NO_TRAFFIC_SPLIT,
    ...(loggings[index] && { logging: loggings[index] }),
  }));
}

/** A config that holds a list of models. */
type ListMessage = ModelServerConfigMessage & { config: { case: "modelConfigList" } };

function parseConfigText(text: string, spans: Map<Message, MessageSpan>): ListMessage {
  let message: ModelServerConfigMessage;
  try {
    message = parseTextFormat(ModelServerConfigSchema, text, (part, span) => spans.set(part, span));
  } catch (reason) {
    const { code, message: fault } = ServingError.from(reason);
    throw new ServingError(code, `Error parsing text-format ${ModelServerConfigSchema.typeName}: ${fault}`, { cause: reason });
  }
  if (message.config.case === "modelConfigList") return message as ListMessage;
  const found = message.config.case === undefined ? "an empty config" : "custom_model_config";
  throw new ServingError("invalid-argument", `a model config must hold model_config_list, got ${found}`);
}

function resolvePlatform(config: ModelConfigMessage, rules: ModelConfigRules, refuse: Refuse): string {
  const { name, modelType, modelPlatform } = config;
  const typed = modelType !== ModelType.MODEL_TYPE_UNSPECIFIED;
  if (typed === (modelPlatform !== "")) {
    throw refuse(
      `Illegal setting ${typed ? "both" : "neither"} ModelServerConfig::model_type (deprecated) ${typed ? "and" : "nor"} ModelServerConfig::model_platform, model name is ${name}`,
    );
  }
  if (typed && modelType !== ModelType.TENSORFLOW) {
    throw refuse(`model ${name} has model_type ${modelType}, set model_platform instead`);
  }
  const platform = modelType === ModelType.TENSORFLOW ? TENSORFLOW : modelPlatform;
  checkPlatform(name, platform, rules, refuse);
  return platform;
}

function resolveVersionPolicy(message: VersionPolicyMessage | undefined): VersionPolicy {
  const choice = message?.policyChoice;
  switch (choice?.case) {
    case "latest":
      return { kind: "latest", count: Math.max(1, choice.value.numVersions) };
    case "all":
      return { kind: "all" };
    case "specific":
      return { kind: "specific", versions: choice.value.versions };
    case undefined:
      return LATEST_VERSION;
  }
}
