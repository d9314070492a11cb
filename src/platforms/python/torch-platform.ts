import { readdir } from "node:fs/promises";
import { join, parse } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { readZipDirectory } from "../../base/zip/zip-directory.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { PythonProgram } from "../../model/python-program.ts";
import { withModelFile } from "../with-model-file.ts";
import { readDeclaredSignatures } from "./declared-signatures.ts";
import { findTorchFiles, onlyTorchFile, type TorchFile, type TorchKind } from "./torch-files.ts";

const KINDS: Readonly<Record<TorchKind, string>> = {
  torchscript: "TorchScript",
  "torch-save": "saved by torch.save",
  exported: "a program of torch.export",
  compiled: "a package of AOTInductor",
};

/** What PyTorch's own library has to run: TorchScript, modules and weights that torch.save wrote. */
export const torchPlatform = {
  name: "pytorch",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await findTorchFiles(path);
    if (found === undefined) return undefined;
    const [first] = found.files;
    const { name, kind } = found.files.length === 1 ? first! : (usual(found.files) ?? first!);
    return { why: found.bare ? `is ${KINDS[kind]}` : `holds ${name}, ${KINDS[kind]}` };
  },

  read: readTorchProgram,
} satisfies Platform;

/** The program of the file of PyTorch's at a path, of whatever kind. */
export async function readTorchProgram(path: string, signal: AbortSignal): Promise<PythonProgram> {
  const found = await findTorchFiles(path);
  if (found === undefined) throw new ServingError("not-found", "there is no file of PyTorch's");
  const { folder } = found;
  const { name: file, kind } = onlyTorchFile(found);
  if (kind === "compiled") {
    throw new ServingError(
      "unimplemented",
      `${file} is a package of AOTInductor, machine code for one kind of machine: export the model with torch.export.save`,
    );
  }
  // A damaged archive fails here, by name, and not in a worker.
  await withModelFile(join(folder, file), file, async (handle) => {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    if (buffer.toString("latin1") === "PK") await readZipDirectory(file, handle);
  });
  const codeFile = kind === "torch-save" ? await codeFileOf(folder, file) : undefined;
  const runsCode = codeOf(kind, file, codeFile);
  const declared = await readDeclaredSignatures(folder, file, signal);
  return {
    runtime: "python",
    form: kind,
    folder,
    file,
    ...(codeFile !== undefined && { codeFile }),
    ...(runsCode !== undefined && { runsCode }),
    ...(declared !== undefined && { declared }),
  };
}

function usual(files: readonly TorchFile[]): TorchFile | undefined {
  return files.find(({ name }) => parse(name).name === "model");
}

function codeOf(kind: TorchKind, file: string, codeFile: string | undefined): string | undefined {
  switch (kind) {
    case "torchscript":
      return undefined;
    case "torch-save":
      return codeFile === undefined
        ? `${file} is a pickle of PyTorch's, which is Python code`
        : `${file} needs ${codeFile}, which is Python code`;
    case "exported":
    case "compiled":
      return `${file} is read by PyTorch, which may run Python code that is in it`;
  }
}

/** The Python file with the class of what torch.save wrote: of the same stem, `model.py`, or the only one. */
async function codeFileOf(folder: string, file: string): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((each) => !each.isDirectory() && each.name.endsWith(".py")).map((each) => each.name);
  const named = [`${parse(file).name}.py`, "model.py"].find((name) => names.includes(name));
  return named ?? (names.length === 1 ? names[0] : undefined);
}
