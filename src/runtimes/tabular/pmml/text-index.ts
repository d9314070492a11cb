import type { PmmlExpression, PmmlTextNormalization, PmmlTextRules } from "../../../model/tabular/pmml-fields.ts";
import { type Read, RowFault } from "./row.ts";

type TextIndex = PmmlExpression & { readonly kind: "text-index" };

const ENDS = /^[\p{P}\p{S}]+|[\p{P}\p{S}]+$/gu;
/** Times that a recursive table is gone through: two rows may turn each other back for ever. */
const MOST_PASSES = 100;
/** Joins words of a term: no word has it. */
const JOINT = "\n";

/** A text that was taken apart. */
interface Words {
  readonly text: string;
  readonly words: readonly string[];
  /** How often terms of some number of words come, by that number. */
  readonly counts: Map<number, ReadonlyMap<string, number>>;
}

/** The words of the last text, for all terms that are looked for by the same rules. */
export class TextWords {
  readonly #last = new Map<string, Words>();
  readonly #keys = new Map<PmmlTextRules, string>();

  of(text: string, rules: PmmlTextRules): Words {
    let key = this.#keys.get(rules);
    if (key === undefined) {
      key = JSON.stringify(rules);
      this.#keys.set(rules, key);
    }
    const known = this.#last.get(key);
    if (known?.text === text) return known;
    const words = { text, words: wordsOf(text, rules), counts: new Map() };
    this.#last.set(key, words);
    return words;
  }
}

/** Reads how much a term counts in a text. */
export function textIndexReader({ rules, hits, weights }: TextIndex, readText: Read, readTerm: Read, texts: TextWords): Read {
  const term = lastTerm(rules);
  return (row) => {
    const text = readText(row);
    const wanted = readTerm(row);
    if (text === null) return null;
    if (wanted === null) throw new RowFault("a text index does not take a missing term");
    const found = texts.of(String(text), rules);
    const count = countOf(found, term(String(wanted)), rules, hits === "bestHits");
    switch (weights) {
      case "termFrequency":
        return count;
      case "binary":
        return count > 0 ? 1 : 0;
      case "logarithmic":
        return Math.log10(1 + count);
      case "augmentedNormalizedTermFrequency": {
        const most = Math.max(0, ...countsOf(found, 1).values());
        return 0.5 * ((count > 0 ? 1 : 0) + (most === 0 ? 0 : count / most));
      }
    }
  };
}

function lastTerm(rules: PmmlTextRules): (term: string) => readonly string[] {
  let last: string | undefined;
  let words: readonly string[] = [];
  return (term) => {
    if (term !== last) {
      last = term;
      // Terms are looked for as they are, not by what the tables make of them.
      words = wordsOf(term, { ...rules, normalizations: [] });
    }
    return words;
  };
}

function countOf(found: Words, term: readonly string[], { maxDistance }: PmmlTextRules, best: boolean): number {
  if (term.length === 0) return 0;
  if (maxDistance === 0) return countsOf(found, term.length).get(term.join(JOINT)) ?? 0;
  const wanted = term.join(" ");
  const distances: number[] = [];
  for (let start = 0; start + term.length <= found.words.length; start++) {
    const distance = editDistance(found.words.slice(start, start + term.length).join(" "), wanted, maxDistance);
    if (distance <= maxDistance) distances.push(distance);
  }
  if (!best) return distances.length;
  const least = Math.min(...distances);
  return distances.filter((distance) => distance === least).length;
}

function countsOf({ words, counts }: Words, length: number): ReadonlyMap<string, number> {
  const known = counts.get(length);
  if (known !== undefined) return known;
  const made = new Map<string, number>();
  for (let start = 0; start + length <= words.length; start++) {
    const term = length === 1 ? words[start] : words.slice(start, start + length).join(JOINT);
    made.set(term, (made.get(term) ?? 0) + 1);
  }
  counts.set(length, made);
  return made;
}

function wordsOf(text: string, rules: PmmlTextRules): readonly string[] {
  let normalized = text;
  for (const each of rules.normalizations) normalized = normalize(normalized, each);
  return split(rules.caseSensitive ? normalized : normalized.toLowerCase(), rules);
}

function split(text: string, { tokenizes, separator }: Pick<PmmlTextRules, "tokenizes" | "separator">): string[] {
  if (!tokenizes) return [text];
  return text.split(new RegExp(separator)).flatMap((word) => {
    const bare = word.replace(ENDS, "");
    return bare === "" ? [] : [bare];
  });
}

function normalize(text: string, table: PmmlTextNormalization): string {
  let current = text;
  for (let pass = 0; pass < (table.recursive ? MOST_PASSES : 1); pass++) {
    const before = current;
    for (const row of table.rows) {
      if (row.regex) current = current.replace(new RegExp(row.find, table.caseSensitive ? "g" : "gi"), () => row.replace);
      else current = replaceWords(current, row.find, row.replace, table);
    }
    if (current === before) break;
  }
  return current;
}

function replaceWords(text: string, find: string, replace: string, table: PmmlTextNormalization): string {
  const like = (word: string) => (table.caseSensitive ? word : word.toLowerCase());
  if (!table.tokenizes) return like(text) === like(find) ? replace : text;
  const words = split(text, table);
  const wanted = split(find, table);
  if (wanted.length === 0) return text;
  const made: string[] = [];
  let changed = false;
  for (let at = 0; at < words.length; ) {
    const same = wanted.every(
      (word, i) => at + i < words.length && editDistance(like(words[at + i]), like(word), table.maxDistance) <= table.maxDistance,
    );
    made.push(same ? replace : words[at]);
    changed ||= same;
    at += same ? wanted.length : 1;
  }
  return changed ? made.join(" ") : text;
}

/** Letters to change, add and take away; more than `most` may be any number above it. */
function editDistance(from: string, to: string, most: number): number {
  if (from === to) return 0;
  if (most === 0 || Math.abs(from.length - to.length) > most) return most + 1;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}
