import { isDeepStrictEqual } from "node:util";
import { Document, isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import type { ConfigObject } from "./config-value.ts";
import type { ModelConfig } from "./model-config.ts";
import { type ConfigDocument, STFS_LIST } from "./model-config-document.ts";
import { editedEntries, entryObject } from "./model-config-edit.ts";

/**
 * Lines are never folded: a path in two pieces is found by no search. No block scalars: of blanks and a line's end alone the library
 * makes one that does not read back.
 */
const STYLE = { lineWidth: 0, blockQuote: false } as const;

/** A whole config in our own form, as YAML. */
export function formatYaml(models: readonly ModelConfig[]): string {
  return new Document({ models: models.map((model) => entryObject(model, "list")) }).toString(STYLE);
}

/**
 * The text of a YAML config with other models: first with comments and everything that did not change as it is written, then, for
 * texts in which parts refer to one another, without the comments of the models.
 */
export function* editYaml(previous: ConfigDocument, text: string, models: readonly ModelConfig[]): Generator<string> {
  const { form, models: before } = previous;
  const style = {
    ...STYLE,
    indentSeq: !/^[\w$]+:[ \t]*(?:#[^\n]*)?\r?\n-[ \t]/m.test(text),
    flowCollectionPadding: !/[{[][^\s}\]]/.test(text),
  };
  const edited = read(text);
  try {
    editModels(edited, form, before, models);
    yield edited.toString(style);
  } catch {
    // An anchor went away that an alias needs.
  }
  const renewed = read(text);
  const entries = editedEntries(previous, models);
  renewed.set(keyOf(form), renewed.createNode(form === "map" ? new Map(entries) : entries.map(([, entry]) => entry)));
  yield renewed.toString(style);
}

function read(text: string): Document {
  return parseDocument(text, { intAsBigInt: true, stringKeys: true, uniqueKeys: false, logLevel: "error" });
}

function keyOf(form: ConfigDocument["form"]): string {
  return form === "stfs" ? STFS_LIST : "models";
}

function editModels(
  document: Document,
  form: ConfigDocument["form"],
  before: readonly ModelConfig[],
  models: readonly ModelConfig[],
): void {
  const list = document.get(keyOf(form));
  if (!isSeq(list) && !isMap(list)) throw new TypeError("the models are an alias");
  const known = new Map(before.map((model, index) => [model.name, { model, item: itemOf(list, model.name, index) }]));
  const items = models.map((model) => {
    const entry = known.get(model.name);
    const after = entryObject(model, form);
    if (entry === undefined) return form === "map" ? document.createPair(model.name, after) : document.createNode(after);
    const node = form === "map" ? (entry.item as Pair).value : entry.item;
    if (!isMap(node)) throw new TypeError("a model is an alias");
    editModel(document, node, entryObject(entry.model, form), after);
    return entry.item;
  });
  // What the only item of a flow list loses is its place, not its style.
  (list as YAMLSeq | YAMLMap).items = items as never[];
  if (items.length === 0) list.flow = true;
  else if (before.length === 0) list.flow = false;
}

/** A model's place in the list; in a mapping, by its name: numbers come first in the order that JavaScript gives to its keys. */
function itemOf(list: YAMLSeq | YAMLMap, name: string, index: number): unknown {
  return isMap(list) ? list.items.find(({ key }) => isScalar(key) && String(key.value) === name) : list.items[index];
}

function editModel(document: Document, node: YAMLMap, before: ConfigObject, after: ConfigObject): void {
  for (const key of Object.keys(before)) if (!(key in after)) node.delete(key);
  for (const [key, value] of Object.entries(after)) {
    if (isDeepStrictEqual(before[key], value)) continue;
    const made = document.createNode(value);
    const old = node.get(key, true);
    if (isScalar(old) && isScalar(made)) made.comment = old.comment;
    node.set(key, made);
  }
}
