import fc from "fast-check";
import { expect, test } from "vitest";
import type { PmmlComparison, PmmlField } from "../../../model/tabular/pmml-fields.ts";
import { PMML_TEST, type PmmlNodes } from "../../../model/tabular/pmml-models.ts";
import { Fields } from "./fields.ts";
import { NOWHERE, NodeWalk, type WhenUnknown } from "./node-walk.ts";
import { Row } from "./row.ts";

const TESTS = {
  lessThan: PMML_TEST.less,
  lessOrEqual: PMML_TEST.lessOrEqual,
  greaterThan: PMML_TEST.greater,
  greaterOrEqual: PMML_TEST.greaterOrEqual,
  equal: PMML_TEST.equal,
  notEqual: PMML_TEST.notEqual,
} as const;
const COMPARES: Record<PmmlComparison, (a: number, b: number) => boolean> = {
  lessThan: (a, b) => a < b,
  lessOrEqual: (a, b) => a <= b,
  greaterThan: (a, b) => a > b,
  greaterOrEqual: (a, b) => a >= b,
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
};

type Condition = "true" | "false" | "missing" | "not-missing" | "text" | readonly [PmmlComparison, number];
interface Branch {
  readonly condition: Condition;
  readonly column: number;
  readonly usual: number | undefined;
  readonly children: readonly Branch[];
}
/** Columns are numbers, but for the last, which is texts. */
type Values = readonly [number | null, number | null, string | null];

const condition: fc.Arbitrary<Condition> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(...(Object.keys(TESTS) as PmmlComparison[])), fc.integer({ min: -1, max: 2 })),
  },
  { weight: 3, arbitrary: fc.constantFrom<Condition>("true", "false", "missing", "not-missing", "text") },
);
const branch = fc.letrec<{ branch: Branch }>((tie) => ({
  branch: fc.record({
    condition,
    column: fc.integer({ min: 0, max: 1 }),
    usual: fc.option(fc.nat(2), { nil: undefined }),
    children: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie("branch"), { maxLength: 3 })),
  }),
})).branch;
const number = fc.option(fc.integer({ min: -2, max: 3 }), { nil: null });
const values: fc.Arbitrary<Values> = fc.tuple(number, number, fc.option(fc.constantFrom("a", "b"), { nil: null }));

test("walks down trees as a walk over their branches does, whatever is missing", () => {
  const strategies: readonly WhenUnknown[] = ["none", "last", "null", "default"];
  fc.assert(
    fc.property(
      branch,
      fc.array(values, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(...strategies),
      fc.boolean(),
      (tree, rows, unknown, last) => {
        const numbers = new Map<Branch, number>();
        const nodes = nodesOf(tree, numbers);
        const fields = new Fields(FIELDS, []);
        const walk = new NodeWalk(nodes, fields);
        const row = new Row(FIELDS.length);
        for (const each of rows) {
          row.columns = [[each[0] ?? Number.NaN], [each[1] ?? Number.NaN], [each[2]]];
          row.begin(0);
          const found = walkPlainly(tree, each, unknown, last);
          expect(walk.walk(0, row, unknown, last)).toBe(found === undefined ? NOWHERE : numbers.get(found));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

const VALIDITY = { missing: [], invalid: [], values: [], intervals: [] };
const TREATMENT = {
  outliers: "asIs",
  low: 0,
  high: 0,
  invalid: "returnInvalid",
  invalidReplacement: null,
  refusesMissing: false,
  missingReplacement: null,
} as const;
const FIELDS: readonly PmmlField[] = (["double", "double", "string"] as const).map((type, column) => ({
  name: `c${column}`,
  type,
  optype: type === "string" ? "categorical" : "continuous",
  source: { kind: "input", column, validity: VALIDITY, treatment: TREATMENT },
}));

/** True, false, or undefined where it hangs on a missing value. */
function holds({ condition: wanted, column }: Branch, row: Values): boolean | undefined {
  const value = row[column] as number | null;
  if (wanted === "true" || wanted === "false") return wanted === "true";
  if (wanted === "missing") return value === null;
  if (wanted === "not-missing") return value !== null;
  if (wanted === "text") return row[2] === null ? undefined : row[2] === "a";
  return value === null ? undefined : COMPARES[wanted[0]](value, wanted[1]);
}

function walkPlainly(root: Branch, row: Values, unknown: WhenUnknown, last: boolean): Branch | undefined {
  const descend = (tree: Branch): Branch | undefined => {
    if (tree.children.length === 0) return tree;
    for (const child of tree.children) {
      const found = holds(child, row);
      if (found === true) return descend(child);
      if (found === false || unknown === "none") continue;
      if (unknown === "last") return tree;
      const usual = unknown === "default" ? tree.children[tree.usual ?? -1] : undefined;
      return usual && descend(usual);
    }
    return last ? tree : undefined;
  };
  return holds(root, row) === true ? descend(root) : undefined;
}

function nodesOf(tree: Branch, numbers: Map<Branch, number>): PmmlNodes {
  const list: Branch[] = [tree];
  const firsts: number[] = [];
  for (let i = 0; i < list.length; i++) {
    numbers.set(list[i], i);
    firsts.push(list.length);
    list.push(...list[i].children);
  }
  const predicates = [{ kind: "set", slot: 2, is: true, values: ["a"] }] as const;
  const testOf = ({ condition: wanted }: Branch): number => {
    if (wanted === "true") return PMML_TEST.true;
    if (wanted === "false") return PMML_TEST.false;
    if (wanted === "missing") return PMML_TEST.missing;
    if (wanted === "not-missing") return PMML_TEST.notMissing;
    return wanted === "text" ? PMML_TEST.predicate : TESTS[wanted[0]];
  };
  const none = new Float64Array(0);
  return {
    tests: Uint8Array.from(list, testOf),
    slots: Int32Array.from(list, ({ condition: wanted, column }) => (wanted === "text" ? 0 : column)),
    values: Float64Array.from(list, ({ condition: wanted }) => (Array.isArray(wanted) ? Number(wanted[1]) : 0)),
    firstChildren: Int32Array.from(firsts),
    childCounts: Int32Array.from(list, ({ children }) => children.length),
    defaults: Int32Array.from(list, ({ usual, children }, i) =>
      usual !== undefined && usual < children.length ? firsts[i] + usual : -1,
    ),
    scores: none,
    recordCounts: none,
    shareStarts: new Int32Array(0),
    shares: { counts: none, probabilities: none, confidences: none },
    predicates,
    ids: [],
  };
}
