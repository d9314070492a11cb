import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { ServingError } from "../base/serving-error.ts";
import { parseTextFormat } from "../codec/text-format/parse-text-format.ts";
import type { FileSystemStoragePathSourceConfig_ServableVersionPolicy as VersionPolicyMessage } from "../gen/tensorflow_serving/config/file_system_storage_path_source_pb.ts";
import {
  type ModelConfig as ModelConfigMessage,
  type ModelServerConfig as ModelServerConfigMessage,
  ModelServerConfigSchema,
  ModelType,
} from "../gen/tensorflow_serving/config/model_server_config_pb.ts";
import { LATEST_VERSION, type ModelConfig, type VersionPolicy } from "./model-config.ts";

/** What a config is checked against. */
export interface ModelConfigRules {
  /** Platforms the server can load. */
  readonly platforms: readonly string[];
  /** The models configured now: a name may not change its platform. Default: none. */
  readonly current?: readonly ModelConfig[];
}

/** The platform TensorFlow Serving's deprecated `model_type: TENSORFLOW` stands for. */
const TENSORFLOW = "tensorflow";

/**
 * Reads a `--model_config_file`: a `tensorflow.serving.ModelServerConfig` in protobuf text format.
 * @throws ServingError invalid-argument: a syntax error with its line and column, or the model at fault
 */
export function parseModelServerConfig(text: string, rules: ModelConfigRules): readonly ModelConfig[] {
  return resolveModelServerConfig(parseConfigText(text), rules);
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
  const configs = message.config.value.config;
  checkNames(configs);
  if (configs.some((config) => config.loggingConfig !== undefined)) {
    throw new ServingError(
      "invalid-argument",
      "No request-logger-creator provided. (logging_config is not supported by this version)",
    );
  }
  const basePaths = configs.map(resolveBasePath);
  const platforms = configs.map((config) => resolvePlatform(config, rules));
  return configs.map((config, index) => ({
    name: config.name,
    basePath: basePaths[index]!,
    platform: platforms[index]!,
    versionPolicy: resolveVersionPolicy(config.modelVersionPolicy),
    labels: new Map(Object.entries(config.versionLabels)),
  }));
}

function parseConfigText(text: string): ModelServerConfigMessage {
  let message: ModelServerConfigMessage;
  try {
    message = parseTextFormat(ModelServerConfigSchema, text);
  } catch (reason) {
    const { code, message: fault } = ServingError.from(reason);
    throw new ServingError(code, `Error parsing text-format ${ModelServerConfigSchema.typeName}: ${fault}`, { cause: reason });
  }
  if (message.config.case === "modelConfigList") return message;
  const found = message.config.case === undefined ? "an empty config" : "custom_model_config";
  throw new ServingError("invalid-argument", `a model config must hold model_config_list, got ${found}`);
}

function checkNames(configs: readonly ModelConfigMessage[]): void {
  const names = new Set<string>();
  for (const { name } of configs) {
    if (name === "") throw new ServingError("invalid-argument", "a model in the config list has no name");
    if (names.has(name)) {
      throw new ServingError("invalid-argument", `Illegal to list model ${name} multiple times in config list`);
    }
    names.add(name);
  }
}

function resolveBasePath({ name, basePath }: ModelConfigMessage): string {
  if (isAbsolute(basePath)) return basePath;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(basePath)?.[1]?.toLowerCase();
  if (scheme === "file") return fileUrlPath(name, basePath);
  if (scheme !== undefined) {
    throw new ServingError(
      "invalid-argument",
      `model ${name} has its base_path at "${scheme}:", only the local file system is supported by this version`,
    );
  }
  throw new ServingError(
    "invalid-argument",
    `Expected model ${name} to have an absolute path or URI; got base_path()=${basePath}`,
  );
}

function fileUrlPath(name: string, url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new ServingError("invalid-argument", `model ${name} has a malformed URL as its base_path, expected file:///folder`, {
      cause,
    });
  }
}

function resolvePlatform(config: ModelConfigMessage, { platforms, current = [] }: ModelConfigRules): string {
  const { name, modelType, modelPlatform } = config;
  const typed = modelType !== ModelType.MODEL_TYPE_UNSPECIFIED;
  if (typed === (modelPlatform !== "")) {
    throw new ServingError(
      "invalid-argument",
      `Illegal setting ${typed ? "both" : "neither"} ModelServerConfig::model_type (deprecated) ${typed ? "and" : "nor"} ModelServerConfig::model_platform, model name is ${name}`,
    );
  }
  const platform = modelType === ModelType.TENSORFLOW ? TENSORFLOW : modelPlatform;
  const before = current.find((model) => model.name === name)?.platform;
  if (before !== undefined && before !== platform) {
    throw new ServingError(
      "invalid-argument",
      `Illegal to change a model's platform. For model ${name} platform was ${before} and new platform requested is ${platform}`,
    );
  }
  if (typed && modelType !== ModelType.TENSORFLOW) {
    throw new ServingError("invalid-argument", `model ${name} has model_type ${modelType}, set model_platform instead`);
  }
  if (platforms.includes(platform)) return platform;
  throw new ServingError("invalid-argument", `Model ${name} requests unsupported platform ${platform}`);
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
