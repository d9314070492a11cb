import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { abortError, throwIfAborted } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";

const POLL_MS = 250;
/** How often whoever holds a lock shows that it lives, and how long one that shows nothing is believed. */
const BEAT_MS = 5_000;
const BELIEVED_MS = 60_000;

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Tells two locks of one process apart. */
  readonly token: string;
}

const heldHere = new Set<string>();

/**
 * Does `work` while no other process, nor other call in this one, does any under the same lock file; waits for its turn. A lock whose
 * process is gone, or which shows no life for a minute (it may be another machine's), is taken over. Not to be called from two threads of
 * one process.
 */
export async function withInstallLock<T>(clock: Clock, path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const token = randomUUID();
  await mkdir(dirname(path), { recursive: true });
  heldHere.add(token);
  try {
    await acquire(clock, path, token, signal);
    const stopBeating = beat(clock, path);
    try {
      return await work();
    } finally {
      stopBeating();
      if ((await holderOf(path))?.token === token) await rm(path, { force: true });
    }
  } finally {
    heldHere.delete(token);
  }
}

async function acquire(clock: Clock, path: string, token: string, signal: AbortSignal): Promise<void> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), token } satisfies Holder);
  let shown = "";
  let since = clock.now();
  while (!(await create(path, mine))) {
    throwIfAborted(signal);
    const life = await lifeSign(path);
    if (life !== shown) {
      shown = life;
      since = clock.now();
    }
    const holder = await holderOf(path);
    if (holder !== undefined && (isGone(holder) || clock.now() - since >= BELIEVED_MS)) await takeAway(path, holder);
    else await pause(clock, signal);
  }
}

/** Whoever reads it before its content is there takes it for a lock that shows no life yet. */
async function create(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: "wx" });
    return true;
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw reason;
  }
}

/** Of two that find the same lock stale only one moves it away; who moved a new one by that puts it back. */
async function takeAway(path: string, { token }: Holder): Promise<void> {
  const moved = `${path}.${randomUUID()}`;
  try {
    await rename(path, moved);
    if ((await holderOf(moved))?.token !== token) await create(path, await readFile(moved, "utf8"));
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== "ENOENT") throw reason;
  } finally {
    await rm(moved, { force: true });
  }
}

function isGone({ pid, host, token }: Holder): boolean {
  if (host !== hostname()) return false;
  // In a container every run has the same few numbers.
  if (pid === process.pid) return !heldHere.has(token);
  try {
    process.kill(pid, 0);
    return false;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Who holds the lock; undefined when nobody does. What is no lock of ours counts as one that shows no life. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const text = await readFile(path, "utf8");
    try {
      const { pid, host, token } = JSON.parse(text) as Partial<Holder>;
      if (typeof pid === "number" && typeof host === "string" && typeof token === "string") return { pid, host, token };
    } catch {}
    return { pid: 0, host: "", token: "" };
  } catch {
    return undefined;
  }
}

async function lifeSign(path: string): Promise<string> {
  return await stat(path).then(
    ({ mtimeMs, ino }) => `${ino} ${mtimeMs}`,
    () => "",
  );
}

function beat(clock: Clock, path: string): () => void {
  let stopped = false;
  let timer = clock.after(BEAT_MS, function again() {
    const now = new Date();
    void utimes(path, now, now)
      .catch(() => undefined)
      .then(() => {
        if (!stopped) timer = clock.after(BEAT_MS, again);
      });
  });
  return () => {
    stopped = true;
    timer.cancel();
  };
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      timer.cancel();
      reject(abortError(signal));
    };
    const timer = clock.after(POLL_MS, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}
