import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../base/abort.ts";
import { ServingError } from "../base/serving-error.ts";
import { inlineArray, isNumpyName } from "../codec/pickle/numpy-array.ts";
import { type PickleName, PickleObject } from "../codec/pickle/pickle-value.ts";
import { readPickle } from "../codec/pickle/read-pickle.ts";
import { packingOf, unpackPickle } from "../codec/pickle/unpack-pickle.ts";
import type { Detection, Platform } from "../model/platform.ts";
import type { TabularInput, TabularOperation, TabularProgram } from "../model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../model/tabular/tabular-signatures.ts";
import { filesThatBegin } from "./files-that-begin.ts";
import { modelBytes } from "./model-bytes.ts";
import type {
  AddStep,
  BoosterAnswer,
  CompiledBooster,
  PickledBooster,
  PickledBoosters,
  WholePickles,
} from "./pickled-booster.ts";
import { withModelFile } from "./with-model-file.ts";

/** What files are called; joblib compresses by these names. */
const PLAIN = [".pkl", ".pickle", ".joblib", ".sav"];
const EXTENSIONS = [
  ...PLAIN,
  ...[".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4"].flatMap((packing) => PLAIN.map((each) => each + packing)),
];
const USUAL = ["model.pkl", "model.pickle", "model.joblib"];
/** Of Python's own, and of scikit-learn for its estimators' labels. Nothing of it is run. */
const OTHERS =
  /^(builtins\.(object|set|frozenset|bytes|bytearray|int|float|bool|str|slice)|collections\.(OrderedDict|defaultdict)|copyreg\.(_reconstructor|__newobj__)|functools\.partial|numpy\.(random(\.\w+)*\.\w+|(float|int|uint)(8|16|32|64)|bool_?|str_)|pandas(\.\w+)+|sklearn\.(preprocessing|utils)(\.\w+)+)$/;

/** What becomes of models that are not covered here. */
const WAY_OUT = ": a Python worker can serve it (--allow_code)";

/** A library whose boosters are pickled. */
export interface PickledLibrary {
  /** The platform's name, and the library's for people. */
  readonly name: string;
  readonly title: string;
  /** What a pickle of the library's has among its first names. */
  readonly module: RegExp;
  readonly boosters: PickledBoosters;
  /** What numbers are declared as. */
  readonly precision: "float32" | "float64";
  /** Makes a program of an object, where its inputs are not one matrix of numbers. @param bytes of the file */
  readonly program?: (object: PickleObject, bytes: number, signal: AbortSignal) => Promise<TabularProgram>;
}

/** A platform of a library's boosters that Python or joblib pickled, by themselves or in the library's own estimators. */
export function pickledBoosterPlatform(library: PickledLibrary): Platform {
  const { name, title } = library;
  return {
    name,

    async detect(path: string): Promise<Detection | undefined> {
      const found = await find(path, library);
      return found && { why: found.bare ? `is a pickled ${title} model` : `holds ${found.name}, a pickled ${title} model` };
    },

    /** Nothing in the pickle is run; what is in it is checked as in the library's own files. */
    async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
      const found = await find(path, library);
      if (found === undefined) throw new ServingError("not-found", `there is no pickled model of ${title}`);
      const file = await withModelFile(join(found.folder, found.name), found.name, (handle) =>
        modelBytes(handle, found.name, signal),
      );
      try {
        return await programOf(await unpackPickle(file, signal), file.length, library, signal);
      } catch (reason) {
        if (!(reason instanceof ServingError) || signal.aborted) throw reason;
        const way = reason.code === "unimplemented" ? WAY_OUT : "";
        throw new ServingError(reason.code, `${found.name}: ${reason.message}${way}`, { cause: reason });
      }
    },
  };
}

/**
 * Makes a program of a pickle's bytes.
 * @param bytes size of the model's files
 * @throws ServingError invalid-argument for names that no model has; unimplemented for another object than a booster; else as its reader
 */
