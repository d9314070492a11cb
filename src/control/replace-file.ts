import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServingError } from "../base/serving-error.ts";

/** Age in milliseconds from which a temporary file is one that a killed process left. */
const ABANDONED_MS = 60_000;

/** What a new file's mode is, before the umask. */
const NEW_FILE_MODE = 0o644;

const NO_SUCH_FILE = "ENOENT";

/**
 * Puts a text in the place of a file as a whole: whoever reads it, also after a crash of process or machine, finds the old
 * content or the new one. A symbolic link stays one, its target is replaced. Mode stays; owner too, where that is allowed.
 *
 * @param what names the file in errors
 * @throws ServingError failed-precondition with the system's code when that cannot be done; the old file is as it was then
 */
export async function replaceFile(path: string, text: string, what: string): Promise<void> {
  try {
    const target = await realpath(path).catch((reason: unknown) => missing(reason, path));
    const folder = dirname(target);
    const prefix = `.${basename(target)}.`;
    await removeAbandoned(folder, prefix);
    const temporary = join(folder, `${prefix}${randomBytes(6).toString("hex")}.tmp`);
    try {
      await writeSynced(temporary, text, await stat(target).catch((reason: unknown) => missing(reason, undefined)));
      await rename(temporary, target);
    } catch (reason) {
      await rm(temporary, { force: true });
      throw reason;
    }
    await syncFolder(folder);
  } catch (cause) {
    const { code = "unknown reason" } = cause as NodeJS.ErrnoException;
    throw new ServingError("failed-precondition", `${what} cannot be written (${code})`, { cause });
  }
}

/** `instead` when there is no such file; any other reason is thrown again. */
function missing<Value>(reason: unknown, instead: Value): Value {
  if ((reason as NodeJS.ErrnoException).code === NO_SUCH_FILE) return instead;
  throw reason;
}

async function writeSynced(path: string, text: string, like: Stats | undefined): Promise<void> {
  // Nobody else may read it before it has the mode of the file it replaces.
  const file = await open(path, "wx", like === undefined ? NEW_FILE_MODE : 0o600);
  try {
    await file.writeFile(text, "utf8");
    if (like !== undefined) await takeOwnerAndMode(file, like);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function takeOwnerAndMode(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await file.stat();
  if (own.uid !== uid || own.gid !== gid) {
    // Only the superuser may give a file away; a config that its server may write is best kept all the same.
    await file.chown(uid, gid).catch((reason: unknown) => {
      if ((reason as NodeJS.ErrnoException).code !== "EPERM") throw reason;
    });
  }
  await file.chmod(mode & 0o7777);
}

/** Makes the new name last through a crash of the machine; some file systems, and Windows, have no way to ask for it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

async function removeAbandoned(folder: string, prefix: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{12}\.tmp$/.test(name.slice(prefix.length))) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}
