import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FileCalls, RequestLogFiles, type RequestLogFilesParts } from "./request-log-files.ts";

let folder: string;
let now = Date.UTC(2026, 0, 2, 3, 4, 5);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "modelport-"));
  now = Date.UTC(2026, 0, 2, 3, 4, 5);
});

afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (length: number, value = 65) => new Uint8Array(length).fill(value);

function filesOf(parts: Partial<RequestLogFilesParts> = {}): RequestLogFiles {
  return new RequestLogFiles({
    prefix: join(folder, "iris"),
    extension: ".log",
    maxFileBytes: 100,
    maxFiles: 3,
    time: () => now,
    ...parts,
  });
}

/** Names and lengths of what is in the folder. */
function found(): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name} ${readFileSync(join(folder, name)).length}`);
}

describe("files of a log", () => {
  test("are named by when they were begun, and numbered within a second", () => {
    const files = filesOf();
    for (let i = 0; i < 2; i++) files.append(bytes(80));
    now += 60_000;
    files.append(bytes(80));
    files.close();
    expect(found()).toEqual(["iris-20260102-030405-0.log 80", "iris-20260102-030405-1.log 80", "iris-20260102-030505-0.log 80"]);
  });

  test("are filled up to their length, and a longer record has one of its own", () => {
    const files = filesOf();
    for (const length of [60, 40, 1, 250, 100, 1]) files.append(bytes(length));
    files.close();
    expect(found().map((line) => line.split(" ")[1])).toEqual(["250", "100", "1"]);
  });

  test("never continue a file that is there, be it of another process", () => {
    writeFileSync(join(folder, "iris-20260102-030405-0.log"), "half a rec");
    const files = filesOf();
    files.append(bytes(5));
    files.close();
    expect(found()).toEqual(["iris-20260102-030405-0.log 10", "iris-20260102-030405-1.log 5"]);
  });

  test("are deleted when there are too many, the oldest first, and no other file", () => {
    const others = ["iris-2.log", "iris-20260102-030405-0.txt", "rose-20250102-030405-0.log", "iris-x-20250101-000000-0.log"];
    for (const name of others) writeFileSync(join(folder, name), "");
    for (const name of ["20250101-000000-10", "20250101-000000-9", "20241231-000000-11"])
      writeFileSync(join(folder, `iris-${name}.log`), "");
    const files = filesOf();
    files.append(bytes(1));
    files.close();
    expect(readdirSync(folder).sort()).toEqual(
      [...others, "iris-20250101-000000-10.log", "iris-20250101-000000-9.log", "iris-20260102-030405-0.log"].sort(),
    );
    files.append(bytes(1));
    files.close();
    expect(existsSync(join(folder, "iris-20250101-000000-9.log"))).toBe(false);
    expect(existsSync(join(folder, "iris-20250101-000000-10.log"))).toBe(true);
  });

  test("tell how many records fit, one at least", () => {
    const files = filesOf();
    expect(files.fitting([bytes(101), bytes(1)])).toBe(1);
    expect(files.fitting([bytes(50), bytes(50), bytes(1)])).toBe(2);
    files.append(bytes(60));
    expect(files.fitting([bytes(40), bytes(1)])).toBe(1);
    expect(files.fitting([bytes(41), bytes(59), bytes(1)])).toBe(2);
    files.close();
  });

  test("are not deleted for being the newest after the clock was set back", () => {
    const files = filesOf({ maxFiles: 2 });
    for (let i = 0; i < 2; i++) files.append(bytes(80));
    now -= 3_600_000;
    for (let i = 0; i < 2; i++) files.append(bytes(81 + i));
    files.close();
    expect(found()).toEqual(["iris-20260102-030405-2.log 81", "iris-20260102-030405-3.log 82"]);
  });

  test("that somebody deleted are not written to any more", () => {
    const files = filesOf();
    files.append(bytes(10));
    rmSync(join(folder, "iris-20260102-030405-0.log"));
    files.append(bytes(20));
    files.close();
    expect(found()).toEqual(["iris-20260102-030405-0.log 20"]);
  });

  test("are not begun where those that are there cannot be listed", () => {
    const opened: string[] = [];
    const calls = {
      fsyncSync,
      closeSync,
      ftruncateSync,
      openSync: (path: string, flags: string) => {
        opened.push(path);
        return openSync(path, flags);
      },
      writeSync: (file: number, data: Uint8Array) => writeSync(file, data),
    };
    const files = filesOf({ prefix: join(folder, "gone", "iris"), calls });
    for (let i = 0; i < 3; i++) expect(() => files.append(bytes(1))).toThrow("ENOENT");
    expect(opened).toEqual([]);
  });

  test("that take nothing any more are left for another one", () => {
    let stale = false;
    const calls = {
      openSync,
      fsyncSync,
      closeSync,
      ftruncateSync,
      writeSync: (file: number, data: Uint8Array) => {
        if (stale) throw Object.assign(new Error("stale file handle"), { code: "ESTALE" });
        return writeSync(file, data);
      },
    };
    const files = filesOf({ calls });
    files.append(bytes(10));
    stale = true;
    expect(() => files.append(bytes(20))).toThrow("stale file handle");
    stale = false;
    files.append(bytes(20));
    files.close();
    expect(found()).toEqual(["iris-20260102-030405-0.log 10", "iris-20260102-030405-1.log 20"]);
  });
});

describe("a disk that is full", () => {
  /** The system's calls, with room for so many bytes. */
  function limited(room: number, cut = true): FileCalls & { room: number } {
    const full = () => Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const calls = {
      room,
      openSync,
      fsyncSync,
      closeSync,
      ftruncateSync: (file: number, length: number) => {
        if (!cut) throw full();
        ftruncateSync(file, length);
      },
      writeSync: (file: number, data: Uint8Array) => {
        const count = Math.min(calls.room, data.length);
        if (count === 0) throw full();
        calls.room -= count;
        return writeSync(file, data, 0, count);
      },
    };
    return calls;
  }

  test("leaves no part of a record behind, and the file goes on when there is room", () => {
    const calls = limited(25);
    const files = filesOf({ calls });
    files.append(bytes(10, 1));
    expect(() => files.append(bytes(20, 2))).toThrow("no space left");
    expect(found()).toEqual(["iris-20260102-030405-0.log 10"]);
    expect(() => files.append(bytes(20, 3))).toThrow("no space left");
    calls.room = 1000;
    files.append(bytes(20, 4));
    files.close();
    expect([...readFileSync(join(folder, "iris-20260102-030405-0.log"))]).toEqual([...bytes(10, 1), ...bytes(20, 4)]);
  });

  test("that cannot be cut leaves the file alone", () => {
    const calls = limited(15, false);
    const files = filesOf({ calls });
    files.append(bytes(10));
    expect(() => files.append(bytes(20))).toThrow("no space left");
    calls.room = 1000;
    files.append(bytes(20));
    files.close();
    expect(found()).toEqual(["iris-20260102-030405-0.log 15", "iris-20260102-030405-1.log 20"]);
  });
});
