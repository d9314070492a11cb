import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { PythonProgram } from "../../model/python-program.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { readDeclaredSignatures } from "./declared-signatures.ts";

/** The file of a handler. */
const HANDLER = "handler.py";
const ZIP = Buffer.from("PK\x03\x04", "latin1");

/** Folders with a handler of the user's in Python, and archives of TorchServe's. */
export const handlerPlatform = {
  name: "python",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await find(path);
    if (found === undefined) return undefined;
    const what = found.form === "handler" ? "a handler in Python" : "an archive of TorchServe's";
    return { why: found.bare ? `is ${what}` : `holds ${found.file}, ${what}` };
  },

  async read(path: string, signal: AbortSignal): Promise<PythonProgram> {
    const found = await find(path);
    if (found === undefined) throw new ServingError("not-found", `there is no ${HANDLER}`);
    const { form, folder, file, others } = found;
    if (others.length > 0) {
      const all = [file, ...others].join(", ");
      throw new ServingError("invalid-argument", `there are several archives (${all}): keep each in a folder of its own`);
    }
    const declared = await readDeclaredSignatures(folder, file, signal);
    return {
      runtime: "python",
      form,
      folder,
      file,
      runsCode: form === "handler" ? `${file} is Python code` : `${file} is an archive with a handler in Python`,
      ...(declared !== undefined && { declared }),
    };
  },
} satisfies Platform;

interface Found {
  readonly form: "handler" | "archive";
  readonly folder: string;
  readonly file: string;
  /** Whether the path is the file. */
  readonly bare: boolean;
  /** Archives besides. */
  readonly others: readonly string[];
}

async function find(path: string): Promise<Found | undefined> {
  if (await isFile(join(path, HANDLER))) return { form: "handler", folder: path, file: HANDLER, bare: false, others: [] };
  const archives = await filesThatBegin(path, {
    extensions: [".mar"],
    usual: [],
    fits: (first) => first.subarray(0, 4).equals(ZIP),
  });
  const [file, ...others] = archives?.names ?? [];
  if (archives === undefined || file === undefined) return undefined;
  return { form: "archive", folder: archives.folder, file, bare: archives.bare, others };
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
