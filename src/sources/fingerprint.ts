import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { companionFile } from "./companion-file.ts";
import { attributeTrust } from "./listing-trust.ts";
import { prefixFiles } from "./prefix-files.ts";

/** What can be told of a folder or file without reading it. */
export interface Fingerprint {
  /** Changes when a name, a size, a modification time or (where files keep theirs) an inode below the path does. */
  readonly digest: string;
  /** Everything that was looked at below the path. */
  readonly paths: readonly string[];
  /** Number of files. */
  readonly files: number;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Milliseconds since 1970 of the last change to any file, by the file system's clock. */
  readonly changedAtMs: number;
  /**
   * Whether the path was moved into place after its content was last written: its own attributes and the folder it lies in changed then.
   * What is still being written does not look like that. (Attributes alone do not tell: rsync sets those of a folder whose subfolders
   * are still to come.)
   */
  readonly published: boolean;
  /** Whether times and sizes are of this moment and by this machine's clock. */
  readonly current: boolean;
  /** Whether something below the path could not be looked at; whoever loads it finds out why. */
  readonly unreadable: boolean;
}

/** Looks in progress at once: a folder of thousands of files must not fill the queue that others wait in. */
const LOOKS_AT_ONCE = 8;

interface Survey {
  /** Still to be looked at: path, and name below the root. */
  readonly waiting: [path: string, name: string][];
  readonly paths: string[];
  readonly lines: string[];
  /** Real folders entered, against loops of links. */
  readonly entered: Set<string>;
  readonly inodes: boolean;
  files: number;
  bytes: number;
  changedAtMs: number;
  /** The last change of content, the change of the path's own attributes left out. */
  writtenAtNs: bigint;
  /** When the path's own attributes (its name is one) were last changed. */
  touchedAtNs: bigint;
  unreadable: boolean;
}

/** Looks at everything below `path`, through symbolic links, at a bare file's companion, and at the files that a prefix is one of. Never rejects: what vanished or is closed shows in the digest. */
export async function takeFingerprint(path: string): Promise<Fingerprint> {
  const { current, inodes } = await attributeTrust(path);
  const survey: Survey = {
    waiting: [[path, ""]],
    paths: [],
    lines: [],
    entered: new Set(),
    inodes,
    files: 0,
    bytes: 0,
    changedAtMs: 0,
    writtenAtNs: 0n,
    touchedAtNs: 0n,
    unreadable: false,
  };
  await visitAll(survey);
  const digest = createHash("sha256").update(survey.lines.sort().join("\n")).digest("base64");
  const { paths, files, bytes, changedAtMs, unreadable } = survey;
  const published = current && survey.touchedAtNs > survey.writtenAtNs && (await wasMovedInto(path, survey.touchedAtNs));
  return { digest, paths, files, bytes, changedAtMs, published, current, unreadable };
}

/** Between the two times that one move leaves, where they are not of the same tick. */
const ONE_MOVE_NS = 1_000_000n;

/** Whether the folder that a path lies in was changed when the path's own attributes were, or later. */
async function wasMovedInto(path: string, touchedAtNs: bigint): Promise<boolean> {
  const parent = await stat(dirname(path), { bigint: true }).catch(() => undefined);
  return parent !== undefined && parent.mtimeNs + ONE_MOVE_NS >= touchedAtNs;
}

async function visitAll(survey: Survey): Promise<void> {
  const { waiting } = survey;
  while (waiting.length > 0) {
    const batch = waiting.splice(-LOOKS_AT_ONCE);
    await Promise.all(batch.map(([path, name]) => visit(path, name, survey)));
  }
}

async function visit(path: string, name: string, survey: Survey): Promise<void> {
  try {
    const entry = await stat(path, { bigint: true });
    if (entry.isDirectory()) await visitFolder(path, name, entry, survey);
    else {
      recordFile(name, entry, survey);
      if (name === "") await visitCompanion(path, survey);
    }
  } catch (reason) {
    const code = (reason as NodeJS.ErrnoException).code ?? "unknown";
    if (name === "" && code === "ENOENT" && (await waitForPrefix(path, survey))) return;
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
  noteChange(survey, entry, name === "");
  for (const child of await readdir(path)) {
    const below = join(path, child);
    survey.paths.push(below);
    survey.waiting.push([below, `${name}/${child}`]);
  }
}

/** Whether there are files that begin with the name of a path that is not there; they are looked at next. */
async function waitForPrefix(path: string, survey: Survey): Promise<boolean> {
  const files = await prefixFiles(path);
  for (const file of files) {
    survey.paths.push(file);
    survey.waiting.push([file, `/${basename(file)}`]);
  }
  return files.length > 0;
}

async function visitCompanion(path: string, survey: Survey): Promise<void> {
  const companion = companionFile(path);
  const entry = await stat(companion, { bigint: true }).catch(() => undefined);
  if (entry === undefined) return;
  survey.paths.push(companion);
  recordFile(`/${basename(companion)}`, entry, survey);
}

function recordFile(name: string, entry: BigIntStats, survey: Survey): void {
  survey.lines.push(JSON.stringify([name, `${entry.size}`, `${entry.mtimeNs}`, survey.inodes ? `${entry.ino}` : ""]));
  survey.files++;
  survey.bytes += Number(entry.size);
  noteChange(survey, entry, name === "");
  survey.changedAtMs = Math.max(survey.changedAtMs, Number(entry.ctimeMs));
}

function noteChange(survey: Survey, entry: BigIntStats, isRoot: boolean): void {
  const written = isRoot || entry.ctimeNs < entry.mtimeNs ? entry.mtimeNs : entry.ctimeNs;
  if (isRoot) survey.touchedAtNs = entry.ctimeNs;
  if (written > survey.writtenAtNs) survey.writtenAtNs = written;
  survey.changedAtMs = Math.max(survey.changedAtMs, Number(written / 1_000_000n));
}
