import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { inlineArray } from "../../codec/pickle/numpy-array.ts";
import { readPickle } from "../../codec/pickle/read-pickle.ts";
import { unpackPickle } from "../../codec/pickle/unpack-pickle.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular-program.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";
import { isOfModel } from "./allowed-names.ts";
import { compileModel } from "./compile-model.ts";
import { findModelFiles, onlyName } from "./model-file.ts";

/** Models of scikit-learn, pickled by Python or joblib. */
export const sklearnPlatform = {
  name: "sklearn",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFiles(path);
    return finding && { why: finding.why };
  },

  /** Nothing in the pickle is run. Its numbers are checked: the program's trees lead nowhere but to their leaves. */
  async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
    const finding = await findModelFiles(path);
    if (finding === undefined) throw new ServingError("not-found", "there is no pickle of scikit-learn's");
    const name = onlyName(finding);
    const file = await withModelFile(join(finding.folder, name), name, (handle) => modelBytes(handle, name, signal));
    try {
      const pickle = await unpackPickle(file);
      throwIfAborted(signal);
      const model = readPickle(pickle, { allows: isOfModel, inline: inlineArray });
      await setImmediate();
      throwIfAborted(signal);
      return await compileModel(model, file.length, signal);
    } catch (reason) {
      if (!(reason instanceof ServingError) || signal.aborted) throw reason;
      throw new ServingError(reason.code, `${name}: ${reason.message}`, { cause: reason });
    }
  },
} satisfies Platform;
