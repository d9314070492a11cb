import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { temporaryFolders } from "../base/test-folders.ts";
import { withInstallLock } from "./install-lock.ts";

const newFolder = temporaryFolders();
const never = new AbortController().signal;

const newLock = () => join(newFolder(), "some.lock");
const lockOf = (pid: number, host = hostname()) => JSON.stringify({ pid, host, token: "a" });

/** Lets time pass until `promise` has settled. */
async function settledBy<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  promise.then(end, end);
  while (!settled) await clock.advance(250);
  return await promise;
}

test("work under one lock is done one after the other, and leaves no lock", async () => {
  const clock = new FakeClock();
  const lock = newLock();
  const events: string[] = [];
  const gate = deferred<void>();
  const started = deferred<void>();
  const first = withInstallLock(clock, lock, never, async () => {
    events.push("first starts");
    started.resolve();
    await gate.promise;
    events.push("first ends");
  });
  await started.promise;
  const second = withInstallLock(clock, lock, never, async () => void events.push("second"));
  await clock.advance(120_000);
  expect(events).toEqual(["first starts"]);
  gate.resolve();
  await first;
  await settledBy(clock, second);
  expect(events).toEqual(["first starts", "first ends", "second"]);
  expect(existsSync(lock)).toBe(false);
});

test("work that fails gives the lock back", async () => {
  const lock = newLock();
  await expect(withInstallLock(new FakeClock(), lock, never, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(lock)).toBe(false);
});

test.each([
  ["a process that is gone", () => lockOf(spawnSync(process.execPath, ["--version"]).pid)],
  ["an earlier process with the number of this one", () => lockOf(process.pid)],
])("the lock of %s is taken over at once", async (_, content) => {
  const lock = newLock();
  writeFileSync(lock, content());
  expect(await withInstallLock(new FakeClock(), lock, never, async () => await readFile(lock, "utf8"))).not.toBe(content());
  expect(existsSync(lock)).toBe(false);
});

test.each([
  ["of another machine", lockOf(1, "elsewhere")],
  ["that cannot be read", "{"],
])("a lock %s is taken over once it has shown no life for a minute", async (_, content) => {
  const clock = new FakeClock();
  const lock = newLock();
  writeFileSync(lock, content);
  await settledBy(
    clock,
    withInstallLock(clock, lock, never, async () => undefined),
  );
  expect(clock.now()).toBeGreaterThanOrEqual(60_000);
});

test("a process that lives is waited for", async () => {
  const clock = new FakeClock();
  const lock = newLock();
  const other = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"]);
  try {
    await once(other, "spawn");
    writeFileSync(lock, lockOf(other.pid!));
    let worked = false;
    const waiting = withInstallLock(clock, lock, never, async () => {
      worked = true;
    });
    await clock.advance(30_000);
    expect(worked).toBe(false);
    await rm(lock);
    await settledBy(clock, waiting);
    expect(worked).toBe(true);
  } finally {
    other.kill();
  }
});

test("waiting ends with an abort", async () => {
  const clock = new FakeClock();
  const lock = newLock();
  writeFileSync(lock, lockOf(1, "elsewhere"));
  const stop = new AbortController();
  const waiting = withInstallLock(clock, lock, stop.signal, async () => undefined);
  stop.abort();
  await expect(settledBy(clock, waiting)).rejects.toMatchObject({ code: "cancelled" });
  expect(existsSync(lock)).toBe(true);
});
