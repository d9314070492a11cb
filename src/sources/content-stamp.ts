import type { Stats } from "node:fs";
import { sameStamp, tellsOfChanges } from "./listing-trust.ts";
import { pathStats } from "./path-stats.ts";

/** Files and folders that may be watched this way; with more, a fingerprint is little dearer. */
const MOST_PATHS = 64;

/**
 * The attributes of everything that a fingerprint has seen: while they stay the same, taking it again is in vain. Quicker than that,
 * because nothing is listed and nothing hashed.
 */
export class ContentStamp {
  readonly #entries: readonly { readonly path: string; readonly stats: Stats }[];

  private constructor(entries: readonly { readonly path: string; readonly stats: Stats }[]) {
    this.#entries = entries;
  }

  /**
   * Taken before the fingerprint that it stands for, so that what changes in between is found by the next look. Undefined when a
   * change could go unseen: something is gone, was changed less than `settledForMs` before `wall`, or is a folder that does not tell.
   */
  static async take(paths: readonly string[], wall: number, settledForMs: number): Promise<ContentStamp | undefined> {
    if (paths.length > MOST_PATHS) return undefined;
    const entries: { path: string; stats: Stats }[] = [];
    for (const path of paths) {
      const stats = await pathStats(path).catch(() => undefined);
      if (stats === undefined || !(await tellsOfChanges(path, stats, wall, settledForMs))) return undefined;
      entries.push({ path, stats });
    }
    return new ContentStamp(entries);
  }

  /** Whether everything still looks the same. Never rejects. */
  async holds(): Promise<boolean> {
    for (const { path, stats } of this.#entries) {
      const now = await pathStats(path).catch(() => undefined);
      if (now === undefined || !sameStamp(stats, now)) return false;
    }
    return true;
  }
}
