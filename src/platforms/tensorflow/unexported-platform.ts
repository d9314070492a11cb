import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import { FileWindow } from "../file-window.ts";
import { withModelFile } from "../with-model-file.ts";
import { FIRST_BYTES } from "./graph-def.ts";
import { refusalOf, UNEXPORTED_KINDS, type UnexportedKind } from "./unexported-file.ts";

/** Most names of a folder that are looked at. */
const MOST_NAMES = 1000;

/** What TensorFlow users have before they export it. Nothing of it can be served; reading it says what to do instead. */
export const unexportedPlatform = {
  name: "tensorflow",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await find(path);
    if (found === undefined) return undefined;
    return { why: found.bare ? `is ${found.kind.what}` : `holds ${found.name}` };
  },

  /** Rejects always. */
  async read(path: string): Promise<never> {
    const found = await find(path);
    throw found === undefined
      ? new ServingError("not-found", "there is no file of TensorFlow's")
      : refusalOf(found.kind, found.name);
  },
} satisfies Platform;

interface Found {
  readonly kind: UnexportedKind;
  readonly name: string;
  /** Whether the path is the file. */
  readonly bare: boolean;
}

async function find(path: string): Promise<Found | undefined> {
  const bare = (await stat(path).catch(() => undefined))?.isFile() ?? false;
  const folder = bare ? dirname(path) : path;
  const beside = await namesIn(folder);
  const names = bare ? [basename(path)] : beside;
  for (const kind of UNEXPORTED_KINDS) {
    // A file that was named is meant, whatever lies beside it.
    const fitting = names.filter((name) => kind.fits(name, beside) || (bare && kind.fits(name, names)));
    for (const name of fitting) if (await begins(kind, join(folder, name), name)) return { kind, name, bare };
  }
  return undefined;
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => !each.isDirectory()).map((each) => each.name);
  return names.sort().slice(0, MOST_NAMES);
}

async function begins(kind: UnexportedKind, file: string, name: string): Promise<boolean> {
  if (kind.begins === undefined) return true;
  const first = await withModelFile(file, name, async (handle) => {
    const { size } = await handle.stat();
    return new FileWindow(handle, size).read(0, Math.min(size, FIRST_BYTES));
  }).catch(() => new Uint8Array());
  return kind.begins(first);
}
