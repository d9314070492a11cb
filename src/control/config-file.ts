import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { type ModelConfigFile, parseModelConfigFile } from "../config/model-config-file.ts";
import { PLATFORM_NAMES } from "../platforms/registry.ts";
import { replaceFile } from "./replace-file.ts";

/** What a config file is checked against besides the platforms there are. */
export interface ConfigFileRules {
  /** The models configured now; default: none. */
  readonly current?: readonly ModelConfig[] | undefined;
  /** Where relative base paths of text format begin; default: they are refused. */
  readonly rootFolder?: string | undefined;
}

/**
 * Reads a `--model_config_file`: TensorFlow Serving's text format, Simple TensorFlow Serving's JSON, or our own YAML or JSON.
 * @throws ServingError not-found for a file that cannot be read, invalid-argument with line and column for a malformed one
 */
export async function readConfigFile(path: string, rules: ConfigFileRules = {}): Promise<readonly ModelConfig[]> {
  return (await parse(await readText(path), path, rules)).models;
}

/** Reads one config file again and again; a text that is the same as before is not parsed again. */
export class ConfigFileReader {
  readonly #path: string;
  readonly #rootFolder: string | undefined;
  #last: { readonly text: string; readonly models: readonly ModelConfig[] } | undefined;

  /** Relative base paths of text format are below `rootFolder`, if there is one. */
  constructor(path: string, rootFolder: string | undefined) {
    this.#path = path;
    this.#rootFolder = rootFolder;
  }

  /** As {@link readConfigFile}; `current` are the models configured now. */
  async read(current: readonly ModelConfig[] = []): Promise<readonly ModelConfig[]> {
    const text = await readText(this.#path);
    if (this.#last?.text === text && keepPlatforms(this.#last.models, current)) return this.#last.models;
    const { models } = await parse(text, this.#path, { current, rootFolder: this.#rootFolder });
    this.#last = { text, models };
    return models;
  }
}

function keepPlatforms(models: readonly ModelConfig[], current: readonly ModelConfig[]): boolean {
  const platforms = new Map(current.map(({ name, platform }) => [name, platform]));
  return models.every(({ name, platform }) => (platforms.get(name) ?? platform) === platform || platform === undefined);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ServingError("not-found", `--model_config_file ${basename(path)} cannot be read`, { cause });
  }
}

/**
 * Makes a config file hold these models, in the form it has (of a file that is not there, the one its name tells: YAML, JSON, or
 * else text format). In YAML, comments and whatever else did not change stay; so do the models of JSON that did not change, and
 * the comment at the head of text format. Whoever reads the file meanwhile, or after a crash, sees the old one or the new one.
 * A symbolic link stays one: its target is replaced. Mode and, where allowed, owner stay.
 *
 * @throws ServingError failed-precondition when the file cannot be written, is malformed now, or its form has no words for a model
 */
export async function writeConfigFile(path: string, models: readonly ModelConfig[], rules: ConfigFileRules = {}): Promise<void> {
  const name = basename(path);
  const before = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new ServingError("failed-precondition", `--model_config_file ${name} cannot be read`, { cause });
  });
  const { formatConfigFile } = await import("../config/model-config-writer.ts");
  const file = before === undefined ? undefined : await parseToWrite(before, path, rules);
  const text = await formatConfigFile(path, models, file && { text: before!, file }, checks(rules));
  if (text !== before) await replaceFile(path, text, `--model_config_file ${name}`);
}

async function parseToWrite(text: string, path: string, rules: ConfigFileRules): Promise<ModelConfigFile> {
  try {
    return await parse(text, path, { rootFolder: rules.rootFolder });
  } catch (cause) {
    const { message } = ServingError.from(cause);
    throw new ServingError("failed-precondition", `the config file is not overwritten, it is malformed: ${message}`, { cause });
  }
}

function parse(text: string, path: string, rules: ConfigFileRules): Promise<ModelConfigFile> {
  return parseModelConfigFile(text, path, checks(rules));
}

function checks({ current, rootFolder }: ConfigFileRules) {
  return {
    platforms: PLATFORM_NAMES,
    ...(current !== undefined && { current }),
    ...(rootFolder !== undefined && { rootFolder }),
  };
}
