import type { PmmlValue } from "../../../../model/tabular/pmml-fields.ts";
import type { PmmlTree } from "../../../../model/tabular/pmml-models.ts";
import { Evaluator } from "../evaluator.ts";
import type { FieldReaders } from "../field-readers.ts";
import { NOWHERE, type NodeWalk, type WhenUnknown } from "../node-walk.ts";
import { FALSE, TRUE, UNKNOWN } from "../predicates.ts";
import type { Row } from "../row.ts";

const WHEN_UNKNOWN: Record<PmmlTree["missing"], WhenUnknown | undefined> = {
  none: "none",
  lastPrediction: "last",
  nullPrediction: "null",
  defaultChild: "default",
  weightedConfidence: undefined,
  aggregateNodes: undefined,
};

/** A tree of numbers or labels. */
export class TreeEvaluator extends Evaluator {
  readonly #tree: PmmlTree;
  readonly #walk: NodeWalk;
  readonly #unknown: WhenUnknown | undefined;
  readonly #last: boolean;
  readonly #width: number;
  #node = NOWHERE;
  /** Factor of confidences. */
  #penalty = 1;
  #mixed: Mixed | undefined;

  constructor(tree: PmmlTree, fields: FieldReaders, walk: NodeWalk) {
    super(tree, fields, tree.labels);
    this.#tree = tree;
    this.#walk = walk;
    this.#unknown = WHEN_UNKNOWN[tree.missing];
    this.#last = tree.noTrueChild === "returnLastPrediction";
    this.#width = tree.labels?.length ?? 0;
  }

  protected override evaluate(row: Row): void {
    const { nodes } = this.#walk;
    if (this.#unknown === undefined) {
      this.#evaluateMixed(row);
      return;
    }
    const node = this.#walk.walk(this.#tree.root, row, this.#unknown, this.#last);
    this.#node = node;
    if (node === NOWHERE) {
      this.value = null;
      this.shares = undefined;
      return;
    }
    const score = nodes.scores[node];
    if (this.#width === 0) {
      this.value = Number.isNaN(score) ? null : score;
      return;
    }
    this.#penalty = this.#tree.penalty === 1 ? 1 : this.#tree.penalty ** (this.#walk.detours + row.surrogates);
    this.value = this.labels[score] ?? null;
    this.sharesStart = nodes.shareStarts[node];
    this.shares = this.sharesStart < 0 ? undefined : nodes.shares.probabilities;
  }

  override confidence(label: PmmlValue | null): number | null {
    if (this.#mixed !== undefined) {
      const confidence = this.shareIn(this.#mixed.confidences, 0, label);
      return confidence === null ? null : confidence * this.#penalty;
    }
    const { shareStarts, shares } = this.#walk.nodes;
    const start = this.#node === NOWHERE ? -1 : shareStarts[this.#node];
    const found = this.shareIn(start < 0 ? undefined : shares.confidences, start, label);
    return found === null ? null : (Number.isNaN(found) ? 0 : found) * this.#penalty;
  }

  override entity(): string | null {
    return this.#node === NOWHERE ? null : (this.#walk.nodes.ids[this.#node] ?? null);
  }

  #evaluateMixed(row: Row): void {
    const { root, missing } = this.#tree;
    this.#node = NOWHERE;
    row.surrogates = 0;
    this.#mixed = this.#walk.test(root, row) === FALSE ? undefined : this.#mix(root, row, missing === "aggregateNodes");
    this.shares = this.#mixed?.shares;
    this.sharesStart = 0;
    this.value = null;
    if (this.#mixed === undefined) return;
    this.#penalty = this.#tree.penalty ** row.surrogates;
    if (this.#mixed.node !== NOWHERE) this.#node = this.#mixed.node;
    if (this.#width === 0) this.value = this.#mixed.score;
    else this.predictByShares(missing === "aggregateNodes" ? this.#mixed.shares : this.#mixed.confidences);
    this.shares = this.#mixed.shares;
  }

  /** What a node makes of a row: that of the child that is for it, or of all that may be, by their records. */
  #mix(node: number, row: Row, aggregates: boolean): Mixed | undefined {
    const { firstChildren, childCounts } = this.#walk.nodes;
    const first = firstChildren[node];
    const end = first + childCounts[node];
    const possible: number[] = [];
    for (let child = first; child < end; child++) {
      const found = this.#walk.test(child, row);
      if (found === TRUE && possible.length === 0) return this.#mix(child, row, aggregates);
      if (found !== FALSE) possible.push(child);
      if (found === UNKNOWN && possible.length === 1) this.#walk.detours++;
    }
    if (possible.length === 0) return childCounts[node] > 0 && !this.#last ? undefined : this.#leaf(node);
    const parts = possible.flatMap((child) => {
      const mixed = this.#mix(child, row, aggregates);
      return mixed === undefined ? [] : [mixed];
    });
    if (parts.length === 0) return undefined;
    return mixture(parts, this.#width, aggregates, this.#tree.penalty);
  }

  #leaf(node: number): Mixed {
    const { scores, recordCounts, shares, shareStarts } = this.#walk.nodes;
    const start = shareStarts[node];
    const width = this.#width;
    const cut = (array: Float64Array) =>
      start < 0 ? new Float64Array(width) : array.slice(start, start + width).map((value) => (Number.isNaN(value) ? 0 : value));
    const counts = cut(shares.counts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const records = Number.isNaN(recordCounts[node]) ? total : recordCounts[node];
    const confidences = cut(shares.confidences);
    const probabilities = cut(shares.probabilities);
    return {
      node,
      records,
      counts,
      shares: probabilities,
      confidences: confidences.some((value) => value !== 0) ? confidences : probabilities,
      score: Number.isNaN(scores[node]) ? null : scores[node],
    };
  }
}

/** What several nodes together make of a row. */
interface Mixed {
  /** The only node, or {@link NOWHERE}. */
  readonly node: number;
  readonly records: number;
  readonly counts: Float64Array;
  readonly shares: Float64Array;
  readonly confidences: Float64Array;
  readonly score: number | null;
}

function mixture(parts: readonly Mixed[], width: number, aggregates: boolean, penalty: number): Mixed {
  const records = parts.reduce((sum, part) => sum + part.records, 0);
  const counts = new Float64Array(width);
  const shares = new Float64Array(width);
  const confidences = new Float64Array(width);
  let score: number | null = 0;
  for (const part of parts) {
    const weight = records === 0 ? 1 / parts.length : part.records / records;
    for (let label = 0; label < width; label++) {
      counts[label] += part.counts[label];
      shares[label] += weight * part.shares[label];
      confidences[label] += weight * part.confidences[label] * penalty;
    }
    score = score === null || part.score === null ? null : score + weight * part.score;
  }
  if (aggregates) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (let label = 0; label < width; label++) shares[label] = total === 0 ? 0 : counts[label] / total;
  }
  return { node: NOWHERE, records, counts, shares, confidences, score };
}
