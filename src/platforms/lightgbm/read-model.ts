import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import type { TabularInput, TabularOperation, TabularProgram, TreeEnsemble } from "../../model/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../model/tabular-signatures.ts";
import { type ModelHeader, readHeader } from "./model-header.ts";
import { objectiveLink } from "./objective-link.ts";
import { damaged, TextLines } from "./text-lines.ts";
import { TreeReader } from "./tree-reader.ts";

/** Bytes that are read without letting others have their turn. */
const TURN_BYTES = 1 << 20;
/** Most empty lines between two trees; there are two. */
const MOST_BLANK = 100;
const ALIAS = "X";
/** What the value is called that programs begin with. */
const INPUT = "input";

/**
 * Makes a program of a model's text.
 * @param file what errors call the file
 * @throws ServingError data-loss for a damaged text, unimplemented for what is not known here; each names the file
 */
export async function readModel(bytes: Buffer, file: string, signal: AbortSignal): Promise<TabularProgram> {
  const lines = new TextLines(bytes);
  const header = readHeader(lines, file);
  const link = objectiveLink(header.objective, header.classes, `${file}: objective`);
  const trees = await readTrees(lines, header, file, signal);
  const sums: TreeEnsemble = { ...trees, divisor: 1 };
  const operations: TabularOperation[] = [
    { kind: "tree-sums", from: INPUT, to: "raw_score", ensemble: sums },
    { kind: "tree-leaves", from: INPUT, to: "leaf", ensemble: sums },
  ];
  let answer = "raw_score";
  if (header.averages) {
    // The raw score of an average is its sum all the same.
    const average = { ...trees, divisor: trees.roots.length / header.classes };
    operations.push({ kind: "tree-sums", from: INPUT, to: "average", ensemble: average });
    answer = "average";
  }
  if (link !== undefined) {
    operations.push({ kind: "link", from: answer, to: "predict", link });
    answer = "predict";
  }
  const inputs: readonly TabularInput[] = [
    { alias: ALIAS, value: INPUT, type: "float64", columns: header.columns, vector: false },
  ];
  return {
    runtime: "tabular",
    inputs,
    operations,
    ...tabularSignatures(inputs, answersOf(header, trees.roots.length, answer)),
    bytes: bytes.length,
  };
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

function answersOf(header: ModelHeader, trees: number, answer: string): ReadonlyMap<string, readonly TabularAnswer[]> {
  const score = { dtype: "float64", vector: header.classes === 1, width: header.classes } as const;
  return new Map<string, readonly TabularAnswer[]>([
    ["predict", [{ ...score, alias: "predict", value: answer }]],
    ["raw_score", [{ ...score, alias: "raw_score", value: "raw_score" }]],
    ["leaf", [{ alias: "leaf", value: "leaf", dtype: "int32", vector: false, width: trees }]],
  ]);
}
