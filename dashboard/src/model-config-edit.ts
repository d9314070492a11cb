import { isList, isObject, type Json, type JsonObject, printJson } from "./exact-json.ts";

/** A change of a model's config that a button stands for. Versions are decimal texts. */
export type ConfigEdit =
  | { readonly kind: "load" | "unload"; readonly version: string }
  | { readonly kind: "serve-latest"; readonly count: number }
  | { readonly kind: "set-label"; readonly label: string; readonly version: string }
  | { readonly kind: "remove-label"; readonly label: string };

/**
 * The config with an edit made. Loading and unloading name every version that is then to be served, since the policies `latest` and
 * `all` cannot leave one out; labels of a version that goes, and their shares of a traffic split, go with it.
 * @param served the versions that are served now, or about to be
 */
export function editConfig(config: JsonObject, edit: ConfigEdit, served: readonly string[]): JsonObject {
  const edited = new Map(config);
  switch (edit.kind) {
    case "load":
      edited.set("version_policy", specific([...served, edit.version]));
      return edited;
    case "unload": {
      edited.set("version_policy", specific(served.filter((version) => version !== edit.version)));
      for (const label of labelsAt(config, edit.version)) dropLabel(edited, label);
      return edited;
    }
    case "serve-latest":
      edited.set("version_policy", new Map<string, Json>([["latest", edit.count]]));
      return edited;
    case "set-label":
      edited.set("labels", new Map(objectAt(config, "labels")).set(edit.label, number(edit.version)));
      return edited;
    case "remove-label":
      dropLabel(edited, edit.label);
      return edited;
  }
}

/** The labels of a config that stand for a version. */
export function labelsAt(config: JsonObject, version: string): readonly string[] {
  return [...objectAt(config, "labels")].filter(([, value]) => printJson(value) === version).map(([label]) => label);
}

/** A config's version policy in words: `latest 1`, `all`, or `only 3, 5`. */
export function policyOf(config: JsonObject): string {
  const policy = config.get("version_policy");
  if (typeof policy === "string") return policy === "latest" ? "latest 1" : policy;
  const [kind = "latest", value = 1] = isObject(policy) ? ([...policy][0] ?? []) : [];
  if (kind === "specific") return `only ${isList(value) ? value.map((version) => printJson(version)).join(", ") : ""}`;
  return kind === "all" ? "all" : `latest ${printJson(value)}`;
}

function dropLabel(config: Map<string, Json>, label: string): void {
  for (const key of ["labels", "traffic_split"]) {
    const left = new Map(objectAt(config, key));
    left.delete(label);
    if (left.size > 0) config.set(key, left);
    else config.delete(key);
  }
}

function objectAt(config: JsonObject, key: string): JsonObject {
  const value = config.get(key);
  return isObject(value) ? value : new Map();
}

function specific(versions: readonly string[]): Json {
  const sorted = [...new Set(versions)].map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return new Map([["specific", sorted.map((version) => number(String(version)))]]);
}

function number(version: string): Json {
  const value = BigInt(version);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
