import { NumpyArray, plainValue } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { TextAnalysis } from "../../model/tabular/feature-operations.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { ENGLISH_STOP_WORDS } from "./english-stop-words.ts";
import { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type Rows, sparseRows } from "./rows.ts";
import { tokenPattern } from "./token-pattern.ts";

/** Columns of a hash: more would take more memory than the terms that they are for. */
const MOST_COLUMNS = 2 ** 24;
const LONGEST_SEQUENCE = 100;

/** CountVectorizer, and TfidfVectorizer, which weighs its counts. */
export function countVectorizer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const terms = vocabularyOf(estimator);
  const step = {
    kind: "term-counts",
    analysis: analysisOf(estimator),
    by: { kind: "list", terms },
    once: estimator.isTrue("binary"),
  } as const;
  const counts = builder.add(builder.document(estimator, rows), step);
  if (estimator.name === "CountVectorizer") return sparseRows(counts, terms.length);
  return weighed(estimator.estimator("_tfidf"), counts, terms.length, builder);
}

/** TfidfTransformer, of counts. */
export function tfidfTransformer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const given = builder.sparse(estimator, rows);
  const counts = given.kind === "sparse" ? given.value : builder.add([given.value], { kind: "sparse-concat" });
  return weighed(estimator, counts, given.columns, builder);
}

/** HashingVectorizer. */
export function hashingVectorizer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const columns = estimator.number("n_features");
  if (!Number.isInteger(columns) || columns < 1) throw estimator.damaged("n_features", "is no number of columns");
  if (columns > MOST_COLUMNS) throw estimator.uncovered(`n_features of more than ${MOST_COLUMNS} is not covered`);
  if (estimator.isTrue("non_negative")) throw estimator.uncovered("non_negative=True is not covered");
  const signed = estimator.value("alternate_sign") !== false;
  const once = estimator.isTrue("binary");
  const step = { kind: "term-counts", analysis: analysisOf(estimator), by: { kind: "hash", columns, signed }, once } as const;
  const counts = builder.add(builder.document(estimator, rows), step);
  return sparseRows(normalized(estimator, counts, builder), columns);
}

function weighed(estimator: Estimator, counts: string, columns: number, builder: ProgramBuilder): Rows {
  const weights = estimator.isTrue("use_idf") ? inverseFrequencies(estimator, columns) : undefined;
  const value = builder.add(counts, {
    kind: "term-weights",
    logarithmic: estimator.isTrue("sublinear_tf"),
    ...(weights === undefined ? {} : { weights: sharedFloats(weights) }),
  });
  return sparseRows(normalized(estimator, value, builder), columns);
}

/** `idf_`; up to 1.4 as the diagonal of a sparse matrix. */
function inverseFrequencies(estimator: Estimator, columns: number): Float64Array {
  const diagonal = estimator.value("_idf_diag");
  if (!(diagonal instanceof PickleObject)) return estimator.numbers("idf_", columns);
  return new Estimator(diagonal).numbers("data", columns);
}

function normalized(estimator: Estimator, value: string, builder: ProgramBuilder): string {
  const norm = estimator.value("norm");
  if (norm === null) return value;
  if (norm !== "l1" && norm !== "l2" && norm !== "max") throw estimator.damaged("norm", "is none of l1, l2 and max");
  return builder.add(value, { kind: "normalize", norm });
}

/** Terms by their columns. */
function vocabularyOf(estimator: Estimator): readonly string[] {
  const vocabulary = estimator.value("vocabulary_");
  if (!(vocabulary instanceof Map)) throw estimator.damaged("vocabulary_", "is no dictionary (is it fitted?)");
  const terms = Array.from({ length: vocabulary.size }, (): string | undefined => undefined);
  for (const [term, value] of vocabulary) {
    const column = plainValue(value);
    if (typeof term !== "string" || typeof column !== "number" || !(column in terms) || terms[column] !== undefined) {
      throw estimator.damaged("vocabulary_", "does not have a term for each column");
    }
    terms[column] = term;
  }
  return terms as readonly string[];
}

function analysisOf(estimator: Estimator): TextAnalysis {
  if (estimator.value("preprocessor") !== null) throw estimator.uncovered("a preprocessor of one's own is not covered");
  if (estimator.text("input") !== "content") throw estimator.uncovered('input is not "content", which is not covered');
  const accents = estimator.value("strip_accents");
  if (accents !== null && accents !== "ascii" && accents !== "unicode")
    throw estimator.uncovered("strip_accents by a function is not covered");
  return {
    lowercase: estimator.isTrue("lowercase"),
    accents: accents === null ? "kept" : accents === "ascii" ? "ascii" : "stripped",
    terms: termsOf(estimator),
    sequence: sequenceOf(estimator),
  };
}

function termsOf(estimator: Estimator): TextAnalysis["terms"] {
  const analyzer = estimator.value("analyzer");
  if (analyzer === "char") return { kind: "characters" };
  if (analyzer === "char_wb") return { kind: "characters-in-words" };
  if (analyzer !== "word") throw estimator.uncovered("an analyzer of one's own is not covered");
  if (estimator.value("tokenizer") !== null) throw estimator.uncovered("a tokenizer of one's own is not covered");
  return { kind: "words", pattern: tokenPattern(estimator, estimator.text("token_pattern")), stopWords: stopWordsOf(estimator) };
}

function stopWordsOf(estimator: Estimator): readonly string[] {
  const given = estimator.value("stop_words");
  if (given === null) return [];
  if (given === "english") return ENGLISH_STOP_WORDS;
  const words = wordsIn(given);
  if (words === undefined) throw estimator.uncovered("stop_words that are no list of texts are not covered");
  return words;
}

/** Texts of a list, a set or an array. */
function wordsIn(value: PickleValue): readonly string[] | undefined {
  const isFrozen = value instanceof PickleObject && /^builtins\.(frozen)?set$/.test(value.type.full) && Array.isArray(value.args);
  const inner = isFrozen ? (value.args as readonly PickleValue[])[0] : value;
  const words = inner instanceof Set ? [...inner] : Array.isArray(inner) ? inner : NumpyArray.of(inner)?.values();
  return words?.every((word) => typeof word === "string") ? words : undefined;
}

function sequenceOf(estimator: Estimator): readonly [number, number] {
  const range = estimator.value("ngram_range");
  const [least, most] = Array.isArray(range) ? range.map((each) => plainValue(each)) : [];
  if (typeof least !== "number" || typeof most !== "number" || !(least >= 1) || !(most >= least)) {
    throw estimator.damaged("ngram_range", "is no pair of lengths");
  }
  if (most > LONGEST_SEQUENCE) throw estimator.uncovered(`sequences of more than ${LONGEST_SEQUENCE} are not covered`);
  return [least, most];
}
