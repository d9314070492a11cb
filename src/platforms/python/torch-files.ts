import { open } from "node:fs/promises";
import { extname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { readZipDirectory } from "../../base/zip/zip-directory.ts";
import { filesThatBegin } from "../files-that-begin.ts";

/** What a file of PyTorch's is, which its name does not tell. */
export type TorchKind = "torchscript" | "torch-save" | "exported" | "compiled";

/** A file of PyTorch's. */
export interface TorchFile {
  readonly kind: TorchKind;
  readonly name: string;
}

/** Files of PyTorch's at a path, itself or in the folder. */
export interface TorchFiles {
  readonly bare: boolean;
  readonly folder: string;
  readonly files: readonly TorchFile[];
}

const EXTENSIONS = [".pt", ".pth", ".ts", ".bin", ".ckpt", ".pt2"];
const USUAL = ["model.pt", "model.pth", "model.ts", "model.pt2"];
const ZIP = Buffer.from("PK\x03\x04", "latin1");
/** The pickled number that torch.save began with before it wrote archives. */
const LEGACY = Buffer.from([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]);

/** Looks for files of PyTorch's by their names, first bytes and the names of what they hold; undefined when there is none. */
export async function findTorchFiles(path: string): Promise<TorchFiles | undefined> {
  const found = await filesThatBegin(path, {
    extensions: EXTENSIONS,
    usual: USUAL,
    fits: (first) => first.subarray(0, 4).equals(ZIP) || first.subarray(0, LEGACY.length).equals(LEGACY),
  });
  if (found === undefined) return undefined;
  const files: TorchFile[] = [];
  for (const name of found.names) {
    const kind = await kindOf(join(found.folder, name), name);
    if (kind !== undefined) files.push({ kind, name });
  }
  return files.length === 0 ? undefined : { bare: found.bare, folder: found.folder, files };
}

/** The file that is the model. @throws ServingError invalid-argument, naming the files, when it cannot be told */
export function onlyTorchFile({ files }: TorchFiles): TorchFile {
  const usual = USUAL.map((name) => files.find((each) => each.name === name)).find((each) => each !== undefined);
  if (usual !== undefined) return usual;
  if (files.length === 1) return files[0]!;
  const shown = files.slice(0, 8).map(({ name }) => name);
  throw new ServingError(
    "invalid-argument",
    `which of the ${files.length} files of PyTorch is the model (${shown.join(", ")})? Name it ${USUAL[0]}, or keep each in a folder of its own`,
  );
}

async function kindOf(path: string, name: string): Promise<TorchKind | undefined> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { buffer } = await handle.read(Buffer.alloc(ZIP.length), 0, ZIP.length, 0);
    if (!buffer.equals(ZIP)) return "torch-save";
    const entries = (await readZipDirectory(name, handle)).map((entry) => entry.name.slice(entry.name.indexOf("/") + 1));
    const has = (entry: string) => entries.includes(entry);
    if (entries.some((entry) => entry.startsWith("data/aotinductor/"))) return "compiled";
    if (has("models/model.json") || has("serialized_exported_program.json")) return "exported";
    if (has("constants.pkl") && entries.some((entry) => entry.startsWith("code/"))) return "torchscript";
    return has("data.pkl") ? "torch-save" : undefined;
  } catch {
    // Damaged: whoever reads it says what is wrong. Of the other names many are other programs' archives.
    return [".pt", ".pth"].includes(extname(name)) ? "torch-save" : undefined;
  } finally {
    await handle.close();
  }
}
