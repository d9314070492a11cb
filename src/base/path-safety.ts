import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import { ServingError } from "./serving-error.ts";

/**
 * The real path of a file that a model names, relative to the model's own folder `root`.
 *
 * A model is data from elsewhere, so a name in it may reach for any file of the machine. The file is given out only when,
 * with every symbolic link followed, it is a regular file below the real `root`, and not a hard link to a file of another
 * user. Names are `/`-separated on every system; a backslash is refused because systems disagree on what it means.
 *
 * The file must not be replaced between this call and its use: the folder's owner is trusted, its content is not.
 *
 * @throws ServingError invalid-argument that names `relative` only
 */
export async function resolveInside(root: string, relative: string): Promise<string> {
  const fault = nameFault(relative);
  if (fault !== undefined) throw refused(relative, fault);
  const realRoot = await follow(root, relative);
  const path = await follow(join(root, relative), relative);
  if (!path.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw refused(relative, "it leads out of the model's folder");
  }
  const [file, folder] = await Promise.all([stat(path), stat(realRoot)]).catch((cause: unknown) => {
    throw refused(relative, "it cannot be read", cause);
  });
  if (!file.isFile()) throw refused(relative, "it is not a regular file");
  if (file.nlink > 1 && file.uid !== folder.uid) throw refused(relative, "it is a hard link to a file of another owner");
  return path;
}

/** What is wrong with a name by its spelling alone; undefined when nothing is. */
function nameFault(relative: string): string | undefined {
  if (relative.trim() === "") return "the name is empty";
  if (relative.includes("\0")) return "the name holds a NUL character";
  if (relative.includes("\\")) return "the name holds a backslash";
  if (isAbsolute(relative) || /^[A-Za-z]:/.test(relative)) return "the name is absolute";
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(relative)) return "the name is a URL";
  if (relative.split("/").includes("..")) return 'the name holds ".."';
  return undefined;
}

async function follow(path: string, relative: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw refused(relative, code === "ENOENT" || code === "ENOTDIR" ? "there is no such file" : "it cannot be read", cause);
  }
}

function refused(relative: string, why: string, cause?: unknown): ServingError {
  return new ServingError("invalid-argument", `the model names the file ${JSON.stringify(relative)}: ${why}`, { cause });
}
