import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import { throwIfAborted } from "../base/abort.ts";
import { resolveInside } from "../base/path-safety.ts";
import { ServingError } from "../base/serving-error.ts";
import { parseProcessing } from "../config/processing-document.ts";
import type { DeclaredProcessing } from "../model/processing.ts";
import { vocabularyFiles } from "../processing/plan-processing.ts";
import { MOST_VOCABULARY_BYTES, readVocabulary } from "../processing/vocabulary.ts";
import { companionFile } from "../sources/companion-file.ts";
import type { StringArray } from "../tensor/string-array.ts";

/** What the file may be called in a version's folder. */
const NAMES = ["processing.yaml", "processing.yml", "processing.json"] as const;
const MOST_BYTES = 4 * 1024 * 1024;
/** Most bytes of all vocabularies of a version: every serving thread has them. */
const MOST_BYTES_OF_ALL = 128 * 1024 * 1024;

/** Simple TensorFlow Serving's hooks beside a model: Python code. */
const HOOKS = ["preprocess_function.marshal", "postprocess_function.marshal"] as const;

/** What lies beside a model for its requests and answers. */
export interface ProcessingFiles {
  /** What the processing file says, its vocabularies read; undefined when there is none. */
  readonly declared: DeclaredProcessing | undefined;
  /** Names of Simple TensorFlow Serving's hooks, which are never run. */
  readonly hooks: readonly string[];
}

/**
 * Reads what lies beside a model: in the version's folder `processing.yaml`, `.yml` or `.json`; beside a bare model file
 * `NAME.processing.yaml`, whose vocabularies have to be written in it.
 *
 * @throws ServingError invalid-argument that names the file at fault, and the place in it; the signal's reason once it aborts.
 */
export async function readProcessingFiles(path: string, signal: AbortSignal): Promise<ProcessingFiles> {
  const bare = (await stat(path).catch(() => undefined))?.isFile() === true;
  const folder = bare ? dirname(path) : path;
  const hooks = await present(folder, HOOKS);
  const names = await present(folder, bare ? [basename(companionFile(path))] : NAMES);
  if (names.length > 1) throw invalid(`${names.join(" and ")} are both there: keep one`);
  const [name] = names;
  if (name === undefined) return { declared: undefined, hooks };
  const text = decoded(await readWhole(folder, name, MOST_BYTES), name);
  const declared = parseProcessing(text, name);
  const files = vocabularyFiles(declared);
  if (bare && files.size > 0) {
    throw invalid(
      `${name}: the vocabulary ${JSON.stringify([...files][0])} has to be written in it, ${parse(path).base} has no folder of its own`,
    );
  }
  const vocabularies = new Map<string, StringArray>();
  let bytes = 0;
  for (const file of files) {
    throwIfAborted(signal);
    const content = await inFile(name, () => readWhole(folder, file, MOST_VOCABULARY_BYTES));
    bytes += content.length;
    if (bytes > MOST_BYTES_OF_ALL) throw invalid(`${name}: its vocabularies have more than ${MOST_BYTES_OF_ALL} bytes`);
    vocabularies.set(file, await inFile(name, async () => readVocabulary(content, file)));
  }
  return { declared: { ...declared, vocabularies }, hooks };
}

async function present<Name extends string>(folder: string, names: readonly Name[]): Promise<Name[]> {
  const found: Name[] = [];
  for (const name of names) if ((await stat(join(folder, name)).catch(() => undefined)) !== undefined) found.push(name);
  return found;
}

async function readWhole(folder: string, name: string, most: number): Promise<Buffer> {
  const path = await resolveInside(folder, name);
  // Not blocking: opening a pipe would wait for whoever writes to it.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw new ServingError("invalid-argument", `${name} cannot be read`, { cause });
  });
  try {
    const { size } = await handle.stat();
    if (size > most) throw invalid(`${name} has ${size} bytes, of at most ${most}`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function decoded(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ServingError("invalid-argument", `${name} is not UTF-8`, { cause });
  }
}

/** Lets what goes wrong with a vocabulary begin with the file that names it. */
async function inFile<Result>(name: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (reason) {
    const { code, message } = ServingError.from(reason);
    throw new ServingError(code, `${name}: ${message}`, { cause: reason });
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
