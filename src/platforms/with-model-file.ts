import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ServingError } from "../base/serving-error.ts";

/**
 * Opens a model's file for `use` and closes it behind.
 * @param name what errors call it
 * @throws ServingError invalid-argument for what is no regular file, not-found for what cannot be opened or read; both name `name`.
 */
export async function withModelFile<R>(file: string, name: string, use: (handle: FileHandle) => Promise<R>): Promise<R> {
  let handle: FileHandle | undefined;
  try {
    // Not blocking: opening a pipe would wait for whoever writes to it.
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (!(await handle.stat()).isFile()) throw new ServingError("invalid-argument", `${name} is not a regular file`);
    return await use(handle);
  } catch (reason) {
    if (reason instanceof ServingError || !(reason instanceof Error) || !("syscall" in reason)) throw reason;
    throw new ServingError("not-found", `${name} cannot be read`, { cause: reason });
  } finally {
    await handle?.close();
  }
}
