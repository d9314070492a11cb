import { ServingError } from "../base/serving-error.ts";
import type { DeclaredProcessing, VocabularySource } from "../model/processing.ts";
import type { Signatures } from "../tensor/signature.ts";
import { packStrings } from "../tensor/string-array.ts";
import { planSignature, type SignaturePlan } from "./plan-signature.ts";
import { listed } from "./step-list.ts";
import { makeVocabulary, type Vocabulary } from "./vocabulary.ts";

/** How a version's requests are run. */
export interface ProcessingPlan {
  /** What callers see: the declared signatures, and those of the engine's that nothing is declared for. */
  readonly signatures: Signatures;
  /** The declared ones. */
  readonly planned: ReadonlyMap<string, SignaturePlan>;
}

/**
 * Checks what a file declares against the engine's signatures. The same for the same arguments, on every thread.
 * @throws ServingError that begins with the file's name and the signature's: invalid-argument for what does not fit.
 */
export function planProcessing({ file, signatures, vocabularies }: DeclaredProcessing, inner: Signatures): ProcessingPlan {
  const known = new Map<string, Vocabulary>();
  const vocabulary = (source: VocabularySource): Vocabulary => {
    if (typeof source !== "string") return makeVocabulary("the vocabulary", packStrings(source));
    const made = known.get(source) ?? makeVocabulary(source, found(vocabularies.get(source), source));
    known.set(source, made);
    return made;
  };
  const planned = new Map<string, SignaturePlan>();
  for (const [name, declared] of signatures) {
    const title = `${file}: signature ${JSON.stringify(name.slice(0, 100))}`;
    try {
      const engine = inner.get(declared.from);
      if (engine === undefined) throw unknownSignature(declared.from, inner);
      planned.set(name, planSignature(declared, engine, vocabulary));
    } catch (reason) {
      if (!(reason instanceof ServingError)) throw reason;
      throw new ServingError(reason.code, `${title}: ${reason.message}`, { cause: reason });
    }
  }
  const seen = new Map(inner);
  for (const [name, { signature }] of planned) seen.set(name, signature);
  return { signatures: seen, planned };
}

/** The files that a declaration names vocabularies by, each once. */
export function vocabularyFiles({ signatures }: DeclaredProcessing): ReadonlySet<string> {
  const files = new Set<string>();
  for (const { preprocess, postprocess } of signatures.values()) {
    for (const step of [...preprocess, ...postprocess]) {
      if ("vocabulary" in step && typeof step.vocabulary === "string") files.add(step.vocabulary);
    }
  }
  return files;
}

function found<Value>(value: Value | undefined, name: string): Value {
  if (value !== undefined) return value;
  throw new ServingError("invalid-argument", `the vocabulary ${JSON.stringify(name)} was not read`);
}

function unknownSignature(name: string, inner: Signatures): ServingError {
  return new ServingError(
    "invalid-argument",
    `the model has no signature ${JSON.stringify(name)} (it has: ${listed(inner.keys())})`,
  );
}
