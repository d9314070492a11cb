import { ServingError } from "../../../base/serving-error.ts";
import type { SparkOperation } from "../../../model/tabular/spark-operations.ts";
import type { Matrix, SparseMatrix, Texts, Words } from "../matrix.ts";
import { columnHash } from "./spark-hash.ts";

type Of<Kind extends SparkOperation["kind"]> = Omit<Extract<SparkOperation, { kind: Kind }>, "kind" | "from" | "to">;

/** How JSON writes numbers. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Words of texts. @throws ServingError invalid-argument for a text that is missing or too long */
export function sparkTokens({ lowerCase, pattern, gaps, least, longest, what }: Of<"spark-tokens">): (value: Texts) => Words {
  const expression = new RegExp(pattern, "gu");
  return ({ rows, texts }) => ({
    rows,
    words: texts.map((text) => {
      if (text === null)
        throw new ServingError("invalid-argument", `column "${what}" has a missing text, which the model does not take`);
      if (text.length > longest) {
        throw new ServingError(
          "invalid-argument",
          `column "${what}" has a text of ${text.length} characters, where the model's pattern takes ${longest}`,
        );
      }
      const given = lowerCase ? text.toLowerCase() : text;
      const found = gaps ? between(given, expression) : Array.from(given.matchAll(expression), ([match]) => match);
      return found.filter((word) => word.length >= least);
    }),
  });
}

/** As Java splits: empty pieces at the end are left out, unless there is nothing else. */
function between(text: string, expression: RegExp): readonly string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const { 0: match, index } of text.matchAll(expression)) {
    pieces.push(text.slice(start, index));
    start = index + match.length;
  }
  if (start === 0) return [text];
  pieces.push(text.slice(start));
  return pieces.slice(0, pieces.findLastIndex((piece) => piece !== "") + 1);
}

/** Words that are not in the list. */
export function sparkStopWords({ words: list, caseMatters }: Of<"spark-stop-words">): (value: Words) => Words {
  const stopped = new Set(caseMatters ? list : list.map((word) => word.toLowerCase()));
  return ({ rows, words }) => ({
    rows,
    words: words.map((own) => own?.filter((word) => !stopped.has(caseMatters ? word : word.toLowerCase())) ?? null),
  });
}

/** Each word with those that follow it. */
export function sparkNGrams({ count }: Of<"spark-n-grams">, { rows, words }: Words): Words {
  return {
    rows,
    words: words.map((own) => {
      const length = Math.max(0, (own?.length ?? 0) - count + 1);
      return Array.from({ length }, (_, i) => own!.slice(i, i + count).join(" "));
    }),
  };
}

/** How often words are there, in the columns of their hashes. */
export function sparkHashedWords({ width, binary, hash }: Of<"spark-hashed-words">): (value: Words) => SparseMatrix {
  const columnOf = columnHash(hash, width);
  return ({ words }) =>
    sparseRows(width, words, (own) => {
      const counts = new Map<number, number>();
      for (const word of own ?? []) {
        const column = columnOf(word);
        counts.set(column, binary ? 1 : (counts.get(column) ?? 0) + 1);
      }
      return counts;
    });
}

/** How often the words of a list are there. */
export function sparkCountedWords({ words: list, least, binary }: Of<"spark-counted-words">): (value: Words) => SparseMatrix {
  const places = new Map(list.map((word, place) => [word, place] as const));
  return ({ words }) =>
    sparseRows(list.length, words, (own) => {
      const counts = new Map<number, number>();
      for (const word of own ?? []) {
        const column = places.get(word);
        if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
      }
      const enough = least >= 1 ? least : least * (own?.length ?? 0);
      for (const [column, count] of counts) {
        if (count < enough) counts.delete(column);
        else if (binary) counts.set(column, 1);
      }
      return counts;
    });
}

/** The mean of the vectors of a row's words. */
export function sparkWordMeans({ words: list, vectors, width }: Of<"spark-word-means">): (value: Words) => Matrix {
  const places = new Map(list.map((word, place) => [word, place] as const));
  return ({ rows, words }) => {
    const data = new Float64Array(rows * width);
    for (const [row, own] of words.entries()) {
      if (own === null || own.length === 0) continue;
      for (const word of own) {
        const place = places.get(word);
        if (place === undefined) continue;
        for (let i = 0; i < width; i++) data[row * width + i] += vectors[place * width + i];
      }
      const share = 1 / own.length;
      for (let i = row * width; i < (row + 1) * width; i++) data[i] *= share;
    }
    return { rows, width, data };
  };
}

/** Each value in the column of a hash. @throws ServingError invalid-argument for numbers where texts have to be */
export function sparkHashedColumns({
  names,
  has,
  width,
  hash,
}: Of<"spark-hashed-columns">): (values: readonly (Matrix | Texts)[]) => SparseMatrix {
  const columnOf = columnHash(hash, width);
  const numberColumns = names.map(columnOf);
  return (values) => {
    for (const [i, value] of values.entries()) {
      if (has[i] === "categories" && !("texts" in value)) {
        throw new ServingError(
          "invalid-argument",
          `column "${names[i]}" has numbers that are categories: send them as texts, as Spark writes them`,
        );
      }
      const number =
        has[i] === "either" && "texts" in value ? value.texts.find((text) => text !== null && NUMBER.test(text)) : undefined;
      if (typeof number === "string") {
        throw new ServingError(
          "invalid-argument",
          `column "${names[i]}" has the text "${number.slice(0, 50)}": send numbers in a tensor of numbers`,
        );
      }
    }
    return sparseRows(
      width,
      Array.from({ length: values[0].rows }, (_, row) => row),
      (row) => {
        const sums = new Map<number, number>();
        for (const [i, value] of values.entries()) {
          if ("texts" in value) {
            const text = value.texts[row];
            if (text === null) continue;
            const column = columnOf(`${names[i]}=${text}`);
            sums.set(column, (sums.get(column) ?? 0) + 1);
          } else if (!Number.isNaN(value.data[row])) {
            sums.set(numberColumns[i], (sums.get(numberColumns[i]) ?? 0) + value.data[row]);
          }
        }
        return sums;
      },
    );
  };
}

/** Sparse rows of what each row has by column. */
function sparseRows<Row>(
  width: number,
  rows: readonly Row[],
  entriesOf: (row: Row) => ReadonlyMap<number, number>,
): SparseMatrix {
  const [starts, columns, values] = [new Int32Array(rows.length + 1), [] as number[], [] as number[]];
  for (const [row, each] of rows.entries()) {
    for (const [column, value] of [...entriesOf(each)].sort(([a], [b]) => a - b)) {
      columns.push(column);
      values.push(value);
    }
    starts[row + 1] = columns.length;
  }
  return { rows: rows.length, width, starts, columns: Int32Array.from(columns), values: Float64Array.from(values) };
}
