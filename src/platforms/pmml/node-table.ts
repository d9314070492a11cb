import type { PmmlPredicate } from "../../model/tabular/pmml-fields.ts";
import { PMML_TEST, type PmmlNodes } from "../../model/tabular/pmml-models.ts";
import { isNumeric } from "../../model/tabular/pmml-values.ts";
import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import type { DocumentFields } from "./scope.ts";

const COMPARISONS = {
  lessThan: PMML_TEST.less,
  lessOrEqual: PMML_TEST.lessOrEqual,
  greaterThan: PMML_TEST.greater,
  greaterOrEqual: PMML_TEST.greaterOrEqual,
  equal: PMML_TEST.equal,
  notEqual: PMML_TEST.notEqual,
} as const;

/** What is known of a node beside its children. */
export interface NodeParts {
  readonly predicate: PmmlPredicate;
  readonly score: number;
  readonly recordCount: number;
  /** Where its shares begin, or -1. */
  readonly shares: number;
  readonly id: string;
}

/** Nodes of trees as they are read. */
export class NodeTable {
  /** Whether somebody asks what nodes are called. */
  readonly #named: boolean;
  readonly #document: DocumentFields;
  readonly #tests: number[] = [];
  readonly #slots: number[] = [];
  readonly #values: number[] = [];
  readonly #firstChildren: number[] = [];
  readonly #childCounts: number[] = [];
  readonly #defaults: number[] = [];
  readonly #scores: number[] = [];
  readonly #recordCounts: number[] = [];
  readonly #shareStarts: number[] = [];
  readonly #counts: number[] = [];
  readonly #probabilities: number[] = [];
  readonly #confidences: number[] = [];
  readonly #predicates: PmmlPredicate[] = [];
  readonly #ids: string[] = [];

  constructor(document: DocumentFields, named: boolean) {
    this.#document = document;
    this.#named = named;
  }

  /** Makes places for nodes that lie side by side; gives the first one's number. */
  reserve(count: number): number {
    const first = this.#tests.length;
    for (let i = 0; i < count; i++) {
      this.#tests.push(PMML_TEST.false);
      this.#slots.push(0);
      this.#values.push(0);
      this.#firstChildren.push(0);
      this.#childCounts.push(0);
      this.#defaults.push(-1);
      this.#scores.push(Number.NaN);
      this.#recordCounts.push(Number.NaN);
      this.#shareStarts.push(-1);
      if (this.#named) this.#ids.push("");
    }
    return first;
  }

  set(node: number, { predicate, score, recordCount, shares, id }: NodeParts): void {
    this.#test(node, predicate);
    this.#scores[node] = score;
    this.#recordCounts[node] = recordCount;
    this.#shareStarts[node] = shares;
    if (this.#named) this.#ids[node] = id;
  }

  /** @param otherwise the number of the default child, or -1 */
  setChildren(node: number, first: number, count: number, otherwise: number): void {
    this.#firstChildren[node] = first;
    this.#childCounts[node] = count;
    this.#defaults[node] = otherwise;
  }

  /** Adds shares of labels; gives the place where they begin. */
  addShares(counts: readonly number[], probabilities: readonly number[], confidences: readonly number[]): number {
    const start = this.#counts.length;
    for (let i = 0; i < counts.length; i++) {
      this.#counts.push(counts[i]);
      this.#probabilities.push(probabilities[i]);
      this.#confidences.push(confidences[i]);
    }
    return start;
  }

  finish(): PmmlNodes {
    const tests = new Uint8Array(new SharedArrayBuffer(this.#tests.length));
    tests.set(this.#tests);
    return {
      tests,
      slots: sharedIntegers(this.#slots),
      values: sharedFloats(this.#values),
      firstChildren: sharedIntegers(this.#firstChildren),
      childCounts: sharedIntegers(this.#childCounts),
      defaults: sharedIntegers(this.#defaults),
      scores: sharedFloats(this.#scores),
      recordCounts: sharedFloats(this.#recordCounts),
      shareStarts: sharedIntegers(this.#shareStarts),
      shares: {
        counts: sharedFloats(this.#counts),
        probabilities: sharedFloats(this.#probabilities),
        confidences: sharedFloats(this.#confidences),
      },
      predicates: this.#predicates,
      ids: this.#ids,
    };
  }

  #test(node: number, predicate: PmmlPredicate): void {
    switch (predicate.kind) {
      case "true":
        this.#tests[node] = PMML_TEST.true;
        return;
      case "false":
        this.#tests[node] = PMML_TEST.false;
        return;
      case "missing":
        if (!this.#isNumber(predicate.slot)) break;
        this.#tests[node] = predicate.is ? PMML_TEST.missing : PMML_TEST.notMissing;
        this.#slots[node] = predicate.slot;
        return;
      case "compare":
        if (!this.#isNumber(predicate.slot) || typeof predicate.value !== "number") break;
        this.#tests[node] = COMPARISONS[predicate.operator];
        this.#slots[node] = predicate.slot;
        this.#values[node] = predicate.value;
        return;
      case "set":
      case "compound":
      case "unreadable":
        break;
    }
    this.#tests[node] = PMML_TEST.predicate;
    this.#slots[node] = this.#predicates.push(predicate) - 1;
  }

  #isNumber(slot: number): boolean {
    return isNumeric(this.#document.fields[slot].type);
  }
}
