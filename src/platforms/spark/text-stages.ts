import { sharedFloats } from "../shared-arrays.ts";
import { PatternRefused, type TranslatedPattern, translatePattern } from "./java-pattern.ts";
import { type ProgramBuilder, shown } from "./program-builder.ts";
import type { Stage } from "./stage.ts";

/** Languages in which letters have other small ones than elsewhere. */
const OWN_CASE = /^(?:tr|az|lt)(?:$|[_-])/;

/** Tokenizer: small letters, between spaces. */
export function tokenizer(stage: Stage, builder: ProgramBuilder): void {
  tokens(stage, builder, { lowerCase: true, gaps: true, least: 0, ...translatePattern("\\s") });
}

/** RegexTokenizer, of patterns that mean the same in JavaScript. */
export function regexTokenizer(stage: Stage, builder: ProgramBuilder): void {
  const pattern = stage.text("pattern", "\\s+");
  let translated: TranslatedPattern;
  try {
    translated = translatePattern(pattern);
  } catch (reason) {
    if (!(reason instanceof PatternRefused)) throw reason;
    throw stage.uncovered(`the pattern ${JSON.stringify(pattern.slice(0, 100))} is not covered: ${reason.message}`);
  }
  tokens(stage, builder, {
    lowerCase: stage.isTrue("toLowercase", true),
    gaps: stage.isTrue("gaps", true),
    least: stage.number("minTokenLength", 1),
    ...translated,
  });
}

function tokens(
  stage: Stage,
  builder: ProgramBuilder,
  how: TranslatedPattern & { readonly lowerCase: boolean; readonly gaps: boolean; readonly least: number },
): void {
  const input = stage.text("inputCol");
  const { source, ...others } = how;
  const value = builder.add(builder.text(stage, input).value, {
    kind: "spark-tokens",
    pattern: source,
    ...others,
    what: shown(input),
  });
  builder.put(stage, stage.text("outputCol"), { kind: "words", value, width: 1, sparse: false });
}

/** StopWordsRemover. */
export function stopWordsRemover(stage: Stage, builder: ProgramBuilder): void {
  const words = stage.texts("stopWords") ?? [];
  const caseMatters = stage.isTrue("caseSensitive", false);
  const locale = stage.text("locale", "en_US");
  if (!caseMatters && OWN_CASE.test(locale))
    throw stage.uncovered(`locale=${JSON.stringify(locale.slice(0, 50))} is not covered`);
  for (const [input, output] of stage.columnPairs()) {
    const value = builder.add(builder.words(stage, input).value, { kind: "spark-stop-words", words, caseMatters });
    builder.put(stage, output, { kind: "words", value, width: 1, sparse: false });
  }
}

/** NGram. */
export function nGram(stage: Stage, builder: ProgramBuilder): void {
  const count = stage.number("n", 2);
  if (!Number.isInteger(count) || count < 1) throw stage.damaged("n", "is no number of words");
  const value = builder.add(builder.words(stage, stage.text("inputCol")).value, { kind: "spark-n-grams", count });
  builder.put(stage, stage.text("outputCol"), { kind: "words", value, width: 1, sparse: false });
}

/** HashingTF. Spark 3 hashes otherwise than 2, and does as 2 with what 2 has saved. */
export function hashingTf(stage: Stage, builder: ProgramBuilder): void {
  const width = stage.number("numFeatures", 2 ** 18);
  if (!Number.isInteger(width) || width < 1) throw stage.damaged("numFeatures", "is no number of columns");
  const value = builder.add(builder.words(stage, stage.text("inputCol")).value, {
    kind: "spark-hashed-words",
    width,
    binary: stage.isTrue("binary", false),
    hash: stage.isSince(3, 0) ? "spark-3" : "spark-2",
  });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width, sparse: true });
}

/** CountVectorizerModel. */
export async function countVectorizer(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const words = (await stage.table()).textLists("vocabulary").values;
  const value = builder.add(builder.words(stage, stage.text("inputCol")).value, {
    kind: "spark-counted-words",
    words,
    least: stage.number("minTF", 1),
    binary: stage.isTrue("binary", false),
  });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width: words.length, sparse: true });
}

/** IDFModel. */
export async function inverseDocumentFrequency(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const factors = (await stage.table()).vector("idf");
  const column = builder.vector(stage, stage.text("inputCol"), factors.length);
  const value = builder.add(column.value, { kind: "spark-scale", factors: sharedFloats(factors) });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width: factors.length, sparse: column.sparse });
}

/** Word2VecModel, as it is saved since 2.2: a row for each word. */
export async function word2Vec(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const table = await stage.table();
  if (!table.has("word"))
    throw stage.uncovered("it was saved by a Spark before 2.2, which is not covered: save it again with a later one");
  const words = table.texts("word");
  const { starts, values } = table.numberLists("vector");
  const width = stage.number("vectorSize", 100);
  if (!starts.every((start, i) => start === i * width)) throw stage.damaged("vector", `is not of ${width} numbers`);
  const value = builder.add(builder.words(stage, stage.text("inputCol")).value, {
    kind: "spark-word-means",
    words,
    vectors: sharedFloats(values),
    width,
  });
  builder.put(stage, stage.text("outputCol"), { kind: "vector", value, width, sparse: false });
}
