import type { PmmlAssociation, PmmlAssociationRule } from "../../../model/tabular/pmml-models.ts";
import { readValue } from "../data-dictionary.ts";
import { type Element, shortened } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";

/** An `<AssociationModel>`: a row is a basket, a list of items in one field or a field for each item. */
export function readAssociation({ element, scope }: ModelSource): ReadBody {
  const schema = element.needChild("MiningSchema").all("MiningField");
  const active = schema.filter((field) => (field.get("usageType") ?? "active") === "active");
  const grouped = schema.some((field) => field.get("usageType") === "group");
  const numbers = new Map<string, number>();
  const items = element.all("Item");
  for (const item of items) numbers.set(item.need("id"), numbers.size);
  if (numbers.size !== items.length) throw element.fault("has two items of the same id");
  const values = items.map((item) => item.need("value"));
  const sets = new Map(
    element
      .all("Itemset")
      .map((set) => [set.need("id"), set.all("ItemRef").map((ref) => known(numbers, ref.need("itemRef"), ref))] as const),
  );
  const rules = element.all("AssociationRule").map((rule, i): PmmlAssociationRule => {
    const measure = (name: string) => (rule.get(name) === undefined ? Number.NaN : rule.number(name));
    return {
      id: rule.get("id") ?? String(i + 1),
      antecedent: known(sets, rule.need("antecedent"), rule),
      consequent: known(sets, rule.need("consequent"), rule),
      support: rule.number("support"),
      confidence: rule.number("confidence"),
      lift: measure("lift"),
      leverage: measure("leverage"),
      affinity: measure("affinity"),
    };
  });
  if (grouped) {
    if (active.length !== 1) throw element.refused(`${active.length} active fields beside a group`);
    const list = scope.document.listColumn(active[0].need("name"));
    return { body: { kind: "association", items: [], list, values, rules }, results: [] };
  }
  const names = new Set(active.map((field) => field.need("name")));
  const flags = items.map((item, i): PmmlAssociation["items"][number] => {
    const { field, category } = fieldOf(item, names);
    const slot = scope.slot(field, item);
    if (category === undefined) return { slot, value: null, item: i };
    return { slot, value: readValue(category, "category", scope.document.fields[slot].type), item: i };
  });
  return { body: { kind: "association", items: flags, values, rules }, results: [] };
}

/** The field that tells whether an item is there, and the element that says with which value. */
function fieldOf(item: Element, names: ReadonlySet<string>): { readonly field: string; readonly category?: Element } {
  const field = item.get("field") ?? item.need("value");
  if (!names.has(field)) throw item.fault(`is of "${shortened(field)}", which is no active field`);
  return item.get("category") === undefined ? { field } : { field, category: item };
}

function known<Value>(values: ReadonlyMap<string, Value>, id: string, at: Element): Value {
  const value = values.get(id);
  if (value === undefined) throw at.fault(`refers to "${shortened(id)}", which there is not`);
  return value;
}
