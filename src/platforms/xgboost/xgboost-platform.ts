import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular-program.ts";
import { withModelFile } from "../with-model-file.ts";
import { findModelFile, onlyFile } from "./model-file.ts";
import { readModel } from "./read-model.ts";

const CHUNK_BYTES = 4 << 20;
const MOST_BYTES = 2 ** 31 - 1;

/** Models of XGBoost, as JSON, UBJSON or in its former binary form. */
export const xgboostPlatform = {
  name: "xgboost",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFile(path);
    return finding && { why: finding.why };
  },

  /** Every index of the file is checked: the program's trees lead nowhere but to their leaves. */
  async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
    const finding = await findModelFile(path);
    if (finding === undefined) throw new ServingError("not-found", "there is no model of XGBoost");
    const { folder, name } = onlyFile(finding);
    const bytes = await withModelFile(join(folder, name), name, (handle) => bytesOf(handle, name, signal));
    return readModel(bytes, name, signal);
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
