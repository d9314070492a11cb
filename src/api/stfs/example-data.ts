import { entriesOf, type JsonTree, parseJson, printJson } from "../../clients/json-tree.ts";

/**
 * Simple TensorFlow Serving's request that means what the body of a REST predict call does, as JSON: `data` are inputs by name, or the
 * only input's value. Rows that are objects become a list for each name. Numbers keep their digits.
 */
export function exampleData(predictBody: string): string {
  const members = entriesOf(parseJson(predictBody));
  const named = members.get("signature_name");
  const data = members.get("inputs") ?? columns(members.get("instances"));
  const entries: (readonly [string, JsonTree])[] = named === undefined ? [] : [["signature_name", named]];
  return printJson({ kind: "object", entries: [...entries, ["data", data]] });
}

function columns(instances: JsonTree | undefined): JsonTree {
  if (instances?.kind !== "list") return { kind: "object", entries: [] };
  const rows = instances.items.map(entriesOf);
  const first = rows[0];
  if (first === undefined || rows.some((row) => row.size === 0 || (row.size === 1 && row.has("b64")))) return instances;
  return {
    kind: "object",
    entries: [...first.keys()].map((name) => [
      name,
      { kind: "list", items: rows.map((row) => row.get(name) ?? { kind: "literal", text: "null" }) },
    ]),
  };
}
