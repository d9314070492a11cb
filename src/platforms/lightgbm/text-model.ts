import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import type { Link, TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import type { AddStep, BoosterAnswer } from "../pickled-booster.ts";
import { type CategoryTables, readCategoryTables } from "./data-frame.ts";
import { type ModelHeader, readHeader } from "./model-header.ts";
import { objectiveLink } from "./objective-link.ts";
import { damaged, TextLines } from "./text-lines.ts";
import { TreeReader } from "./tree-reader.ts";

/** Bytes that are read without letting others have their turn. */
const TURN_BYTES = 1 << 20;
/** Most empty lines between two trees; there are two. */
const MOST_BLANK = 100;

/** What a model's text says. Its trees are checked. */
export interface TextModel {
  readonly header: ModelHeader;
  readonly link: Link | undefined;
  readonly trees: Omit<TreeEnsemble, "divisor">;
  readonly categories: CategoryTables;
}

/**
 * Reads a model's text.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged text, unimplemented for what is not known here; each names the file
 */
export async function readText(bytes: Buffer, file: string, signal: AbortSignal): Promise<TextModel> {
  const lines = new TextLines(bytes);
  const header = readHeader(lines, file);
  const link = objectiveLink(header.objective, header.classes, `${file}: objective`);
  const trees = await readTrees(lines, header, file, signal);
  return { header, link, trees, categories: readCategoryTables(lines, header.categories, header.columns, file) };
}

/** Methods of a booster. */
export type BoosterMethod = "predict" | "raw_score" | "leaf";

/**
 * Adds a model's steps to a program.
 * @param from a matrix of numbers in float64, of the model's columns
 * @param rounds rounds of training that count, by default all
 */
export function addModel(
  { header, link, trees: all }: TextModel,
  from: string,
  add: AddStep,
  rounds?: number,
): ReadonlyMap<BoosterMethod, BoosterAnswer> {
  const count = Math.min(all.roots.length, (rounds ?? all.roots.length) * header.classes);
  const trees = { ...all, roots: all.roots.subarray(0, count), treeGroups: all.treeGroups.subarray(0, count) };
  const sums: TreeEnsemble = { ...trees, divisor: 1 };
  const raw = add(from, { kind: "tree-sums", ensemble: sums });
  const leaf = add(from, { kind: "tree-leaves", ensemble: sums });
  // The raw score of an average is its sum all the same.
  const answer = header.averages
    ? add(from, { kind: "tree-sums", ensemble: { ...trees, divisor: count / header.classes } })
    : raw;
  const predict = link === undefined ? answer : add(answer, { kind: "link", link });
  const score = { dtype: "float64", vector: header.classes === 1, width: header.classes } as const;
  return new Map<BoosterMethod, BoosterAnswer>([
    ["predict", { ...score, value: predict }],
    ["raw_score", { ...score, value: raw }],
    ["leaf", { value: leaf, dtype: "int32", vector: false, width: count }],
  ]);
}

async function readTrees(
  lines: TextLines,
  header: ModelHeader,
  file: string,
  signal: AbortSignal,
): Promise<Omit<TreeEnsemble, "divisor">> {
  const reader = new TreeReader(file, header.columns);
  let turn = 0;
  while (!isEnd(lines, file)) {
    reader.read(lines);
    if (lines.position - turn < TURN_BYTES) continue;
    turn = lines.position;
    await setImmediate();
    throwIfAborted(signal);
  }
  const { trees } = reader;
  if (trees === 0) throw damaged(file, "has no tree");
  if (header.trees !== undefined && header.trees !== trees) {
    throw damaged(file, `has ${trees} trees where tree_sizes makes ${header.trees}`);
  }
  if (trees % header.classes !== 0)
    throw damaged(file, `has ${trees} trees, which is no multiple of num_class=${header.classes}`);
  return reader.ensemble(header.classes);
}

/** Goes to the line of the next tree; true at what comes behind the trees. */
function isEnd(lines: TextLines, file: string): boolean {
  for (let count = 0; lines.next(); count++) {
    if (lines.isBlank && count < MOST_BLANK) continue;
    if (lines.startsWith("Tree=")) return false;
    // Before version 3 nothing else marks the end.
    if (["end of trees", "feature importances:", "feature_importances:"].some((each) => lines.startsWith(each))) return true;
    throw damaged(file, "has something else where a tree is expected");
  }
  throw damaged(file, 'breaks off before "end of trees"');
}
