import { equals, toBinary } from "@bufbuild/protobuf";
import { fromText } from "@bufbuild/protobuf/txtpb";
import { parseTextFormat } from "../../../src/codec/text-format/parse-text-format.ts";
import type { ModelConfig } from "../../../src/config/model-config.ts";
import { decodeModelServerConfig, parseModelServerConfig } from "../../../src/config/model-server-config.ts";
import {
  type ModelServerConfig,
  ModelServerConfigSchema,
} from "../../../src/gen/tensorflow_serving/config/model_server_config_pb.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

const REFUSAL_CHECKED_EVERY = 4;
const RULES = { platforms: ["tensorflow", "onnx"] };

const WORDS = [
  "model_config_list",
  "config",
  "name",
  "base_path",
  "model_platform",
  "model_version_policy",
  "specific",
  "latest",
  "all",
  "versions",
  "num_versions",
  "version_labels",
  "key",
  "value",
  "logging_config",
  "sampling_config",
  "sampling_rate",
  "custom_model_config",
  "type_url",
  "{",
  "}",
  "<",
  ">",
  "[",
  "]",
  ":",
  ",",
  ";",
  "#",
  "\n",
  " ",
  '"',
  "'",
  "\\",
  "\\x41",
  "\\101",
  "\\u00e9",
  "\\U0001F600",
  "-",
  "- ",
  '"a"',
  "'/m'",
  '"file:///m"',
  '"onnx"',
  "0x7f",
  "017",
  "1.5",
  "1e5f",
  "inf",
  "nan",
  "true",
  "TENSORFLOW",
  "18446744073709551616",
  "model_type",
];

/** What protobuf-es reads, or undefined where it refuses. */
function twin(text: string): ModelServerConfig | undefined {
  try {
    return fromText(ModelServerConfigSchema, text);
  } catch {
    return undefined;
  }
}

/**
 * protobuf-es takes no blank between a sign and the name of a float, knows no signed nan and no capital X before hexadecimal
 * digits; this reader does, as protoc.
 */
const ALLOWED_HERE = /-(?:\s|#.*)*(?:[nN][aA][nN]|[iI][nN][fF])|\\X/;

/** Text format, against protobuf-es' own reader of it. */
export const textFormat: FuzzTarget = {
  name: "text-format",
  dictionary: WORDS,
  longest: 600,
  run(input): Outcome {
    const text = input.toString("utf8");
    try {
      const message = parseTextFormat(ModelServerConfigSchema, text);
      const expected = twin(text);
      if (expected === undefined && !ALLOWED_HERE.test(text)) throw new Error("text was read that protobuf-es refuses");
      if (expected !== undefined && !equals(ModelServerConfigSchema, message, expected))
        throw new Error("protobuf-es reads something else");
      return { accepted: true, shape: message.config.case ?? "none" };
    } catch (reason) {
      const outcome = refusal(reason);
      // Most text is refused, and the other reader is slow.
      if (input.length % REFUSAL_CHECKED_EVERY === 0 && twin(text) !== undefined) {
        throw new Error("text was refused that protobuf-es reads", { cause: reason });
      }
      return outcome;
    }
  },
};

function outcomeOf(read: () => readonly ModelConfig[]): Outcome & { readonly configs?: readonly ModelConfig[] } {
  try {
    const configs = read();
    const kinds = configs.map(({ versionPolicy }) => versionPolicy.kind);
    return { accepted: true, shape: kinds.slice(0, 3).join(), configs };
  } catch (reason) {
    return refusal(reason);
  }
}

/** A model config, as text and as the message that the text means: both are taken, or refused, alike. */
export const modelConfig: FuzzTarget = {
  name: "model-config",
  dictionary: WORDS,
  longest: 600,
  run(input): Outcome {
    const text = input.toString("utf8");
    const outcome = outcomeOf(() => parseModelServerConfig(text, RULES));
    if (input.length % 8 === 1) outcomeOf(() => decodeModelServerConfig(input, RULES));
    for (const { name, basePath, platform } of outcome.configs ?? []) {
      if (name === "" || !basePath.startsWith("/") || !RULES.platforms.includes(platform ?? ""))
        throw new Error("a config breaks the rules");
    }
    const message = outcome.accepted || input.length % 8 === 0 ? twin(text) : undefined;
    if (message?.config.case === "modelConfigList") {
      const bytes = toBinary(ModelServerConfigSchema, message);
      const other = outcomeOf(() => decodeModelServerConfig(bytes, RULES));
      agree(textOf(other.configs), textOf(outcome.configs), "the config as a message");
    }
    return { accepted: outcome.accepted, shape: outcome.shape };
  },
};

function textOf(configs: readonly ModelConfig[] | undefined): string {
  return configs === undefined ? "refused" : JSON.stringify(configs, printable);
}

function printable(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...value];
  return typeof value === "bigint" ? value.toString() : value;
}
