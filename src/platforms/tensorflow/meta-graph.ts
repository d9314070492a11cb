import { ServingError } from "../../base/serving-error.ts";
import type { MetaGraph, SavedModel } from "../../codec/saved-model/saved-model.ts";

/** Most sets of tags that an error lists. */
const MOST_SETS = 8;
const LONGEST_SET = 100;

/**
 * The first graph that has exactly these tags, in any order, as TensorFlow's loader chooses.
 * @throws ServingError not-found that names `file` and the sets there are.
 */
export function chooseMetaGraph({ metaGraphs }: SavedModel, tags: readonly string[], file: string): MetaGraph {
  const wanted = new Set(tags);
  const chosen = metaGraphs.find((graph) => sameSet(new Set(graph.tags), wanted));
  if (chosen !== undefined) return chosen;
  const sets = metaGraphs.slice(0, MOST_SETS).map((graph) => shown(graph.tags));
  if (metaGraphs.length > MOST_SETS) sets.push("...");
  throw new ServingError(
    "not-found",
    `${file} has no graph with exactly the tags ${shown(tags)}: ask for the tags of one it has (${sets.join(", ")})`,
  );
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((each) => b.has(each));
}

function shown(tags: readonly string[]): string {
  const list = [...new Set(tags)].join(", ");
  return `{${list.length > LONGEST_SET ? `${list.slice(0, LONGEST_SET)}...` : list}}`;
}
