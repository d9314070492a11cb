import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig } from "../config/model-config.ts";
import type { ModelChoice } from "../config/server-options.ts";
import { isModel, PLATFORM_NAMES } from "../platforms/registry.ts";
import { discoverModels } from "../sources/models-directory.ts";

/** Milliseconds between two looks for new models below a folder. */
const FOLDER_INTERVAL_MS = 1000;

/** Which models to serve, and whether that may change by itself. */
export interface ModelSet {
  /** The models as they are now. Rejects with a ServingError when they cannot be told. */
  read(): Promise<readonly ModelConfig[]>;
  /** How often to read again, in milliseconds; undefined when the set is fixed. */
  readonly pollIntervalMs: number | undefined;
  /** Whether models are found by looking, so that one without a version looks like one that is gone. */
  readonly discovers: boolean;
}

/**
 * The models a command line chooses.
 * @throws ServingError invalid-argument when it chooses none.
 */
export function modelSet(choice: ModelChoice): ModelSet {
  switch (choice.kind) {
    case "none":
      throw new ServingError("invalid-argument", "nothing to serve: give a path, --model_base_path or --model_config_file");
    case "single":
      return fixed({
        name: choice.name,
        basePath: choice.basePath,
        ...platformOf(choice.platform),
        versionPolicy: LATEST_VERSION,
        labels: new Map(),
      });
    case "config-file":
      return {
        read: () => readConfigFile(choice.path),
        pollIntervalMs: choice.pollIntervalMs > 0 ? choice.pollIntervalMs : undefined,
        discovers: false,
      };
    case "paths":
      return { read: () => discover(choice), pollIntervalMs: FOLDER_INTERVAL_MS, discovers: true };
  }
}

/**
 * The models of a serialized `tensorflow.serving.ModelServerConfig`, checked against those served now.
 * @throws ServingError invalid-argument
 */
export async function modelsFromMessage(bytes: Uint8Array, current: readonly ModelConfig[]): Promise<readonly ModelConfig[]> {
  // Loaded when first needed: what describes the messages is a large part of what a start would otherwise wait for.
  const { decodeModelServerConfig } = await import("../config/model-server-config.ts");
  return decodeModelServerConfig(bytes, { platforms: PLATFORM_NAMES, current });
}

/** Whether two lists mean the same models served the same way. */
export function sameModels(a: readonly ModelConfig[], b: readonly ModelConfig[]): boolean {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint(models: readonly ModelConfig[]): string {
  const plain = models.map(({ name, basePath, platform, versionPolicy, labels }) => [
    name,
    basePath,
    platform,
    versionPolicy,
    [...labels],
  ]);
  return JSON.stringify(plain, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

function fixed(model: ModelConfig): ModelSet {
  return { read: async () => [model], pollIntervalMs: undefined, discovers: false };
}

async function readConfigFile(path: string): Promise<readonly ModelConfig[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ServingError("not-found", `--model_config_file ${basename(path)} cannot be read`, { cause });
  }
  const { parseModelServerConfig } = await import("../config/model-server-config.ts");
  return parseModelServerConfig(text, { platforms: PLATFORM_NAMES });
}

async function discover({ paths, name, platform }: Extract<ModelChoice, { kind: "paths" }>): Promise<readonly ModelConfig[]> {
  const found = (await Promise.all(paths.map((path) => discoverModels(path, isModel)))).flat();
  if (name !== undefined && found.length > 1) {
    throw new ServingError(
      "invalid-argument",
      `--model_name names one model, but there are ${found.length}: ${found.map((model) => model.name).join(", ")}`,
    );
  }
  const names = new Set<string>();
  for (const model of found) {
    if (names.has(model.name))
      throw new ServingError("invalid-argument", `two models are called ${model.name}; serve them from a --model_config_file`);
    names.add(model.name);
  }
  return found.map((model) => ({
    name: name ?? model.name,
    basePath: model.basePath,
    ...platformOf(platform),
    versionPolicy: LATEST_VERSION,
    labels: new Map<string, bigint>(),
  }));
}

function platformOf(platform: string | undefined): { readonly platform?: string } {
  if (platform !== undefined && !PLATFORM_NAMES.includes(platform)) {
    throw new ServingError("invalid-argument", `--model_platform ${platform} is not known (known: ${PLATFORM_NAMES.join(", ")})`);
  }
  return platform === undefined ? {} : { platform };
}
