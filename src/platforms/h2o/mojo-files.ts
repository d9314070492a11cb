import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { ZipArchive } from "../../base/zip/zip-archive.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";

/** Files of a MOJO at most, and bytes: those that are read, unpacked. */
const MOST_FILES = 500_000;
const MOST_BYTES = 2 ** 31 - 1;
/** How much larger than its archive, and 64 MiB, a MOJO may be: text of many like numbers packs well. */
const MOST_RATIO = 200;
const SPARE_BYTES = 64 << 20;

/** The files of a MOJO, which is an archive or a folder. Names have `/`, and lead nowhere else. */
export interface MojoFiles {
  /** What errors call it: `model.zip`. */
  readonly name: string;
  /** Bytes of the archive, or of all files. */
  readonly bytes: number;
  /** How many there are. */
  readonly count: number;
  has(name: string): boolean;
  /** @throws ServingError data-loss when it is not there or damaged; the signal's reason once it aborts */
  read(name: string, signal: AbortSignal): Promise<Buffer>;
}

/** What a MOJO that is no good is refused with; `where` begins with the file's name. */
export function damaged(where: string, what: string, options?: ErrorOptions): ServingError {
  return new ServingError("data-loss", `${where} ${what}; save the model again with model.download_mojo()`, options);
}

/** What a model is refused with that is not covered here. */
export function notCovered(where: string, what: string): ServingError {
  return new ServingError("unimplemented", `${where}: ${what} is not covered here`);
}

/**
 * The archive at a path.
 * @throws ServingError data-loss for what is none; resource-exhausted for one that unpacks to far more than it is
 */
export async function openArchive(path: string): Promise<MojoFiles> {
  const name = basename(path);
  const { size: bytes } = await stat(path);
  const archive = await ZipArchive.open(path);
  const entries = new Map(archive.entries.map((entry) => [entry.name, entry]));
  let unpacked = 0;
  for (const entry of archive.entries) if (isRead(entry.name)) unpacked += entry.size;
  const most = Math.min(MOST_BYTES, SPARE_BYTES + MOST_RATIO * bytes);
  if (unpacked > most || entries.size > MOST_FILES) {
    throw new ServingError(
      "resource-exhausted",
      `${name} has ${bytes} bytes and unpacks to ${unpacked} in ${entries.size} files, more than the ${most} in ${MOST_FILES} that are read`,
    );
  }
  return {
    name,
    bytes,
    count: entries.size,
    has: (file) => entries.has(file),
    read: async (file, signal) => {
      const entry = entries.get(file);
      if (entry === undefined) throw damaged(name, `has no ${file}`);
      return await archive.read(entry, signal);
    },
  };
}

/**
 * The files below a folder.
 * @throws ServingError resource-exhausted for too many files or bytes
 */
export async function openFolder(path: string): Promise<MojoFiles> {
  const name = basename(path);
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  if (entries.length > MOST_FILES) {
    throw new ServingError(
      "resource-exhausted",
      `${name} has ${entries.length} files, more than the ${MOST_FILES} that are read`,
    );
  }
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)));
  const names = new Set(files.map((file) => file.split(sep).join("/")));
  let bytes = 0;
  for (const file of names) if (isRead(file)) bytes += (await stat(join(path, file)).catch(() => undefined))?.size ?? 0;
  if (bytes > MOST_BYTES) throw new ServingError("resource-exhausted", `${name} has ${bytes} bytes, more than 2 GiB`);
  return {
    name,
    bytes,
    count: names.size,
    has: (file) => names.has(file),
    read: async (file, signal) => {
      throwIfAborted(signal);
      if (!names.has(file)) throw damaged(name, `has no ${file}`);
      return await withModelFile(join(path, file), `${name}/${file}`, (handle) => modelBytes(handle, file, signal));
    },
  };
}

/** The files of a MOJO in a MOJO. */
export function nestedFiles(files: MojoFiles, folder: string): MojoFiles {
  return {
    name: `${files.name}: ${folder}`,
    bytes: files.bytes,
    count: files.count,
    has: (file) => files.has(folder + file),
    read: (file, signal) => files.read(folder + file, signal),
  };
}

/** What only describes a model is left alone. */
function isRead(name: string): boolean {
  return !name.endsWith("_aux.bin") && !name.startsWith("experimental/") && !name.includes("/experimental/");
}
