import { PMML_TEST, type PmmlNodes } from "../../../model/tabular/pmml-models.ts";
import { type FieldReaders, readsAsNumber } from "./field-readers.ts";
import { FALSE, predicateTest, type Test, TRUE, UNKNOWN } from "./predicates.ts";
import type { ReadNumber, Row } from "./row.ts";

/** What is done at a node whose children hang on a missing value. */
export type WhenUnknown = "none" | "last" | "null" | "default";

/** There is no such node. */
export const NOWHERE = -1;

/** The nodes of all trees of a document, and the way down. */
export class NodeWalk {
  readonly nodes: PmmlNodes;
  /** Default children that the last way took; surrogates are counted by the row. */
  detours = 0;
  readonly #predicates: readonly Test[];
  /** By slot, of those that nodes compare. */
  readonly #numbers: readonly ReadNumber[];

  constructor(nodes: PmmlNodes, fields: FieldReaders) {
    this.nodes = nodes;
    this.#predicates = nodes.predicates.map((predicate) => predicateTest(predicate, fields));
    this.#numbers = fields.fields.map(({ type }, slot) => (readsAsNumber(type) ? fields.number(slot) : () => Number.NaN));
  }

  /** Whether a node's condition holds. */
  test(node: number, row: Row): number {
    const { tests, slots, values } = this.nodes;
    const kind = tests[node];
    if (kind === PMML_TEST.true) return TRUE;
    if (kind === PMML_TEST.false) return FALSE;
    if (kind === PMML_TEST.predicate) return this.#predicates[slots[node]](row);
    const slot = slots[node];
    const value = row.known[slot] === 1 ? row.numbers[slot] : this.#numbers[slot](row);
    return compare(kind, value, values[node]);
  }

  /**
   * The node that a row reaches from a root, or {@link NOWHERE}.
   * @param last whether a node none of whose children is for the row is the answer
   */
  walk(root: number, row: Row, unknown: WhenUnknown, last: boolean): number {
    const { tests, slots, values, firstChildren, childCounts, defaults } = this.nodes;
    const { known, numbers } = row;
    this.detours = 0;
    row.surrogates = 0;
    if (this.test(root, row) !== TRUE) return NOWHERE;
    let node = root;
    let count = childCounts[node];
    while (count > 0) {
      let child = firstChildren[node];
      let next = NOWHERE;
      for (const end = child + count; child < end; child++) {
        const kind = tests[child];
        if (kind === PMML_TEST.true) {
          next = child;
          break;
        }
        if (kind === PMML_TEST.false) continue;
        // As test() has it, which costs a call for each of the nodes.
        const slot = slots[child];
        const found =
          kind === PMML_TEST.predicate
            ? this.#predicates[slot](row)
            : compare(kind, known[slot] === 1 ? numbers[slot] : this.#numbers[slot](row), values[child]);
        if (found === TRUE) {
          next = child;
          break;
        }
        if (found === FALSE || unknown === "none") continue;
        if (unknown === "last") return node;
        if (unknown === "null") return NOWHERE;
        next = defaults[node];
        this.detours++;
        break;
      }
      if (next === NOWHERE) return last && child === firstChildren[node] + count ? node : NOWHERE;
      node = next;
      count = childCounts[node];
    }
    return node;
  }
}

/** Whether a number is as a node wants it; a missing one is NaN. */
function compare(kind: number, value: number, limit: number): number {
  if (kind === PMML_TEST.lessOrEqual && value <= limit) return TRUE;
  if (Number.isNaN(value)) {
    return kind === PMML_TEST.missing ? TRUE : kind === PMML_TEST.notMissing ? FALSE : UNKNOWN;
  }
  switch (kind) {
    case PMML_TEST.less:
      return value < limit ? TRUE : FALSE;
    case PMML_TEST.greater:
      return value > limit ? TRUE : FALSE;
    case PMML_TEST.greaterOrEqual:
      return value >= limit ? TRUE : FALSE;
    case PMML_TEST.equal:
      return value === limit ? TRUE : FALSE;
    case PMML_TEST.notEqual:
      return value !== limit ? TRUE : FALSE;
    case PMML_TEST.notMissing:
      return TRUE;
    default:
      return FALSE;
  }
}
