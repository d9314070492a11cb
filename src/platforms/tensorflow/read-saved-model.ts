import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { SavedModel } from "../../codec/saved-model/saved-model.ts";
import { readSavedModel } from "../../codec/saved-model/saved-model.ts";
import { readSavedModelText } from "../../codec/saved-model/saved-model-text.ts";
import { FileWindow } from "../file-window.ts";
import { withModelFile } from "../with-model-file.ts";
import { beginsLikeGraphDef, FIRST_BYTES } from "./graph-def.ts";
import type { SavedModelFolder } from "./saved-model-folder.ts";
import { frozenGraphRefusal } from "./unexported-file.ts";

/** Text is read in one piece, which occupies the thread. */
const MOST_TEXT_BYTES = 256 * 1024 * 1024;

const LFS_POINTER = "version https://git-lfs";

/** What a SavedModel's file says, and its size in bytes. */
export interface SavedModelFile {
  readonly model: SavedModel;
  readonly bytes: number;
}

/**
 * Reads `saved_model.pb`, of any size, or `saved_model.pbtxt`.
 * @throws ServingError that names the file: not-found when it cannot be opened, data-loss when it is damaged, invalid-argument when it is
 * something else.
 */
export async function readSavedModelFile({ folder, file }: SavedModelFolder, signal: AbortSignal): Promise<SavedModelFile> {
  return withModelFile(join(folder, file), file, async (handle) => {
    const { size } = await handle.stat();
    if (size === 0) throw new ServingError("data-loss", `${file} is empty`);
    const window = new FileWindow(handle, size);
    const first = await window.read(0, Math.min(size, FIRST_BYTES));
    if (Buffer.from(first).toString("latin1", 0, LFS_POINTER.length) === LFS_POINTER) {
      throw new ServingError("data-loss", `${file} is only a pointer to a file that Git LFS keeps: fetch it with "git lfs pull"`);
    }
    if (file === "saved_model.pb") {
      if (beginsLikeGraphDef(first)) throw frozenGraphRefusal(file);
      return { model: await readSavedModel(window, file, signal), bytes: size };
    }
    if (size > MOST_TEXT_BYTES) {
      const limit = `${MOST_TEXT_BYTES / 2 ** 20} MiB`;
      throw new ServingError("invalid-argument", `${file} has more than ${limit}: save it as saved_model.pb, without as_text`);
    }
    return { model: readSavedModelText(await handle.readFile({ encoding: "utf8", signal }), file), bytes: size };
  });
}
