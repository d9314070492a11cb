import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { type ModelConfigFile, parseModelConfigFile } from "../config/model-config-file.ts";
import { PLATFORM_NAMES } from "../platforms/registry.ts";
import { replaceFile } from "./replace-file.ts";
import { sameModels } from "./same-models.ts";
import { LabelRefusal } from "./version-labels.ts";

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

  /** A refusal of a label that was read last, with the place of that label; any other reason as it is. Never rejects. */
  async placed(reason: unknown): Promise<unknown> {
    if (!(reason instanceof LabelRefusal) || this.#last === undefined) return reason;
    try {
      const { labelPlace } = await parse(this.#last.text, this.#path, { rootFolder: this.#rootFolder });
      return new ServingError(reason.code, `${labelPlace(reason.model, reason.label)}: ${reason.message}`, { cause: reason });
    } catch {
      return reason;
    }
  }
}

function keepPlatforms(models: readonly ModelConfig[], current: readonly ModelConfig[]): boolean {
  const platforms = new Map(current.map(({ name, platform }) => [name, platform]));
  return models.every(({ name, platform }) => (platforms.get(name) ?? platform) === platform || platform === undefined);
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ServingError("not-found", `--model_config_file ${basename(path)} cannot be read`, { cause });
  }
  // Letters of another encoding would be lost, in names, in paths, and when the file is written again.
  if (!isUtf8(bytes)) throw new ServingError("invalid-argument", `--model_config_file ${basename(path)} is not UTF-8 text`);
  return bytes.toString("utf8");
}

/**
 * Makes a config file hold these models, in the form it has (of a file that is not there, the one its name tells: YAML, JSON, or
 * else text format). In YAML, comments and whatever else did not change stay; so do the models of JSON that did not change, and
 * the comment at the head of text format. Whoever reads the file meanwhile, or after a crash, sees the old one or the new one.
 * A symbolic link stays one: its target is replaced. Mode and, where allowed, owner stay.
 *
 * @param known what the file held when it was last applied or written; default: that does not matter
 * @throws ServingError failed-precondition when the file cannot be written, is malformed now, holds something else than `known`, or its
 * form has no words for a model
 */
export async function writeConfigFile(
  path: string,
  models: readonly ModelConfig[],
  rules: ConfigFileRules = {},
  known?: readonly ModelConfig[],
): Promise<void> {
  const name = basename(path);
  const before = await readText(path).catch((reason: unknown) => {
    const error = ServingError.from(reason);
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
    throw new ServingError("failed-precondition", error.message, { cause: reason });
  });
  const { formatConfigFile } = await import("../config/model-config-writer.ts");
  const file = before === undefined ? undefined : await parseToWrite(before, path, rules);
  if (file !== undefined && known !== undefined && !sameModels(file.models, known)) {
    throw new ServingError(
      "failed-precondition",
      "the config file is not overwritten, somebody has changed it since it was read: have it read first, by SIGHUP, and send the change again",
    );
  }
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
