import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { inlineArray } from "../../codec/pickle/numpy-array.ts";
import type { PickleName, PickleValue } from "../../codec/pickle/pickle-value.ts";
import { readPickle } from "../../codec/pickle/read-pickle.ts";
import { packingOf, unpackPickle } from "../../codec/pickle/unpack-pickle.ts";
import { readSkopsFile } from "../../codec/skops/read-skops-file.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { modelBytes } from "../model-bytes.ts";
import type { WholePickles } from "../pickled-booster.ts";
import { withModelFile } from "../with-model-file.ts";
import { isOfModel } from "./allowed-names.ts";
import { compileModel } from "./compile-model.ts";
import { findModelFiles, onlyName } from "./model-file.ts";

/** What becomes of models that are not covered here. */
const WAY_OUT = "; skl2onnx may make ONNX of it; a Python worker can serve it (--allow_code)";

/** Models of scikit-learn, pickled by Python or joblib. @param boosters reads other libraries' estimators in them */
export function sklearnPlatformWith(boosters: WholePickles | undefined): Platform {
  return { ...sklearnPlatform, read: (path, signal) => read(path, signal, boosters) };
}

/** As {@link sklearnPlatformWith}, without other libraries' estimators. */
export const sklearnPlatform = {
  name: "sklearn",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFiles(path);
    return finding && { why: finding.why };
  },

  read: (path: string, signal: AbortSignal): Promise<TabularProgram> => read(path, signal, undefined),
} satisfies Platform;

/** Nothing in the pickle is run. Its numbers are checked: the program's trees lead nowhere but to their leaves. */
async function read(path: string, signal: AbortSignal, boosters: WholePickles | undefined): Promise<TabularProgram> {
  const finding = await findModelFiles(path);
  if (finding === undefined) throw new ServingError("not-found", "there is no pickle of scikit-learn's");
  const name = onlyName(finding);
  const file = await withModelFile(join(finding.folder, name), name, (handle) => modelBytes(handle, name, signal));
  try {
    const model = await modelIn(name, file, signal, boosters);
    await setImmediate();
    throwIfAborted(signal);
    return await compileModel(model, file.length, signal, boosters);
  } catch (reason) {
    if (!(reason instanceof ServingError) || signal.aborted) throw reason;
    const way = reason.code === "unimplemented" ? WAY_OUT : "";
    throw new ServingError(reason.code, `${name}: ${reason.message}${way}`, { cause: reason });
  }
}

/** The plain data that a file has: a pickle, or an archive of skops's. */
async function modelIn(
  name: string,
  file: Buffer,
  signal: AbortSignal,
  boosters: WholePickles | undefined,
): Promise<PickleValue> {
  const allows = (each: PickleName) => isOfModel(each) || boosters?.allows(each) === true;
  if (packingOf(file) === "zip") return readSkopsFile(name, file, allows, signal);
  const pickle = await unpackPickle(file, signal);
  throwIfAborted(signal);
  return readPickle(pickle, { allows, inline: inlineArray });
}
