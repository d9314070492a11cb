import { isAbsolute, join } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { BatchingChoice } from "../model/batching.ts";
import { checkBatchLimits } from "../model/check-batch-limits.ts";
import { batchingChoice } from "./batching-keys.ts";
import { batchLimits } from "./batching-parameters.ts";
import { type ConfigPath, ConfigTree } from "./config-tree.ts";
import { resolveRequestLogging } from "./logging-config.ts";
import { LATEST_VERSION, type ModelConfig, type VersionPolicy } from "./model-config.ts";
import { shapeFault } from "./model-config-fault.ts";
import {
  checkNames,
  checkPlatform,
  checkTrafficSplit,
  type ModelConfigRules,
  type Refuse,
  resolveBasePath,
} from "./model-config-rules.ts";
import {
  documentSchema,
  type ModelShape,
  stfsSchema,
  unnamedModelSchema,
  type VersionPolicyShape,
} from "./model-config-schema.ts";
import { resolvePython } from "./model-python.ts";
import { resolveTensorFlow } from "./model-tensorflow.ts";

/** Where a config comes from. */
export interface ConfigOrigin {
  /** What errors begin with, before line and column: the file's name. Empty for a text that is no file. */
  readonly file: string;
  /** The folder that relative paths of our own form are below, absolute. Undefined when they may not be relative. */
  readonly folder: string | undefined;
  /** The folder that relative paths of Simple TensorFlow Serving's form are below. */
  readonly workingFolder: string | undefined;
}

/** A config file in YAML or JSON, read. */
export interface ConfigDocument {
  /** Whether it is in our own form, as a list or by name, or in Simple TensorFlow Serving's. */
  readonly form: "list" | "map" | "stfs";
  readonly tree: ConfigTree;
  /** In the order of the text. */
  readonly models: readonly ModelConfig[];
}

/** The key of Simple TensorFlow Serving's form. */
export const STFS_LIST = "model_config_list";

/** Simple TensorFlow Serving's names of platforms that have another one here. */
const STFS_PLATFORMS: ReadonlyMap<string, string> = new Map([["pytorch_onnx", "onnx"]]);

/** Simple TensorFlow Serving loads every version. */
export const STFS_VERSION_POLICY: VersionPolicy = { kind: "all" };

/** One model of a text, before the rules that concern all. */
interface Entry {
  readonly name: string;
  readonly shape: ModelShape;
  readonly path: ConfigPath;
}

/**
 * Reads models in YAML or JSON: our own form (`models`, a list or by name) or Simple TensorFlow Serving's (`model_config_list`).
 * @throws ServingError invalid-argument, `FILE:LINE:COL: what is wrong`
 */
export async function parseModelConfigDocument(
  text: string,
  origin: ConfigOrigin,
  rules: ModelConfigRules,
): Promise<ConfigDocument> {
  const tree = readTree(text, origin);
  const stfs = isObject(tree.value) && STFS_LIST in tree.value;
  const form = stfs ? "stfs" : isObject(tree.value) && isObject(tree.value.models) ? "map" : "list";
  const entries = stfs ? stfsEntries(tree, origin) : ownEntries(tree, origin);
  checkNames(
    entries.map(({ name }) => name),
    (index) => refuseAt(tree, origin, form === "map" ? entries[index]!.path : [...entries[index]!.path, "name"]),
  );
  const folder = stfs ? origin.workingFolder : origin.folder;
  const fallback = stfs ? STFS_VERSION_POLICY : LATEST_VERSION;
  const models: ModelConfig[] = [];
  for (const entry of entries) models.push(await resolveEntry(entry, tree, { ...origin, folder }, rules, fallback));
  return { form, tree, models };
}

/** Where a model of a document is. */
export function modelPath({ form, models }: Pick<ConfigDocument, "form" | "models">, name: string): ConfigPath {
  if (form === "map") return ["models", name];
  const index = models.findIndex((model) => model.name === name);
  return [form === "stfs" ? STFS_LIST : "models", index];
}

/**
 * Reads one model of our own form, in YAML or JSON, whose name is known; the text may repeat it.
 * @throws ServingError invalid-argument, `LINE:COL: what is wrong`
 */
export async function parseModelConfig(name: string, text: string, rules: ModelConfigRules): Promise<ModelConfig> {
  const origin: ConfigOrigin = { file: "", folder: rules.rootFolder, workingFolder: undefined };
  const tree = readTree(text, origin);
  const shape = check(unnamedModelSchema.safeParse(tree.value), tree, origin);
  checkNames([name], () => refuseAt(tree, origin, []));
  if (shape.name !== undefined && shape.name !== name) {
    throw refuseAt(tree, origin, ["name"])(`name is ${JSON.stringify(shape.name)}, expected ${JSON.stringify(name)} or none`);
  }
  return await resolveEntry({ name, shape, path: [] }, tree, origin, rules, LATEST_VERSION);
}

