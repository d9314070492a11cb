import { extname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "./model-config.ts";
import { type ModelConfigFile, parseModelConfigFile } from "./model-config-file.ts";
import { formatModelConfigs } from "./model-config-json.ts";
import type { ModelConfigRules } from "./model-config-rules.ts";

/** A config file as it is before it is written. */
export interface PreviousFile {
  readonly text: string;
  readonly file: ModelConfigFile;
}

/**
 * The text of a config file that holds these models, in the form that `previous` has, or that the file's name tells when there
 * is none. What it gives has been read back and means these models.
 * @throws ServingError failed-precondition when the form has no words for one of the models
 */
export async function formatConfigFile(
  path: string,
  models: readonly ModelConfig[],
  previous: PreviousFile | undefined,
  rules: ModelConfigRules,
): Promise<string> {
  if (previous !== undefined && isDeepStrictEqual(byName(previous.file.models), byName(models))) return previous.text;
  for await (const text of candidates(path, models, previous)) {
    const written = previous === undefined ? text : asBefore(text, previous.text);
    if (await means(written, path, models, rules)) return written;
  }
  throw new ServingError("failed-precondition", "the config file's form has no words for these models; write them in YAML");
}

/** Texts that ought to do, the one that keeps most of the previous one first. */
async function* candidates(
  path: string,
  models: readonly ModelConfig[],
  previous: PreviousFile | undefined,
): AsyncGenerator<string> {
  const kind = previous?.file.kind ?? kindOf(path);
  if (kind === "text-format") {
    const { editModelServerConfig, formatModelServerConfig } = await import("./model-config-text.ts");
    if (previous?.file.kind === "text-format") yield* editModelServerConfig(previous.file, previous.text, models);
    else yield formatModelServerConfig(models);
    return;
  }
  if (previous?.file.kind === "document") {
    const { file, text } = previous;
    if (isJson(text)) {
      const { editJson } = await import("./model-config-edit.ts");
      yield editJson(file, models);
      return;
    }
    const { editYaml } = await import("./model-config-yaml.ts");
    yield* editYaml(file, text, models);
    return;
  }
  if (kind === "json") yield formatModelConfigs(models);
  else yield (await import("./model-config-yaml.ts")).formatYaml(models);
}

/** With the line ends and the byte order mark that the text had before. */
function asBefore(text: string, before: string): string {
  const lines = /^[^\n]*\r\n/.test(before) ? text.replaceAll(/\r?\n/g, "\r\n") : text;
  return before.startsWith("\ufeff") && !lines.startsWith("\ufeff") ? `\ufeff${lines}` : lines;
}

function kindOf(path: string): "text-format" | "yaml" | "json" {
  switch (extname(path).toLowerCase()) {
    case ".yaml":
    case ".yml":
      return "yaml";
    case ".json":
      return "json";
    default:
      return "text-format";
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\ufeff/, ""));
    return true;
  } catch {
    return false;
  }
}

async function means(text: string, path: string, models: readonly ModelConfig[], rules: ModelConfigRules): Promise<boolean> {
  try {
    const { current: _, ...lasting } = rules;
    const read = await parseModelConfigFile(text, path, lasting);
    return isDeepStrictEqual(byName(read.models), byName(models));
  } catch {
    return false;
  }
}

/** Models in an order of their own: one that JavaScript gives to a mapping's keys is not always the text's. */
function byName(models: readonly ModelConfig[]): readonly ModelConfig[] {
  return models.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
