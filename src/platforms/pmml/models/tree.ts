import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { parsePmmlValue } from "../../../model/tabular/pmml-values.ts";
import { readValue } from "../data-dictionary.ts";
import { type Element, shortened } from "../element.ts";
import type { ModelSource, ReadBody } from "../model-reading.ts";
import { readPredicate } from "../read-predicate.ts";

const STRATEGIES = ["none", "lastPrediction", "nullPrediction", "defaultChild", "weightedConfidence", "aggregateNodes"] as const;
/** Nodes that are read without letting others have their turn. */
const TURN_NODES = 2000;
/** Shares of labels in all trees of a document. */
const MOST_SHARES = 30_000_000;

/** A `<TreeModel>`, or a `<DecisionTree>` within another model: its nodes go to the table that all trees share. */
export async function readTree(source: ModelSource): Promise<ReadBody> {
  const { element, purpose, target } = source;
  const classifies = purpose === "classification";
  const root = element.needChild("Node");
  const labels = classifies ? labelsOf(root, target.labels, source) : [];
  const missing = element.choice("missingValueStrategy", STRATEGIES, "none");
  const reader = new TreeReader(source, labels);
  const at = await reader.read(root);
  return {
    body: {
      kind: "tree",
      root: at,
      ...(classifies ? { labels } : {}),
      missing,
      penalty: element.number("missingValuePenalty", 1),
      noTrueChild: element.choice(
        "noTrueChildStrategy",
        ["returnNullPrediction", "returnLastPrediction"],
        "returnNullPrediction",
      ),
    },
    labels,
  };
}

class TreeReader {
  readonly #source: ModelSource;
  readonly #labels: readonly PmmlValue[];
  readonly #numbers: ReadonlyMap<PmmlValue, number>;
  /** Nodes that have come up, in the order of the document. */
  #count = 0;

  constructor(source: ModelSource, labels: readonly PmmlValue[]) {
    this.#source = source;
    this.#labels = labels;
    this.#numbers = new Map(labels.map((label, i) => [label, i]));
  }

  /** The number of the root. */
  async read(element: Element): Promise<number> {
    const { nodes } = this.#source.reading;
    const root = nodes.reserve(1);
    const waiting = [{ element, node: root }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (this.#count % TURN_NODES === TURN_NODES - 1) await this.#source.reading.turn();
      this.#set(next.node, next.element);
      const children = next.element.all("Node");
      const first = nodes.reserve(children.length);
      nodes.setChildren(next.node, first, children.length, this.#defaultChild(next.element, children, first));
      // The first child is popped next: numbers of nodes without a name are in the document's order.
      for (let i = children.length - 1; i >= 0; i--) waiting.push({ element: children[i], node: first + i });
    }
    return root;
  }

  #set(node: number, element: Element): void {
    this.#count++;
    const embedded = element.child("Regression", "DecisionTree");
    if (embedded !== undefined) throw embedded.uncovered();
    const { scope, reading } = this.#source;
    reading.nodes.set(node, {
      predicate: readPredicate(element, scope),
      score: this.#score(element),
      recordCount: element.get("recordCount") === undefined ? Number.NaN : element.number("recordCount"),
      shares: this.#shares(element),
      id: element.get("id") ?? String(this.#count),
    });
  }

  #score(element: Element): number {
    const text = element.get("score");
    if (this.#source.purpose !== "classification") {
      if (text === undefined) return Number.NaN;
      const score = element.number("score");
      return this.#source.float ? Math.fround(score) : score;
    }
    if (text === undefined) return this.#mostFrequent(element);
    return this.#number(readValue(element, "score", this.#source.target.type));
  }

  /** The label with the most records of a node that names none; -1 where there are no records. */
  #mostFrequent(element: Element): number {
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (const each of element.all("ScoreDistribution")) {
      const count = each.number("recordCount");
      if (count <= most) continue;
      most = count;
      best = this.#number(readValue(each, "value", this.#source.target.type));
    }
    return best;
  }

  #shares(element: Element): number {
    const distributions = this.#source.purpose === "classification" ? element.all("ScoreDistribution") : [];
    if (distributions.length === 0) return -1;
    this.#source.reading.shares += this.#labels.length;
    if (this.#source.reading.shares > MOST_SHARES)
      throw element.refused(`more than ${MOST_SHARES} shares of labels with others before it`);
    const fill = () => this.#labels.map(() => Number.NaN);
    const [counts, probabilities, confidences] = [fill(), fill(), fill()];
    for (const each of distributions) {
      const label = this.#number(readValue(each, "value", this.#source.target.type));
      counts[label] = each.number("recordCount");
      if (each.get("probability") !== undefined) probabilities[label] = each.number("probability");
      if (each.get("confidence") !== undefined) confidences[label] = each.number("confidence");
    }
    const total = counts.reduce((sum, count) => (Number.isNaN(count) ? sum : sum + count), 0);
    for (const [label, count] of counts.entries()) {
      if (Number.isNaN(probabilities[label])) probabilities[label] = Number.isNaN(count) || total === 0 ? 0 : count / total;
    }
    return this.#source.reading.nodes.addShares(counts, probabilities, confidences);
  }

  #number(label: PmmlValue): number {
    return this.#numbers.get(label)!;
  }

  #defaultChild(element: Element, children: readonly Element[], first: number): number {
    const id = element.get("defaultChild");
    if (id === undefined) return -1;
    const at = children.findIndex((child) => child.get("id") === id);
    if (at < 0) throw element.fault(`has the default child "${shortened(id)}", which is none of its children`);
    return first + at;
  }
}

/** The labels in the order of the tree's distributions, which is that of equals, then those that only the target has. */
function labelsOf(root: Element, known: readonly PmmlValue[], { target }: ModelSource): readonly PmmlValue[] {
  const labels = new Set<PmmlValue>();
  const others = new Set(known);
  const waiting = [root];
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    for (const each of element.all("ScoreDistribution")) add(each.get("value"), labels);
    add(element.get("score"), others);
    waiting.push(...element.all("Node").reverse());
  }
  return [...new Set([...labels, ...others])];

  function add(text: string | undefined, to: Set<PmmlValue>): void {
    const label = text === undefined ? undefined : parsePmmlValue(text, target.type);
    if (label !== undefined) to.add(label);
  }
}
