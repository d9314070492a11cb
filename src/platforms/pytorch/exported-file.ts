import { basename, dirname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { ZipArchive } from "../../base/zip/zip-archive.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { entriesByName, programEntry } from "./read-archive.ts";

/** A file of torch.export's, or several of which none can be chosen. */
export interface ExportedFiles {
  readonly folder: string;
  readonly names: readonly string[];
  readonly why: string;
}

/** What a zip archive begins with. */
const ZIP = Buffer.from("PK\x03\x04", "latin1");
const EXTENSIONS = [".pt2", ".pt", ".pth"];

/** Programs of torch.export at a path, a file or a folder; undefined where there is none. */
export async function findExportedFiles(path: string): Promise<ExportedFiles | undefined> {
  const zips = await filesThatBegin(path, {
    extensions: EXTENSIONS,
    usual: ["model.pt2"],
    fits: (first) => first.subarray(0, 4).equals(ZIP),
  });
  if (zips === undefined) return undefined;
  const folder = zips.bare ? dirname(path) : path;
  const names: string[] = [];
  for (const name of zips.names) if (await isExported(join(folder, name))) names.push(name);
  const [first] = names;
  if (first === undefined) return undefined;
  return { folder, names, why: zips.bare ? "is a program of torch.export" : `holds ${first}, a program of torch.export` };
}

/** The only one of several files. @throws ServingError invalid-argument, with their names, when it is not the only one */
export function onlyExportedFile({ names }: ExportedFiles): string {
  if (names.length === 1) return names[0]!;
  const shown = names.slice(0, 10).join(", ");
  throw new ServingError(
    "invalid-argument",
    `there are several programs of torch.export (${shown}): keep one, or call it model.pt2`,
  );
}

/** Whether an archive holds a program. Damaged archives named `.pt2` are taken for one, so that reading says what is wrong. */
async function isExported(path: string): Promise<boolean> {
  try {
    const entries = entriesByName(await ZipArchive.open(path));
    return programEntry(entries) !== undefined;
  } catch (reason) {
    if (reason instanceof ServingError) return basename(path).endsWith(".pt2");
    throw reason;
  }
}
