import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "./model-config.ts";

/** What a config is checked against. */
export interface ModelConfigRules {
  /** Platforms the server can load. */
  readonly platforms: readonly string[];
  /** The models configured now: a name may not change its platform. Default: none. */
  readonly current?: readonly ModelConfig[];
  /** The folder that relative base paths are below, absolute. Default: none, and they are refused. */
  readonly rootFolder?: string;
}

/** What a rule has to say about one model of a list. */
export type Refuse = (message: string, cause?: unknown) => ServingError;

/** Refuses in the words of a rule alone, for messages that came over the network. */
export const refusePlainly: Refuse = (message, cause) => new ServingError("invalid-argument", message, { cause });

/**
 * Checks that names are there and unique. `refuse` is asked for the error of the model at an index.
 * @throws what `refuse` gives
 */
export function checkNames(names: readonly string[], refuse: (index: number) => Refuse): void {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (name === "") throw refuse(index)("a model in the config list has no name");
    // Half a surrogate pair: no request can ask for it, and no file hold it.
    if (/\p{Surrogate}/u.test(name)) throw refuse(index)("the name of a model in the config list is not Unicode text");
    if (seen.has(name)) throw refuse(index)(`Illegal to list model ${name} multiple times in config list`);
    seen.add(name);
  }
}

/**
 * The absolute path that a base path stands for: itself, the path of a `file:` URL, or a relative one below `rootFolder`.
 * @throws what `refuse` gives
 */
export function resolveBasePath(name: string, basePath: string, rootFolder: string | undefined, refuse: Refuse): string {
  if (basePath.includes("\0")) throw refuse(`model ${name} has a NUL character in its base_path`);
  if (isAbsolute(basePath)) return basePath;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(basePath)?.[1]?.toLowerCase();
  if (scheme === "file") return fileUrlPath(name, basePath, refuse);
  if (scheme !== undefined) {
    throw refuse(`model ${name} has its base_path at "${scheme}:", only the local file system is supported by this version`);
  }
  if (rootFolder !== undefined && basePath !== "") return join(rootFolder, basePath);
  throw refuse(`Expected model ${name} to have an absolute path or URI; got base_path()=${basePath}`);
}

function fileUrlPath(name: string, url: string, refuse: Refuse): string {
  try {
    const path = fileURLToPath(url);
    if (!path.includes("\0")) return path;
  } catch (cause) {
    throw refuse(`model ${name} has a malformed URL as its base_path, expected file:///folder`, cause);
  }
  throw refuse(`model ${name} has a NUL character in its base_path`);
}

/**
 * Checks that a platform is known and is the one the model has now; undefined is left for the model's files to tell.
 * @throws what `refuse` gives
 */
export function checkPlatform(name: string, platform: string | undefined, rules: ModelConfigRules, refuse: Refuse): void {
  if (platform === undefined) return;
  const before = rules.current?.find((model) => model.name === name)?.platform;
  if (before !== undefined && before !== platform) {
    throw refuse(
      `Illegal to change a model's platform. For model ${name} platform was ${before} and new platform requested is ${platform}`,
    );
  }
  if (!rules.platforms.includes(platform)) throw refuse(`Model ${name} requests unsupported platform ${platform}`);
}

/**
 * Checks that traffic is split over labels that the model has.
 * @throws what `refuse` gives
 */
export function checkTrafficSplit({ name, labels, trafficSplit }: ModelConfig, refuse: (label: string) => Refuse): void {
  for (const label of trafficSplit.keys()) {
    if (labels.has(label)) continue;
    const known = labels.size === 0 ? "it has none" : `its labels: ${[...labels.keys()].join(", ")}`;
    throw refuse(label)(`traffic_split of model ${name} names label ${label}, which the model does not have (${known})`);
  }
}
