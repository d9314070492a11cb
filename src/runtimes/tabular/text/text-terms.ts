import type { TextAnalysis, TokenPattern } from "../../../model/tabular/feature-operations.ts";
import { isCombining } from "./combining-characters.ts";
import { BLANKS } from "./python-blanks.ts";
import { tokenMatcher } from "./token-matcher.ts";

const SEVERAL_BLANKS = new RegExp(`[${BLANKS}]{2,}`, "gu");
const BETWEEN = new RegExp(`[${BLANKS}]+`, "u");

/** The terms of a text, in no order that matters; those that occur several times are there as often. */
export function termsOf(analysis: TextAnalysis): (text: string) => readonly string[] {
  const sequences = sequencesOf(analysis);
  return (text) => {
    const lower = analysis.lowercase ? text.toLowerCase() : text;
    return sequences(analysis.accents === "kept" ? lower : withoutAccents(lower, analysis.accents === "ascii"));
  };
}

function sequencesOf({ terms, sequence: [least, most] }: TextAnalysis): (text: string) => readonly string[] {
  switch (terms.kind) {
    case "words": {
      const tokens = tokensOf(terms.pattern);
      const stop = new Set(terms.stopWords);
      return (text) =>
        wordSequences(stop.size === 0 ? tokens(text) : tokens(text).filter((token) => !stop.has(token)), least, most);
    }
    case "characters":
      return (text) => characterSequences(Array.from(text.replace(SEVERAL_BLANKS, " ")), least, most);
    case "characters-in-words":
      return (text) => sequencesInWords(text, least, most);
  }
}

function tokensOf(pattern: TokenPattern): (text: string) => readonly string[] {
  if (pattern.kind === "pattern") return tokenMatcher(pattern);
  const runs = new RegExp(`[\\p{L}\\p{N}_]{${pattern.least},}`, "gu");
  return (text) => text.match(runs) ?? [];
}

function wordSequences(tokens: readonly string[], least: number, most: number): readonly string[] {
  if (most === 1) return tokens;
  const terms: string[] = [];
  for (let length = least; length <= Math.min(most, tokens.length); length++) {
    for (let i = 0; i + length <= tokens.length; i++)
      terms.push(length === 1 ? tokens[i] : tokens.slice(i, i + length).join(" "));
  }
  return terms;
}

function characterSequences(characters: readonly string[], least: number, most: number): readonly string[] {
  const terms: string[] = [];
  for (let length = least; length <= Math.min(most, characters.length); length++) {
    for (let i = 0; i + length <= characters.length; i++) terms.push(characters.slice(i, i + length).join(""));
  }
  return terms;
}

/** A word that is shorter than a sequence, blanks included, is there once. */
function sequencesInWords(text: string, least: number, most: number): readonly string[] {
  const terms: string[] = [];
  for (const word of text.split(BETWEEN)) {
    if (word === "") continue;
    const characters = [" ", ...Array.from(word), " "];
    for (let length = least; length <= most; length++) {
      for (let i = 0; i === 0 || i + length <= characters.length; i++) terms.push(characters.slice(i, i + length).join(""));
      if (length >= characters.length) break;
    }
  }
  return terms;
}

/** The text in compatibility decomposition without the characters that combine with others, or without all that is not ASCII. */
function withoutAccents(text: string, ascii: boolean): string {
  if (!/\P{ASCII}/u.test(text)) return text;
  const apart = text.normalize("NFKD");
  if (ascii) return apart.replace(/\P{ASCII}/gu, "");
  return apart.replace(/\p{M}/gu, (mark) => (isCombining(mark) ? "" : mark));
}
