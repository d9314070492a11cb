import { ExportedPart } from "./exported-part.ts";
import { parseProgramJson } from "./program-json.ts";

/** Depth of lists and dictionaries that a model answers. */
const MOST_DEPTH = 32;

/**
 * Names of a model's outputs: the keys where it answers a dictionary, `output_0` and so on where it answers several in another way, and
 * `output` for one alone. What lies within something has the names of all around it, joined by dots.
 * @throws ServingError data-loss when the program describes another number of outputs
 */
export function outputNames(module: ExportedPart, count: number): readonly string[] {
  const [call] = module.at("module_call_graph").list();
  const spec = call?.at("signature");
  if (spec === undefined || !spec.isThere) return numbered(count);
  const text = spec.at("out_spec");
  const [, tree] = new ExportedPart(parseProgramJson(text.text(), "out_spec"), "out_spec").list();
  if (tree === undefined) return numbered(count);
  const names: (string | undefined)[] = [];
  visit(tree, [], names, 0);
  if (names.length !== count) throw text.damaged(`has ${names.length} outputs where the signature has ${count}`);
  const all = names.map((name, i) => name ?? (count === 1 ? "output" : `output_${i}`));
  return new Set(all).size === count ? all : numbered(count);
}

function numbered(count: number): readonly string[] {
  return count === 1 ? ["output"] : Array.from({ length: count }, (_, i) => `output_${i}`);
}

/** Adds the name of each leaf; undefined for one that only its place tells apart. */
function visit(tree: ExportedPart, way: readonly string[], names: (string | undefined)[], depth: number): void {
  if (depth > MOST_DEPTH) throw tree.damaged(`is deeper than ${MOST_DEPTH}`);
  if (!tree.at("type").isThere) {
    names.push(way.every((part) => /^\d+$/.test(part)) ? undefined : way.join("."));
    return;
  }
  const children = tree.at("children_spec").list();
  const keys = keysOf(tree);
  for (const [i, child] of children.entries()) visit(child, [...way, keys[i] ?? String(i)], names, depth + 1);
}

/** Keys of a dictionary, or what else names the parts. */
function keysOf(tree: ExportedPart): readonly string[] {
  const context = tree.at("context");
  if (!/dict|dataclass|output/i.test(tree.at("type").text()) || typeof context.value !== "string") return [];
  const found = flat(new ExportedPart(parseProgramJson(context.text(), "context"), "context").value);
  return found.length === tree.at("children_spec").list().length ? found : [];
}

function flat(context: unknown): readonly string[] {
  return Array.isArray(context) ? context.flat(2).filter((key) => typeof key === "string") : [];
}
