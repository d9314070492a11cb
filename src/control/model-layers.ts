import { isDeepStrictEqual } from "node:util";
import type { ModelConfig } from "../config/model-config.ts";

/** What is to be served: what was said as a whole, and what was changed of single models since. Never changed in place. */
export interface ModelLayers {
  /** By the config file, the command line, a look around, or a reload. */
  readonly base: readonly ModelConfig[];
  /** By name, the model's own config; undefined for one that was taken away. */
  readonly changes: ReadonlyMap<string, ModelConfig | undefined>;
}

/** Nothing. */
export const NO_MODELS: ModelLayers = { base: [], changes: new Map() };

/** These models and no others; changes of single models are gone. */
export function replaced(models: readonly ModelConfig[]): ModelLayers {
  return { base: models, changes: new Map() };
}

/** Another base, the changes of single models still over it. */
export function rebased(layers: ModelLayers, base: readonly ModelConfig[]): ModelLayers {
  return { base, changes: layers.changes };
}

/** With this model, in place of the one of its name if there is one. */
export function withModel(layers: ModelLayers, model: ModelConfig): ModelLayers {
  return { base: layers.base, changes: new Map(layers.changes).set(model.name, model) };
}

/** Without the model of this name. */
export function withoutModel(layers: ModelLayers, name: string): ModelLayers {
  return { base: layers.base, changes: new Map(layers.changes).set(name, undefined) };
}

/** The models to serve: those of the base in their order, then those that were added. */
export function modelsOf({ base, changes }: ModelLayers): readonly ModelConfig[] {
  if (changes.size === 0) return base;
  const models = new Map<string, ModelConfig | undefined>(base.map((model) => [model.name, model]));
  for (const [name, model] of changes) models.set(name, model);
  return [...models.values()].filter((model) => model !== undefined);
}

/** The names of those models that were known with other options of TensorFlow or Python. */
export function retunedModels(models: readonly ModelConfig[], known: ReadonlyMap<string, ModelConfig>): ReadonlySet<string> {
  const retuned = models.filter(({ name, tensorflow, python }) => {
    const before = known.get(name);
    return before !== undefined && !isDeepStrictEqual([before.tensorflow, before.python], [tensorflow, python]);
  });
  return new Set(retuned.map(({ name }) => name));
}

/** The names of those models that were known with another base path. */
export function movedModels(models: readonly ModelConfig[], known: ReadonlyMap<string, ModelConfig>): ReadonlySet<string> {
  const moved = models.filter(({ name, basePath }) => (known.get(name)?.basePath ?? basePath) !== basePath);
  return new Set(moved.map(({ name }) => name));
}
