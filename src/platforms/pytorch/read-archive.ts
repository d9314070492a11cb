import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { ZipArchive } from "../../base/zip/zip-archive.ts";
import type { ZipEntry } from "../../base/zip/zip-directory.ts";
import { ExportedPart } from "./exported-part.ts";
import { type ExportedProgram, readExportedProgram } from "./exported-program.ts";
import type { Weight } from "./import-program.ts";
import { parseProgramJson } from "./program-json.ts";
import { readSavedTensors } from "./read-saved-tensors.ts";
import { layoutOf, weightIn } from "./read-weights.ts";

/** A string of the language holds no more. */
const MOST_JSON = 2 ** 29 - 25;

/** What a `.pt2` archive holds. */
export interface ExportedArchive {
  readonly program: ExportedProgram;
  /** Weights by the names that the graph has for them. */
  readonly weights: ReadonlyMap<string, Weight>;
}

/** Entries of an archive without the folder that is around all of them, whose name is anybody's. */
export type EntriesByName = ReadonlyMap<string, ZipEntry>;

/** The program in archives of torch 2.5 to 2.7, which have no folder around. */
const FORMER = "serialized_exported_program.json";

/** The entries of an archive by name. */
export function entriesByName({ entries }: ZipArchive): EntriesByName {
  const isFormer = entries.some(({ name }) => name === FORMER);
  return new Map(entries.map((entry) => [isFormer ? entry.name : entry.name.replace(/^[^/]+\//, ""), entry]));
}

/** The entry of the program, where an archive has one. */
export function programEntry(entries: EntriesByName): ZipEntry | undefined {
  const own = entries.get("models/model.json") ?? entries.get(FORMER);
  if (own !== undefined) return own;
  const all = [...entries].filter(([name]) => /^models\/[^/]+\.json$/.test(name));
  return all.length === 1 ? all[0]![1] : undefined;
}

/**
 * Reads a program of torch.export and its weights.
 * @throws ServingError data-loss for a damaged archive; unimplemented for what is not covered
 */
export async function readArchive(path: string, signal: AbortSignal): Promise<ExportedArchive> {
  const archive = await ZipArchive.open(path);
  const entries = entriesByName(archive);
  const found = programEntry(entries);
  if (found === undefined) throw new ServingError("unimplemented", "it holds no program of torch.export, or several");
  const program = await readExportedProgram(await readJson(archive, found, signal), signal);
  const read = entries.has(FORMER) ? readFormerWeights : readWeights;
  return { program, weights: await read(archive, entries, program, signal) };
}

/** Weights as torch 2.5 to 2.7 wrote them: two files of torch.save's within the archive. */
async function readFormerWeights(
  archive: ZipArchive,
  entries: EntriesByName,
  { constants }: ExportedProgram,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Weight>> {
  const saved = new Map<string, Weight>();
  for (const name of ["serialized_state_dict.pt", "serialized_constants.pt"]) {
    const entry = entries.get(name);
    if (entry === undefined) continue;
    for (const [key, weight] of await readSavedTensors(await archive.read(entry, signal), name, signal)) saved.set(key, weight);
  }
  return new Map(
    constants.map(({ name, key }) => {
      const weight = saved.get(key);
      if (weight === undefined) throw new ServingError("data-loss", `there is no weight "${key.slice(0, 128)}"`);
      return [name, weight];
    }),
  );
}

async function readWeights(
  archive: ZipArchive,
  entries: EntriesByName,
  { constants }: ExportedProgram,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Weight>> {
  const kinds = [
    await readConfig(archive, entries, "data/weights/", /^data\/weights\/[^/]+_weights_config\.json$/, signal),
    await readConfig(archive, entries, "data/constants/", /^data\/constants\/[^/]+_constants_config\.json$/, signal),
  ];
  const files = new Map<string, Buffer>();
  const weights = new Map<string, Weight>();
  for (const { name, key, isConstant } of constants) {
    const place = kinds[isConstant ? 1 : 0]!.get(key) ?? kinds[isConstant ? 0 : 1]!.get(key);
    if (place === undefined) throw new ServingError("data-loss", `there is no weight "${key.slice(0, 128)}"`);
    // Several may share one file.
    let bytes = files.get(place.file);
    if (bytes === undefined) {
      const entry = entries.get(place.file);
      if (entry === undefined) throw new ServingError("data-loss", `there is no file of the weight "${key.slice(0, 128)}"`);
      bytes = await archive.read(entry, signal);
      files.set(place.file, bytes);
    }
    weights.set(name, await weightIn(bytes, layoutOf(place.meta), key));
  }
  return weights;
}

/** Where each weight is, by its key. */
async function readConfig(
  archive: ZipArchive,
  entries: EntriesByName,
  folder: string,
  pattern: RegExp,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly file: string; readonly meta: ExportedPart }>> {
  const found = [...entries].find(([name]) => pattern.test(name));
  const places = new Map<string, { file: string; meta: ExportedPart }>();
  if (found === undefined) return places;
  const config = await readJson(archive, found[1], signal);
  for (const [key, part] of config.at("config").entries()) {
    if (part.at("use_pickle").value === true) {
      throw new ServingError("unimplemented", `the weight "${key.slice(0, 128)}" is pickled, which is not covered`);
    }
    if (!part.at("tensor_meta").isThere) continue;
    places.set(key, { file: folder + part.at("path_name").text(), meta: part.at("tensor_meta") });
  }
  return places;
}

async function readJson(archive: ZipArchive, entry: ZipEntry, signal: AbortSignal): Promise<ExportedPart> {
  if (entry.size > MOST_JSON) throw new ServingError("resource-exhausted", `${entry.name} has more than 512 MiB`);
  const bytes = await archive.read(entry, signal);
  throwIfAborted(signal);
  const name = entry.name.replace(/^.*\//, "");
  return new ExportedPart(parseProgramJson(bytes.toString("utf8"), name), name);
}
