import fc from "fast-check";
import {
  type CategorySets,
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
  type TreeEnsemble,
} from "../../../model/tabular/tabular-program.ts";

/** For tests: an ensemble of one tree, `feature < threshold ? low : high`, in float64. */
export function stump(
  feature: number,
  threshold: number,
  low: number,
  high: number,
  more: Partial<TreeEnsemble> = {},
): TreeEnsemble {
  return {
    precision: "float64",
    columns: feature + 1,
    groups: 1,
    roots: Int32Array.of(0),
    treeGroups: Int32Array.of(0),
    features: Int32Array.of(feature, -1, -1),
    values: Float64Array.of(threshold, low, high),
    left: Int32Array.of(1, 10, 20),
    right: Int32Array.of(2, 0, 0),
    rules: Uint8Array.of(NODE_NAN_IS_MISSING, 0, 0),
    leftWhen: "less",
    base: Float64Array.of(0),
    baseIsAdded: "first",
    divisor: 1,
    ...more,
  };
}

/** For tests: ensembles of any kind, of few columns. `plain` ones compare numbers alone, and NaN alone is missing. */
export function anyEnsemble(plain: boolean): fc.Arbitrary<TreeEnsemble> {
  return fc
    .record({
      precision: fc.constantFrom("float32" as const, "float64" as const),
      columns: fc.integer({ min: 1, max: 4 }),
      groups: fc.integer({ min: 1, max: 3 }),
      depths: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 8 }),
      leftWhen: fc.constantFrom("less" as const, "less-or-equal" as const),
      inSet: fc.constantFrom("left" as const, "right" as const),
      baseIsAdded: fc.constantFrom("first" as const, "last" as const),
      divisor: fc.constantFrom(1, 3),
      isLinear: fc.boolean(),
      seed: fc.infiniteStream(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    })
    .map(({ seed, depths, columns, groups, isLinear, inSet, ...rest }) => {
      const draw = (below: number): number => seed.next().value! % below;
      const nodes: { feature: number; value: number; left: number; right: number; rules: number }[] = [];
      const grow = (depth: number): number => {
        const at = nodes.length;
        const value = draw(9) - 4 + draw(4) / 4;
        nodes.push({ feature: -1, value, left: draw(100), right: 0, rules: 0 });
        if (depth === 0) return at;
        const kind = [NODE_NAN_IS_MISSING, NODE_CATEGORICAL, NODE_ZERO_IS_MISSING, NODE_CATEGORICAL | NODE_NAN_IS_MISSING, 0];
        const rules = (plain ? NODE_NAN_IS_MISSING : kind[draw(kind.length)]!) | (draw(2) === 0 ? 0 : NODE_DEFAULT_LEFT);
        nodes[at] = { feature: draw(columns), value, left: grow(depth - 1), right: grow(depth - 1), rules };
        return at;
      };
      const roots = Int32Array.from(depths, grow);
      const numbers = rest.precision === "float32" ? Float32Array : Float64Array;
      const categories: CategorySets = {
        inSet,
        starts: Int32Array.from(nodes, (_, i) => i),
        lengths: Int32Array.from(nodes, () => 1),
        words: Uint32Array.from(nodes, () => draw(2 ** 31)),
      };
      const coefficients = Float64Array.from(nodes, () => draw(5) - 2);
      return {
        ...rest,
        columns,
        groups,
        roots,
        treeGroups: Int32Array.from(roots, () => draw(groups)),
        features: Int32Array.from(nodes, ({ feature }) => feature),
        values: numbers.from(nodes.map(({ value }) => value)),
        left: Int32Array.from(nodes, ({ left }) => left),
        right: Int32Array.from(nodes, ({ right }) => right),
        rules: Uint8Array.from(nodes, (node) => node.rules),
        base: numbers.from(Array.from({ length: groups }, () => draw(7) - 3)),
        ...(!plain && { categories }),
        ...(isLinear && {
          linearLeaves: {
            constants: coefficients,
            starts: Int32Array.from(nodes, (_, i) => (draw(2) === 0 ? -1 : i)),
            lengths: Int32Array.from(nodes, () => 1),
            columns: Int32Array.from(nodes, () => draw(columns)),
            coefficients,
          },
        }),
      };
    });
}

/** For tests: a value of a row. */
export const anyNumber = fc.oneof(
  fc.integer({ min: -3, max: 40 }),
  fc.constantFrom(Number.NaN, 0, -0, 1e-36, 0.25, 31, 32, 1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
