import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { PythonProgram } from "../../model/python-program.ts";
import { filesThatBegin } from "../files-that-begin.ts";

const EXTENSIONS = [".pkl", ".pickle", ".joblib", ".sav", ".pkl.gz", ".joblib.gz", ".pkl.bz2", ".pkl.xz", ".joblib.z"];
const USUAL = ["model.pkl", "model.pickle", "model.joblib"];

/** Pickled estimators that no reader here covers, as Python itself loads them. */
export const picklePlatform = {
  name: "python",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await find(path);
    return found && { why: found.bare ? "is a pickle" : `holds ${found.name}, a pickle` };
  },

  async read(path: string): Promise<PythonProgram> {
    const found = await find(path);
    if (found === undefined) throw new ServingError("not-found", "there is no pickle");
    const { folder, name } = found;
    return { runtime: "python", form: "pickle", folder, file: name, runsCode: `${name} is a pickle, which is Python code` };
  },
} satisfies Platform;

async function find(path: string): Promise<{ bare: boolean; folder: string; name: string } | undefined> {
  const found = await filesThatBegin(path, { extensions: EXTENSIONS, usual: USUAL, fits: isPickle });
  const name = USUAL.find((each) => found?.names.includes(each)) ?? (found?.names.length === 1 ? found.names[0] : undefined);
  return found === undefined || name === undefined ? undefined : { bare: found.bare, folder: found.folder, name };
}

/** A pickle of protocol 2 to 5, or one that is packed by gzip, zlib, bzip2 or xz. */
function isPickle(first: Buffer): boolean {
  const [a, b] = first;
  if (a === 0x80) return b !== undefined && b >= 2 && b <= 5;
  return (
    (a === 0x1f && b === 0x8b) ||
    (a === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(b ?? 0)) ||
    ["BZ", "\xfd7"].includes(first.toString("latin1", 0, 2))
  );
}
