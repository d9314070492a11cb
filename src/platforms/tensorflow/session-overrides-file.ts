import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { resolveInside } from "../../base/path-safety.ts";
import { ServingError } from "../../base/serving-error.ts";
import { readSessionOverrides } from "../../codec/saved-model/session-overrides.ts";
import { withModelFile } from "../with-model-file.ts";

const FILE = "assets.extra/saved_model_config.pb";
const MOST_BYTES = 1024 * 1024;

/**
 * What a SavedModel's `assets.extra/saved_model_config.pb` changes of the session, a serialized `tensorflow.ConfigProto`; undefined when
 * it has none or it changes nothing.
 *
 * @throws ServingError invalid-argument or data-loss for a file that cannot be read, naming it.
 */
export async function sessionOverrides(folder: string): Promise<Uint8Array | undefined> {
  if ((await lstat(join(folder, FILE)).catch(() => undefined)) === undefined) return undefined;
  return withModelFile(await resolveInside(folder, FILE), FILE, async (handle) => {
    if ((await handle.stat()).size > MOST_BYTES) {
      throw new ServingError("invalid-argument", `${FILE} has more than ${MOST_BYTES} bytes, which no SavedModelConfig needs`);
    }
    const bytes = await handle.readFile();
    try {
      return readSessionOverrides(bytes);
    } catch (cause) {
      throw new ServingError("data-loss", `${FILE} is not a SavedModelConfig`, { cause });
    }
  });
}