export async function programOf(
  pickle: Uint8Array,
  bytes: number,
  library: PickledLibrary,
  signal: AbortSignal,
): Promise<TabularProgram> {
  const { title, boosters } = library;
  throwIfAborted(signal);
  const value = readPickle(pickle, { allows: (name) => isAllowed(name, boosters), inline: inlineArray });
  await setImmediate();
  throwIfAborted(signal);
  if (!(value instanceof PickleObject) || !boosters.knows(value)) {
    const what = value instanceof PickleObject ? value.type.full.slice(0, 100) : "something else";
    throw new ServingError("unimplemented", `the pickle holds ${what}, not a booster of ${title}`);
  }
  return wholeProgram(library, value, bytes, signal);
}

/** The boosters of several libraries, for platforms that find them within what is theirs. */
export function boostersOf(libraries: readonly PickledLibrary[]): WholePickles {
  const ownerOf = (object: PickleObject) => libraries.find(({ boosters }) => boosters.knows(object));
  const owner = (object: PickleObject): PickledLibrary => {
    const library = ownerOf(object);
    if (library === undefined)
      throw new ServingError("unimplemented", `${object.type.full.slice(0, 100)} is no booster that is known`);
    return library;
  };
  return {
    allows: (name) => libraries.some(({ boosters }) => isAllowed(name, boosters)),
    knows: (object) => ownerOf(object) !== undefined,
    read: (object, signal) => owner(object).boosters.read(object, signal),
    program: (object, bytes, signal) => wholeProgram(owner(object), object, bytes, signal),
  };
}

async function wholeProgram(
  { boosters, precision, program }: PickledLibrary,
  object: PickleObject,
  bytes: number,
  signal: AbortSignal,
): Promise<TabularProgram> {
  if (program !== undefined) return program(object, bytes, signal);
  return matrixProgram(await boosters.read(object, signal), bytes, precision, signal);
}

async function matrixProgram(
  booster: PickledBooster,
  bytes: number,
  precision: "float32" | "float64",
  signal: AbortSignal,
): Promise<TabularProgram> {
  const { columns, columnNames } = booster;
  const inputs: readonly TabularInput[] = [
    { alias: "X", value: "input", type: precision, columns, vector: false, ...(columnNames !== undefined && { columnNames }) },
  ];
  const operations: TabularOperation[] = [];
  const add: AddStep = (from, step) => {
    const to = `${step.kind}-${operations.length}`;
    operations.push({ ...step, from, to } as TabularOperation);
    return to;
  };
  const compiled = await booster.compile({ value: "input", columns }, add, signal);
  const { prediction, regression } = compiled;
  return {
    runtime: "tabular",
    inputs,
    operations,
    ...tabularSignatures(inputs, methodsOf(compiled)),
    ...(prediction && { classes: { scores: prediction.scores, labels: prediction.labels } }),
    ...(regression !== undefined && { regression }),
    bytes,
  };
}

/** Where the library's booster has a method of the same name, the estimator's is called `sklearn_` before it. */
function methodsOf({ answers, library }: CompiledBooster): ReadonlyMap<string, readonly TabularAnswer[]> {
  const methods = new Map<string, readonly TabularAnswer[]>();
  const set = (method: string, answer: BoosterAnswer) => methods.set(method, [{ ...answer, alias: method }]);
  for (const [method, answer] of answers) set(library?.has(method) === true ? `sklearn_${method}` : method, answer);
  for (const [method, answer] of library ?? []) set(method, answer);
  return methods;
}

function isAllowed(name: PickleName, boosters: PickledBoosters): boolean {
  return isNumpyName(name) || boosters.allows(name) || OTHERS.test(name.full);
}

async function find(
  path: string,
  { module }: PickledLibrary,
): Promise<{ readonly bare: boolean; readonly folder: string; readonly name: string } | undefined> {
  const fits = (first: Buffer) => {
    const packing = packingOf(first);
    // Of a compressed one nothing can be told before it is read.
    return packing === undefined ? module.test(first.toString("latin1")) : packing !== "zip";
  };
  const found = await filesThatBegin(path, { extensions: EXTENSIONS, usual: USUAL, fits });
  if (found?.names[0] === undefined) return undefined;
  const name = USUAL.find((each) => found.names.includes(each)) ?? found.names[0];
  return { bare: found.bare, folder: found.folder, name };
}
