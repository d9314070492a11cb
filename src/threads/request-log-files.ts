import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync, unlinkSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How log files are cut into pieces. */
export interface RequestLogFileLimits {
  /** A file that would become longer is ended; a single longer record has a file of its own. */
  readonly maxFileBytes: number;
  /** Files of one prefix; the oldest are deleted. */
  readonly maxFiles: number;
}

/** The calls of `node:fs` that log files are written by. */
export interface FileCalls {
  readonly openSync: (path: string, flags: string) => number;
  readonly writeSync: (file: number, bytes: Uint8Array, offset: number) => number;
  readonly ftruncateSync: (file: number, length: number) => void;
  readonly fsyncSync: (file: number) => void;
  readonly closeSync: (file: number) => void;
}

const NODE_CALLS: FileCalls = { openSync, writeSync, ftruncateSync, fsyncSync, closeSync };

/** What {@link RequestLogFiles} is made of. */
export interface RequestLogFilesParts extends RequestLogFileLimits {
  /** Absolute: folder and first part of the files' names. */
  readonly prefix: string;
  /** With its dot. */
  readonly extension: string;
  /** Milliseconds since 1970. */
  readonly time: () => number;
  /** Default: those of `node:fs`. */
  readonly calls?: FileCalls;
}

/** One more record has no room; what was written stays as it is, and there may be room later. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT"]);

/** The file that is written to. */
interface OpenFile {
  readonly descriptor: number;
  /** Where the next record goes: right after the last whole one. */
  size: number;
}

/**
 * The files of one prefix, written to one after another: `PREFIX-YYYYMMDD-HHMMSS-N.EXTENSION`, with the time (UTC) at which it was
 * begun and a number that tells files of one second apart. Names ascend even when the clock is set back: the time is then that of the
 * newest file there. No file is ever continued by another process, so that what one left unfinished when it was killed is at the end of a
 * file of its own; nor is one that somebody deleted.
 *
 * Every method throws what the file system throws. What was appended before stays, and a record is in a file as a whole or not at all,
 * unless the file system refuses to cut it off again: the file is then left alone.
 */
export class RequestLogFiles {
  readonly #parts: RequestLogFilesParts;
  readonly #calls: FileCalls;
  #file: OpenFile | undefined;

  constructor(parts: RequestLogFilesParts) {
    this.#parts = parts;
    this.#calls = parts.calls ?? NODE_CALLS;
  }

  /** How many of `records` fit the current file, one at least: those that one {@link append} may take. */
  fitting(records: readonly Uint8Array[]): number {
    let size = this.#file?.size ?? 0;
    if (size > 0 && size + records[0]!.length > this.#parts.maxFileBytes) size = 0;
    let count = 0;
    for (const record of records) {
      size += record.length;
      if (count > 0 && size > this.#parts.maxFileBytes) break;
      count++;
    }
    return count;
  }

  /** Writes whole records, in the next file where they would make this one too long. */
  append(bytes: Uint8Array): void {
    if (this.#file !== undefined && this.#file.size > 0 && this.#file.size + bytes.length > this.#parts.maxFileBytes)
      this.close();
    // What is written to a file that has no name any more is lost, and would be counted as written.
    if (this.#file !== undefined && fstatSync(this.#file.descriptor).nlink === 0) this.close();
    this.#file ??= this.#open();
    const file = this.#file;
    let written = 0;
    try {
      while (written < bytes.length) written += this.#calls.writeSync(file.descriptor, bytes.subarray(written), 0);
      file.size += bytes.length;
    } catch (reason) {
      if (written > 0) this.#cutOff(file);
      if (!NO_ROOM.has((reason as NodeJS.ErrnoException).code)) this.#leave();
      throw reason;
    }
  }

  /** Makes sure that the file is on the disk, and ends it. */
  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      this.#calls.fsyncSync(file.descriptor);
    } finally {
      this.#calls.closeSync(file.descriptor);
    }
  }

  /** Takes away the part of a record that was written before the disk was full. */
  #cutOff(file: OpenFile): void {
    try {
      this.#calls.ftruncateSync(file.descriptor, file.size);
    } catch {
      this.#leave();
    }
  }

  /** Lets go of a file that takes nothing any more: the next record goes to another one. */
  #leave(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      this.#calls.closeSync(file.descriptor);
    } catch {
      // Whoever writes is told what went wrong first.
    }
  }

  #open(): OpenFile {
    const { prefix, extension, time } = this.#parts;
    // Listed before a file is made: where that fails none could be deleted either, and every attempt would leave one behind.
    const earlier = logFiles(readdirSync(dirname(prefix)), basename(prefix), extension);
    const newest = earlier.at(-1);
    const now = new Date(time()).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
    const begun = newest === undefined || newest.begun < now ? now : newest.begun;
    for (let number = newest?.begun === begun ? newest.number + 1 : 0; ; number++) {
      try {
        const descriptor = this.#calls.openSync(`${prefix}-${begun}-${number}${extension}`, "ax");
        this.#deleteOldest(earlier);
        return { descriptor, size: 0 };
      } catch (reason) {
        if ((reason as NodeJS.ErrnoException).code !== "EEXIST") throw reason;
      }
    }
  }

  /** Makes room for one more file. */
  #deleteOldest(earlier: readonly LogFile[]): void {
    const { prefix, maxFiles } = this.#parts;
    for (const { name } of earlier.slice(0, Math.max(0, earlier.length + 1 - maxFiles))) {
      try {
        unlinkSync(join(dirname(prefix), name));
      } catch {
        // Another server of the same prefix was faster, or somebody wants to keep it.
      }
    }
  }
}

interface LogFile {
  readonly name: string;
  readonly begun: string;
  readonly number: number;
}

/** Which of a folder's files are logs of a prefix, oldest first. */
function logFiles(names: readonly string[], prefix: string, extension: string): readonly LogFile[] {
  const logs: LogFile[] = [];
  for (const name of names) {
    if (!name.startsWith(`${prefix}-`) || !name.endsWith(extension)) continue;
    const match = /^(\d{8}-\d{6})-(\d{1,15})$/.exec(name.slice(prefix.length + 1, -extension.length));
    if (match !== null) logs.push({ name, begun: match[1]!, number: Number(match[2]) });
  }
  return logs.sort((a, b) => (a.begun === b.begun ? a.number - b.number : a.begun < b.begun ? -1 : 1));
}
