import type { Stats } from "node:fs";
import { statfs } from "node:fs/promises";

/**
 * Linux's numbers of file systems that change a folder's times with every change of its entries, on this machine, at once: ext2 to
 * ext4, XFS, Btrfs, F2FS, ZFS, bcachefs, tmpfs, ramfs, overlayfs. Not so those of networks, of FUSE and of virtual machines' shares.
 */
const KEEPING_TIMES: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x01021994, 0x858458f6, 0x794c7630,
]);

/** FUSE's, which may give a file another inode whenever the system has forgotten the last one. */
const FUSE = 0x65735546;

/** How far the attributes of what lies on a file system can be trusted. */
export interface AttributeTrust {
  /**
   * Whether times are by this machine's clock and attributes those of this moment. Those of a network are by another clock, and may be
   * older than the last change: NFS's are kept for three seconds and longer. Elsewhere than on Linux it is taken for granted.
   */
  readonly current: boolean;
  /** Whether a file keeps its inode as long as it is the same. */
  readonly inodes: boolean;
}

/** Of the file system that a path lies on; of a path that is not there everything is trusted. Never rejects. */
export async function attributeTrust(path: string): Promise<AttributeTrust> {
  if (process.platform !== "linux") return { current: true, inodes: true };
  const type = await statfs(path).then(
    (found) => found.type,
    () => undefined,
  );
  return { current: type === undefined || KEEPING_TIMES.has(type), inodes: type !== FUSE };
}

/** Looks between two listings of a folder that tells of no change, against whatever the times do not tell after all. */
export const LOOKS_PER_LISTING = 60;

/** Whether two looks at a path met the same file, or the same folder with the same entries, as far as its own attributes tell. */
export function sameStamp(a: Stats, b: Stats): boolean {
  return a.ctimeMs === b.ctimeMs && a.mtimeMs === b.mtimeMs && a.ino === b.ino && a.dev === b.dev && a.size === b.size;
}

/**
 * Whether every change of a folder's entries after `stats` was taken will show in its times: its file system keeps them, and its
 * last change is so long ago that the next one cannot carry the same time. `wall` is the wall clock, read after `stats` was taken;
 * set back, it makes the answer no. Never rejects.
 */
export async function tellsOfChanges(path: string, stats: Stats, wall: number, settledForMs: number): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const age = wall - Math.max(stats.ctimeMs, stats.mtimeMs);
  if (!(age >= settledForMs)) return false;
  try {
    return KEEPING_TIMES.has((await statfs(path)).type);
  } catch {
    return false;
  }
}
