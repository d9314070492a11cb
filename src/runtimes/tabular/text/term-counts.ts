import { ServingError } from "../../../base/serving-error.ts";
import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { SparseMatrix, Texts } from "../matrix.ts";
import { murmur3 } from "./murmur3.ts";
import { termsOf } from "./text-terms.ts";

type Of<Kind extends FeatureOperation["kind"]> = Omit<Extract<FeatureOperation, { kind: Kind }>, "kind" | "from" | "to">;

/** The column that a term counts in, or its hash; undefined for one that does not count. */
type Place = (term: string) => number | undefined;

/** Counts terms of texts. @throws ServingError invalid-argument for a missing text */
export function termCounts({ analysis, by, once }: Of<"term-counts">): (texts: Texts) => SparseMatrix {
  const terms = termsOf(analysis);
  const width = by.kind === "list" ? by.terms.length : by.columns;
  const signed = by.kind === "hash" && by.signed;
  const place = by.kind === "list" ? placesInList(by.terms) : hashOf;
  return ({ rows, texts }) => {
    const [starts, columns, values] = [new Int32Array(rows + 1), [] as number[], [] as number[]];
    for (const [row, text] of texts.entries()) {
      if (text === null)
        throw new ServingError("invalid-argument", "the input has a missing text, which the model does not take");
      const counts = new Map<number, number>();
      for (const term of terms(text)) {
        const hash = place(term);
        if (hash === undefined) continue;
        const column = by.kind === "list" ? hash : columnOf(hash, width);
        counts.set(column, (counts.get(column) ?? 0) + (signed && hash < 0 ? -1 : 1));
      }
      for (const [column, count] of [...counts].sort(([a], [b]) => a - b)) {
        columns.push(column);
        values.push(once ? 1 : count);
      }
      starts[row + 1] = columns.length;
    }
    return { rows, width, starts, columns: Int32Array.from(columns), values: Float64Array.from(values) };
  };
}

function placesInList(terms: readonly string[]): Place {
  const places = new Map(terms.map((term, place) => [term, place] as const));
  return (term) => places.get(term);
}

function hashOf(term: string): number {
  return murmur3(Buffer.from(term, "utf8"));
}

function columnOf(hash: number, columns: number): number {
  // The one hash that has no absolute value within 32 bits.
  if (hash === -(2 ** 31)) return (2 ** 31 - 1 - (columns - 1)) % columns;
  return Math.abs(hash) % columns;
}

/** Of sparse rows: 1 and the logarithm of each number, and a weight for each column. */
export function termWeights({ logarithmic, weights }: Of<"term-weights">, value: SparseMatrix): SparseMatrix {
  const values = value.values.map((each, i) => {
    const number = logarithmic ? Math.log(each) + 1 : each;
    return weights === undefined ? number : number * weights[value.columns[i]];
  });
  return { ...value, values };
}
