import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { inlineArray } from "../../codec/pickle/numpy-array.ts";
import { readPickle } from "../../codec/pickle/read-pickle.ts";
import { unpackPickle } from "../../codec/pickle/unpack-pickle.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular-program.ts";
import { withModelFile } from "../with-model-file.ts";
import { isOfModel } from "./allowed-names.ts";
import { compileModel } from "./compile-model.ts";
import { findModelFiles, onlyName } from "./model-file.ts";

const CHUNK_BYTES = 4 << 20;
const MOST_BYTES = 2 ** 31 - 1;

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
    const file = await withModelFile(join(finding.folder, name), name, (handle) => bytesOf(handle, name, signal));
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

async function bytesOf(handle: FileHandle, name: string, signal: AbortSignal): Promise<Buffer> {
  const { size } = await handle.stat();
  if (size > MOST_BYTES) throw new ServingError("unimplemented", `${name} has ${size} bytes, more than 2 GiB`);
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  while (length < size) {
    throwIfAborted(signal);
    const { bytesRead } = await handle.read(bytes, length, Math.min(CHUNK_BYTES, size - length), length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}