function readTree(text: string, { file }: ConfigOrigin): ConfigTree {
  try {
    return new ConfigTree(text);
  } catch (reason) {
    if (file === "" || !(reason instanceof ServingError)) throw reason;
    throw new ServingError(reason.code, `${file}:${reason.message}`, { cause: reason });
  }
}

function ownEntries(tree: ConfigTree, origin: ConfigOrigin): readonly Entry[] {
  const { models } = check(documentSchema.safeParse(tree.value), tree, origin);
  if (!(models instanceof Map)) return models.map((shape, index) => ({ name: shape.name, shape, path: ["models", index] }));
  return [...models].map(([name, shape]) => ({ name, shape, path: ["models", name] }));
}

function stfsEntries(tree: ConfigTree, origin: ConfigOrigin): readonly Entry[] {
  const { model_config_list: models } = check(stfsSchema.safeParse(tree.value), tree, origin);
  return models.map((shape, index) => {
    const platform = shape.platform && (STFS_PLATFORMS.get(shape.platform) ?? shape.platform);
    return { name: shape.name, shape: { ...shape, platform }, path: [STFS_LIST, index] };
  });
}

type Parsed<Output> =
  | { readonly success: true; readonly data: Output }
  | { readonly success: false; readonly error: { readonly issues: Parameters<typeof shapeFault>[0] } };

function check<Output>(parsed: Parsed<Output>, tree: ConfigTree, origin: ConfigOrigin): Output {
  if (parsed.success) return parsed.data;
  const { path, part, message } = shapeFault(parsed.error.issues, tree.value);
  throw refuseAt(tree, origin, path, part)(message);
}

async function resolveEntry(
  { name, shape, path }: Entry,
  tree: ConfigTree,
  origin: ConfigOrigin,
  rules: ModelConfigRules,
  fallback: VersionPolicy,
): Promise<ModelConfig> {
  const refuse = (...steps: readonly string[]) => refuseAt(tree, origin, [...path, ...steps]);
  const { base_path, platform, version_policy, labels, traffic_split, logging, batching } = shape;
  const { folder } = origin;
  const basePath = resolveBasePath(name, base_path, folder, refuse("base_path"));
  checkPlatform(name, platform, rules, refuse("platform"));
  const model: ModelConfig = {
    name,
    basePath,
    ...(platform !== undefined && { platform }),
    versionPolicy: resolveVersionPolicy(version_policy, fallback),
    labels: new Map([...(labels ?? [])].map(([label, version]) => [label, BigInt(version)])),
    trafficSplit: new Map(traffic_split),
    ...(logging !== undefined && {
      logging: resolveRequestLogging(
        name,
        {
          samplingRate: logging.sampling_rate,
          filenamePrefix: prefixIn(folder, logging.prefix),
          type: logging.format ?? "",
        },
        refuse("logging"),
      ),
    }),
    ...(batching !== undefined && { batching: resolveBatching(batching, refuse("batching")) }),
    ...(await resolveTensorFlow(shape, folder, { path, refuse: (steps, part) => refuseAt(tree, origin, steps, part) })),
    ...resolvePython(shape, folder),
  };
  checkTrafficSplit(model, (label) => refuseAt(tree, origin, [...path, "traffic_split", label], "key"));
  return model;
}

function resolveVersionPolicy(shape: VersionPolicyShape | undefined, fallback: VersionPolicy): VersionPolicy {
  if (shape === undefined) return fallback;
  if (shape === "latest") return LATEST_VERSION;
  if (shape === "all") return { kind: "all" };
  if (shape.latest !== undefined) return { kind: "latest", count: shape.latest };
  if (shape.specific !== undefined) return { kind: "specific", versions: shape.specific.map(BigInt) };
  return { kind: "all" };
}

function resolveBatching(written: Readonly<Record<string, unknown>>, refuse: Refuse): BatchingChoice {
  const choice = batchingChoice(written);
  try {
    checkBatchLimits(batchLimits(choice));
  } catch (cause) {
    throw refuse(ServingError.from(cause).message, cause);
  }
  return choice;
}

function prefixIn(folder: string | undefined, prefix: string): string {
  return folder === undefined || isAbsolute(prefix) || /^file:/i.test(prefix) ? prefix : join(folder, prefix);
}

function refuseAt(tree: ConfigTree, { file }: ConfigOrigin, path: ConfigPath, part?: "key" | "value"): Refuse {
  return (message, cause) => {
    const place = tree.place(path, part);
    return new ServingError("invalid-argument", `${file === "" ? "" : `${file}:`}${place}: ${message}`, { cause });
  };
}

function isObject(value: unknown): value is { readonly [STFS_LIST]?: unknown; readonly models?: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
