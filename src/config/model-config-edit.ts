import { isDeepStrictEqual } from "node:util";
import { type ConfigObject, type ConfigValue, configObject } from "./config-value.ts";
import { LATEST_VERSION, type ModelConfig } from "./model-config.ts";
import { type ConfigDocument, STFS_LIST, STFS_VERSION_POLICY } from "./model-config-document.ts";
import { formatJson, modelObject } from "./model-config-json.ts";

/** The text of a JSON config with other models; of what did not change, all stays as it is written but blanks. */
export function editJson(document: ConfigDocument, models: readonly ModelConfig[]): string {
  const { form, tree } = document;
  const key = form === "stfs" ? STFS_LIST : "models";
  const root = tree.value as ConfigObject;
  const entries = editedEntries(document, models);
  const list = form === "map" ? configObject(entries) : entries.map(([, entry]) => entry);
  return `${formatJson(configObject(Object.entries(root).map(([name, value]) => [name, name === key ? list : value])))}\n`;
}

/** The entries of a config with other models, by name; of what did not change, all stays as it is written. */
export function editedEntries(
  { form, tree, models: before }: ConfigDocument,
  models: readonly ModelConfig[],
): readonly [string, ConfigObject][] {
  const list = (tree.value as ConfigObject)[form === "stfs" ? STFS_LIST : "models"]!;
  const known = new Map(before.map((model, index) => [model.name, { model, written: writtenAt(list, form, model.name, index) }]));
  return models.map((model) => {
    const entry = known.get(model.name);
    if (entry === undefined) return [model.name, entryObject(model, form)];
    return [model.name, changed(entry.written, entryObject(entry.model, form), entryObject(model, form))];
  });
}

function writtenAt(list: ConfigValue, form: ConfigDocument["form"], name: string, index: number): ConfigObject {
  const step = form === "map" ? name : String(index);
  return (list as ConfigObject)[step] as ConfigObject;
}

/** What is written, with those parts of it that are not what they were. */
function changed(written: ConfigObject, before: ConfigObject, after: ConfigObject): ConfigObject {
  const parts = new Map(Object.entries(written));
  for (const key of Object.keys(before)) if (!(key in after)) parts.delete(key);
  for (const [key, value] of Object.entries(after)) if (!isDeepStrictEqual(before[key], value)) parts.set(key, value);
  return configObject([...parts]);
}

/** A model as an entry of a config in some form: by name it leaves its name out. */
export function entryObject(model: ModelConfig, form: ConfigDocument["form"]): ConfigObject {
  const { name, ...rest } = modelObject(model, form === "stfs" ? STFS_VERSION_POLICY : LATEST_VERSION);
  return form === "map" ? configObject(Object.entries(rest)) : configObject([["name", name!], ...Object.entries(rest)]);
}
