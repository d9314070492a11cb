import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import type { ModelChoice } from "../config/server-options.ts";
import { isModel, PLATFORM_NAMES } from "../platforms/registry.ts";
import { type DiscoveredModel, ModelsDirectory } from "../sources/models-directory.ts";
import { ConfigFileReader } from "./config-file.ts";

/** Milliseconds between two looks for new models below a folder. */
const FOLDER_INTERVAL_MS = 1000;

/** Which models to serve, and whether that may change by itself. */
export interface ModelSet {
  /**
   * The models as they are now. Rejects with a ServingError when they cannot be told, or break a rule, such as that a model
   * configured now (`current`, by default none) keeps its platform.
   */
  read(current?: readonly ModelConfig[]): Promise<readonly ModelConfig[]>;
  /** How often to read again, in milliseconds; undefined when the set is fixed. */
  readonly pollIntervalMs: number | undefined;
  /** Whether models are found by looking, so that one without a version looks like one that is gone. */
  readonly discovers: boolean;
  /** Why what was read last is refused, with its place where the reason and the set have one. Never rejects. */
  readonly placed?: (reason: unknown) => Promise<unknown>;
}

/**
 * The models a command line chooses. Relative base paths of a text-format config file are below `rootFolder`, if there is one.
 * @throws ServingError invalid-argument when it chooses none.
 */
export function modelSet(choice: ModelChoice, rootFolder?: string): ModelSet {
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
        trafficSplit: NO_TRAFFIC_SPLIT,
      });
    case "config-file": {
      const file = new ConfigFileReader(choice.path, rootFolder);
      return {
        read: (current) => file.read(current),
        placed: (reason) => file.placed(reason),
        pollIntervalMs: choice.pollIntervalMs > 0 ? choice.pollIntervalMs : undefined,
        discovers: false,
      };
    }
    case "paths":
      return { read: discovering(choice), pollIntervalMs: FOLDER_INTERVAL_MS, discovers: true };
  }
}

/**
 * The models of a serialized `tensorflow.serving.ModelServerConfig`, checked against those served now. Relative base paths
 * are below `rootFolder`, if there is one.
 * @throws ServingError invalid-argument
 */
export async function modelsFromMessage(
  bytes: Uint8Array,
  current: readonly ModelConfig[],
  rootFolder?: string,
): Promise<readonly ModelConfig[]> {
  // Loaded when first needed: what describes the messages is a large part of what a start would otherwise wait for.
  const { decodeModelServerConfig } = await import("../config/model-server-config.ts");
  return decodeModelServerConfig(bytes, { platforms: PLATFORM_NAMES, current, ...(rootFolder !== undefined && { rootFolder }) });
}

function fixed(model: ModelConfig): ModelSet {
  return { read: async () => [model], pollIntervalMs: undefined, discovers: false };
}

type PathsChoice = Extract<ModelChoice, { kind: "paths" }>;

/** Looks at the paths; gives the very same list as long as the same models are found. */
function discovering(choice: PathsChoice): () => Promise<readonly ModelConfig[]> {
  const directories = choice.paths.map((path) => new ModelsDirectory(path, isModel));
  let last: { readonly found: readonly (readonly DiscoveredModel[])[]; readonly models: readonly ModelConfig[] } | undefined;
  return async () => {
    const found = await Promise.all(directories.map((directory) => directory.look()));
    if (last?.found.every((list, index) => list === found[index])) return last.models;
    const models = discoveredModels(choice, found.flat());
    last = { found, models };
    return models;
  };
}

function discoveredModels({ name, platform }: PathsChoice, found: readonly DiscoveredModel[]): readonly ModelConfig[] {
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
    trafficSplit: NO_TRAFFIC_SPLIT,
  }));
}

function platformOf(platform: string | undefined): { readonly platform?: string } {
  if (platform !== undefined && !PLATFORM_NAMES.includes(platform)) {
    throw new ServingError("invalid-argument", `--model_platform ${platform} is not known (known: ${PLATFORM_NAMES.join(", ")})`);
  }
  return platform === undefined ? {} : { platform };
}
