import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { LOOKS_PER_LISTING, sameStamp, tellsOfChanges } from "./listing-trust.ts";
import { pathStats } from "./path-stats.ts";
import { prefixFiles } from "./prefix-files.ts";
import { collectVersions, listVersionDirectories, type VersionListing } from "./version-directory.ts";
import type { VersionPolicy } from "./version-policy.ts";

/** What lies at a base path. */
export type BasePathContent =
  | { readonly kind: "file"; readonly stats: Stats }
  /** The very same listing as before means that it says the same; `unchanged`, that the folder's other entries are the same too. */
  | { readonly kind: "folder"; readonly listing: VersionListing; readonly unchanged: boolean }
  /** Nothing, but files begin with its name. */
  | { readonly kind: "prefix" }
  | { readonly kind: "unreadable"; readonly code: string };

interface Listed {
  readonly stats: Stats;
  readonly listing: VersionListing;
  readonly trusted: boolean;
  looks: number;
}

/** Versions asked for by number up to which each is looked for by itself, in place of a listing. */
const MOST_BY_NAME = 64;

/** Reads one base path again and again, and lists it only when it may have changed. */
export class BasePath {
  readonly #path: string;
  readonly #policy: VersionPolicy;
  readonly #settledForMs: number;
  #listed: Listed | undefined;

  /** `settledForMs`: how long ago the last change of a folder must be for its times to be trusted. */
  constructor(path: string, policy: VersionPolicy, settledForMs: number) {
    this.#path = path;
    this.#policy = policy;
    this.#settledForMs = settledForMs;
  }

  /** Never rejects. `wallNow` gives milliseconds since 1970. */
  async read(wallNow: () => number): Promise<BasePathContent> {
    try {
      const stats = await pathStats(this.#path);
      if (stats.isFile()) {
        this.#listed = undefined;
        return { kind: "file", stats };
      }
      const known = this.#listed;
      if (known?.trusted && sameStamp(known.stats, stats) && ++known.looks < LOOKS_PER_LISTING) {
        return { kind: "folder", listing: known.listing, unchanged: true };
      }
      return { kind: "folder", listing: await this.#list(stats, wallNow()), unchanged: false };
    } catch (reason) {
      this.#listed = undefined;
      const code = (reason as NodeJS.ErrnoException).code ?? "unknown reason";
      return code === "ENOENT" && (await prefixFiles(this.#path)).length > 0 ? { kind: "prefix" } : { kind: "unreadable", code };
    }
  }

  async #list(stats: Stats, wall: number): Promise<VersionListing> {
    const known = this.#listed;
    const found = (await this.#findByName()) ?? (await listVersionDirectories(this.#path));
    const listing = known !== undefined && sameListing(known.listing, found) ? known.listing : found;
    const trusted = !listing.linked && (await tellsOfChanges(this.#path, stats, wall, this.#settledForMs));
    this.#listed = { stats, listing, trusted, looks: 0 };
    return listing;
  }

  /** TF Serving's short cut: when every version asked for lies under its plain name, the others need not be listed. */
  async #findByName(): Promise<VersionListing | undefined> {
    if (this.#policy.kind !== "specific") return undefined;
    const { versions } = this.#policy;
    if (versions.length === 0 || versions.length > MOST_BY_NAME) return undefined;
    const names = versions.map(String);
    for (const name of names) {
      const entry = await lstat(join(this.#path, name)).catch(() => undefined);
      if (!entry?.isDirectory()) return undefined;
    }
    return { ...collectVersions(new Set(names)), linked: false };
  }
}

function sameListing(a: VersionListing, b: VersionListing): boolean {
  if (a.linked !== b.linked || a.folders.length !== b.folders.length || a.duplicates.length !== b.duplicates.length) return false;
  for (let i = 0; i < a.folders.length; i++) if (a.folders[i]!.name !== b.folders[i]!.name) return false;
  for (let i = 0; i < a.duplicates.length; i++) if (a.duplicates[i]!.ignored !== b.duplicates[i]!.ignored) return false;
  return true;
}
