import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** An input that is kept in a file. */
export interface CorpusEntry {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The inputs kept for a target, by name. `folder` is the one with a folder for each target. */
export function readCorpus(folder: string, target: string): readonly CorpusEntry[] {
  const own = join(folder, target);
  if (!existsSync(own)) return [];
  return readdirSync(own)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(own, name)) }));
}

/** Keeps an input that a target failed on; the file's name, to be changed to one that says what it was. */
export function keepCrash(folder: string, target: string, input: Uint8Array): string {
  const name = `crash-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`;
  mkdirSync(join(folder, target), { recursive: true });
  writeFileSync(join(folder, target, name), input);
  return name;
}
