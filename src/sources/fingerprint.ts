import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What can be told of a folder or file without reading it. */
export interface Fingerprint {
  /** Changes when a name, a size, a modification time or an inode below the path does. */
  readonly digest: string;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Milliseconds since 1970 of the last change to any file, by the file system's clock. */
  readonly changedAtMs: number;
  /** Whether something below the path could not be looked at; whoever loads it finds out why. */
  readonly unreadable: boolean;
}

interface Survey {
  readonly lines: string[];
  /** Real folders entered, against loops of links. */
  readonly entered: Set<string>;
  bytes: number;
  changedAtMs: number;
  unreadable: boolean;
}

/** Looks at everything below `path`, through symbolic links. Never rejects: what vanished or is closed shows in the digest. */
export async function takeFingerprint(path: string): Promise<Fingerprint> {
  const survey: Survey = { lines: [], entered: new Set(), bytes: 0, changedAtMs: 0, unreadable: false };
  await visit(path, "", survey);
  const digest = createHash("sha256").update(survey.lines.sort().join("\n")).digest("base64");
  return { digest, bytes: survey.bytes, changedAtMs: survey.changedAtMs, unreadable: survey.unreadable };
}

async function visit(path: string, name: string, survey: Survey): Promise<void> {
  try {
    const entry = await stat(path, { bigint: true });
    if (entry.isDirectory()) await visitFolder(path, name, entry, survey);
    else recordFile(name, entry, survey);
  } catch (reason) {
    const code = (reason as NodeJS.ErrnoException).code ?? "unknown";
    survey.lines.push(JSON.stringify([name, code]));
    if (code !== "ENOENT") survey.unreadable = true;
  }
}

async function visitFolder(path: string, name: string, entry: BigIntStats, survey: Survey): Promise<void> {
  const identity = `${entry.dev}:${entry.ino}`;
  if (survey.entered.has(identity)) return;
  survey.entered.add(identity);
  survey.lines.push(JSON.stringify([name, "folder"]));
  // Moving a finished folder into place changes its own ctime; that must not count, publication by rename is the best one.
  noteChange(survey, entry.mtimeMs, name === "" ? undefined : entry.ctimeMs);
  const children = await readdir(path);
  await Promise.all(children.map((child) => visit(join(path, child), `${name}/${child}`, survey)));
}

function recordFile(name: string, entry: BigIntStats, survey: Survey): void {
  survey.lines.push(JSON.stringify([name, `${entry.size}`, `${entry.mtimeNs}`, `${entry.ino}`]));
  survey.bytes += Number(entry.size);
  noteChange(survey, entry.mtimeMs, entry.ctimeMs);
}

function noteChange(survey: Survey, modifiedMs: bigint, changedMs = modifiedMs): void {
  survey.changedAtMs = Math.max(survey.changedAtMs, Number(modifiedMs), Number(changedMs));
}
